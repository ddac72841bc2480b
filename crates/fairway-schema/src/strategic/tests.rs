use serde_json::{Value, json};

use super::{PatchError, patch};
use crate::{Link, compile};

fn schema() -> Link {
    let text = json!({"type": "string"});
    let container = json!({"type": "object", "properties": {
        "name": text, "image": text,
        "env": keyed("name", &json!({"type": "object", "properties": {"name": text, "value": text}})),
        "args": {"type": "array", "items": text},
    }});
    let components = json!({"Thing": {"type": "object", "properties": {
        "containers": keyed("name", &container),
        "finalizers": {"type": "array", "items": text, "x-kubernetes-patch-strategy": "merge"},
        "args": {"type": "array", "items": text},
        "strategy": {"type": "object", "x-kubernetes-patch-strategy": "retainKeys",
            "properties": {"type": text, "rolling": {"type": "object", "properties": {"max": text}}}},
        "whole": {"type": "object", "x-kubernetes-patch-strategy": "replace", "properties": {"a": text, "b": text}},
        "labels": {"type": "object", "additionalProperties": text},
        "byName": {"type": "object", "additionalProperties": container},
        "raw": {"type": "object"},
    }}});
    compile::openapi(components.as_object().unwrap()).unwrap().remove("Thing").unwrap()
}

fn keyed(key: &str, items: &Value) -> Value {
    json!({"type": "array", "items": items, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": key})
}

#[track_caller]
fn check(live: Value, with: Value, expected: Value) {
    assert_eq!(patch(&schema(), &live, &with), Ok(expected), "{live} patched with {with}");
}

fn containers(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name})).collect()
}

#[test]
fn keyed_lists_merge_by_their_key() {
    check(
        json!({"containers": [{"name": "a", "image": "1", "args": ["x"]}, {"name": "b", "image": "1"}]}),
        json!({"containers": [{"name": "a", "image": "2"}]}),
        json!({"containers": [{"name": "a", "image": "2", "args": ["x"]}, {"name": "b", "image": "1"}]}),
    );
    check(
        json!({"containers": [{"name": "a", "env": [{"name": "x", "value": "1"}]}]}),
        json!({"containers": [{"name": "a", "env": [{"name": "y", "value": "2"}]}]}),
        json!({"containers": [{"name": "a", "env": [{"name": "y", "value": "2"}, {"name": "x", "value": "1"}]}]}),
    );
    check(json!({}), json!({"containers": [{"name": "a", "image": null}]}), json!({"containers": [{"name": "a"}]}));
}

#[test]
fn keyed_items_are_deleted_and_replaced_by_directive() {
    let live = json!({"containers": [{"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}]});
    let gone = json!({"containers": [{"name": "a", "$patch": "delete"}]});
    check(live.clone(), gone.clone(), json!({"containers": [{"name": "b"}]}));
    check(json!({}), gone, json!({"containers": []}));
    check(
        live.clone(),
        json!({"containers": [{"$patch": "replace"}, {"name": "c"}]}),
        json!({"containers": [{"name": "c"}]}),
    );
    check(
        json!({}),
        json!({"containers": [{"$patch": "replace"}, {"name": "c"}]}),
        json!({"containers": [{"name": "c"}]}),
    );
    check(live, json!({"containers": null}), json!({}));
}

#[test]
fn scalar_lists_merge_or_are_replaced_as_the_schema_says() {
    check(json!({"finalizers": ["a", "b"]}), json!({"finalizers": ["c", "a"]}), json!({"finalizers": ["c", "a", "b"]}));
    check(json!({"args": ["a", "b"]}), json!({"args": ["c"]}), json!({"args": ["c"]}));
    check(
        json!({"finalizers": ["a", "b", "a"]}),
        json!({"$deleteFromPrimitiveList/finalizers": ["a", "z"]}),
        json!({"finalizers": ["b"]}),
    );
    check(json!({}), json!({"$deleteFromPrimitiveList/finalizers": ["a"]}), json!({}));
    check(
        json!({"finalizers": ["a", "b"]}),
        json!({"$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["c", "b"], "finalizers": ["c"]}),
        json!({"finalizers": ["c", "b"]}),
    );
}

#[test]
fn the_order_of_a_list_can_be_given() {
    let order = |names: &[&str]| json!({"$setElementOrder/containers": containers(names)});
    let list = |names: &[&str]| json!({"containers": containers(names)});
    check(list(&["a", "b", "c"]), order(&["c", "a"]), list(&["b", "c", "a"]));
    check(list(&["a", "b", "c"]), order(&["b", "c", "a"]), list(&["b", "c", "a"]));
    check(list(&["x", "a", "y", "b", "z"]), order(&["a", "b"]), list(&["x", "a", "y", "b", "z"]));
    check(json!({}), order(&["a"]), json!({}));
    check(
        list(&["a", "b"]),
        json!({"$setElementOrder/containers": containers(&["b", "c"]),
            "containers": [{"name": "b", "image": "2"}, {"name": "c"}, {"name": "a", "$patch": "delete"}]}),
        json!({"containers": [{"name": "b", "image": "2"}, {"name": "c"}]}),
    );
    check(
        json!({}),
        json!({"$setElementOrder/containers": containers(&["b", "c"]), "containers": containers(&["b", "c"])}),
        list(&["b", "c"]),
    );
}

#[test]
fn objects_merge_delete_and_retain() {
    check(
        json!({"labels": {"a": "1", "b": "2"}}),
        json!({"labels": {"a": null, "c": "3"}}),
        json!({"labels": {"b": "2", "c": "3"}}),
    );
    check(
        json!({"labels": {"a": "1"}}),
        json!({"labels": {"$patch": "replace", "c": "3"}}),
        json!({"labels": {"c": "3"}}),
    );
    check(json!({"labels": {"a": "1"}}), json!({"labels": {"$patch": "delete"}}), json!({"labels": {}}));
    check(json!({"whole": {"a": "1"}}), json!({"whole": {"b": "1"}}), json!({"whole": {"b": "1"}}));
    check(
        json!({"strategy": {"type": "Rolling", "rolling": {"max": "1"}}}),
        json!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}),
        json!({"strategy": {"type": "Recreate"}}),
    );
    check(json!({}), json!({"strategy": {"$retainKeys": ["type"], "type": "R"}}), json!({"strategy": {"type": "R"}}));
    check(json!({"labels": "odd"}), json!({"labels": {"a": "1", "b": null}}), json!({"labels": {"a": "1"}}));
}

#[test]
fn what_the_schema_does_not_describe_is_merged_as_json() {
    check(
        json!({"raw": {"list": [{"name": "a"}], "map": {"x": 1}}, "odd": [1]}),
        json!({"raw": {"list": [{"name": "b"}], "map": {"y": 2, "x": null}}, "odd": [2]}),
        json!({"raw": {"list": [{"name": "b"}], "map": {"y": 2}}, "odd": [2]}),
    );
    check(
        json!({"byName": {"k": {"env": [{"name": "x", "value": "1"}]}}}),
        json!({"byName": {"k": {"env": [{"name": "x", "value": "2"}]}}}),
        json!({"byName": {"k": {"env": [{"name": "x", "value": "2"}]}}}),
    );
}

#[test]
fn patches_that_cannot_be_applied_say_why() {
    let live =
        json!({"containers": [{"name": "a"}], "labels": {"a": "1"}, "finalizers": ["a"], "strategy": {"type": "R"}});
    let cases = [
        (json!([]), "invalid JSON document"),
        (json!({"labels": {"$patch": "x", "n": "m"}}), "unknown patch type: x in map: map[$patch:x n:m]"),
        (
            json!({"containers": [{"$patch": "merge", "name": "a"}]}),
            "merging lists cannot yet be specified in the patch",
        ),
        (json!({"containers": [{"image": "x"}]}), "map: map[image:x] does not contain declared merge key: name"),
        (json!({"containers": [{"$patch": "delete"}]}), "map: map[] does not contain declared merge key: name"),
        (json!({"finalizers": [["x"]]}), "lists of lists are not supported"),
        (json!({"finalizers": [1]}), "list element types are not identical: [string int64]"),
        (json!({"$deleteFromPrimitiveList/finalizers": "a"}), "invalid patch format of primitive list"),
        (json!({"strategy": {"$retainKeys": "type"}}), "invalid patch format of retainKeys"),
        (json!({"strategy": {"$retainKeys": ["x"], "type": "R"}}), "invalid patch format of retainKeys"),
        (json!({"$setElementOrder/containers": "a"}), "invalid patch format of setElementOrder list"),
        (
            json!({"$setElementOrder/finalizers": ["a", "b"], "finalizers": ["b", "a"]}),
            "The order in patch list:\n[b a]\n doesn't match $setElementOrder list:\n[a b]\n",
        ),
    ];
    for (with, expected) in cases {
        let error = patch(&schema(), &live, &with).unwrap_err();
        assert_eq!(error.to_string(), expected, "{with}");
    }
    assert_eq!(patch(&schema(), &json!(1), &json!({})), Err(PatchError::NotAnObject));
}

#[test]
fn a_patch_applied_twice_changes_nothing_more() {
    let live =
        json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "finalizers": ["x"], "labels": {"q": "1"}});
    let patches = [
        json!({"containers": [{"name": "c", "image": "2"}, {"name": "a", "image": null}]}),
        json!({"$setElementOrder/containers": containers(&["c", "b"]), "containers": [{"name": "c"}, {"name": "a", "$patch": "delete"}]}),
        json!({"finalizers": ["y", "x"], "labels": {"$patch": "replace", "z": "1"}}),
        json!({"$deleteFromPrimitiveList/finalizers": ["x"], "args": ["1"]}),
    ];
    for with in patches {
        let once = patch(&schema(), &live, &with).unwrap();
        assert_eq!(patch(&schema(), &once, &with).unwrap(), once, "{with}");
    }
}

#[test]
fn long_lists_are_merged_in_one_pass() {
    let names: Vec<_> = (0..50_000).map(|it| format!("n{it}")).collect();
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    let live = json!({"containers": containers(&all), "finalizers": all});
    let with = json!({
        "$setElementOrder/containers": containers(&all), "containers": containers(&all),
        "$deleteFromPrimitiveList/finalizers": all,
    });
    let patched = patch(&schema(), &live, &with).unwrap();
    assert_eq!(patched, json!({"containers": containers(&all), "finalizers": []}));
}
