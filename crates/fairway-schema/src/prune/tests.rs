use serde_json::{Value, json};

use super::*;
use crate::compile;

fn schema() -> crate::Link {
    let embedded = json!({
        "type": "object", "x-kubernetes-embedded-resource": true,
        "properties": { "spec": { "type": "object", "properties": { "a": { "type": "string" } } } },
    });
    let keeps = json!({
        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "properties": { "known": { "type": "object", "properties": { "a": { "type": "string" } } } },
    });
    let item = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let spec = json!({
        "type": "object",
        "properties": {
            "list": { "type": "array", "items": item }, "map": { "type": "object", "additionalProperties": item },
            "keeps": keeps, "embedded": embedded, "closed": { "type": "object" },
        },
    });
    let (link, causes) = compile::structural(&json!({ "type": "object", "properties": { "spec": spec } }), "");
    assert_eq!(causes, []);
    link
}

fn object() -> Value {
    json!({
        "apiVersion": "x.test/v1", "kind": "X", "metadata": { "name": "n", "labels": { "any": "thing" }, "odd": 1 },
        "stray": 1,
        "spec": {
            "list": [{ "a": "1" }, { "b": 1 }], "map": { "any": { "a": "1", "b": 1 } },
            "keeps": { "other": { "deep": 1 }, "known": { "a": "1", "b": 1 } },
            "embedded": { "apiVersion": "v1", "kind": "Y", "metadata": { "name": "m" }, "spec": { "b": 1 }, "c": 1 },
            "closed": { "a": 1 },
        },
    })
}

#[test]
fn only_what_the_schema_knows_is_kept() {
    let mut value = object();
    let removed = prune(&schema(), &mut value);
    let expected = [
        "metadata.odd",
        "spec.closed.a",
        "spec.embedded.c",
        "spec.embedded.spec.b",
        "spec.keeps.known.b",
        "spec.list[1].b",
        "spec.map.any.b",
        "stray",
    ];
    assert_eq!(removed, expected);
    assert_eq!(value["spec"]["keeps"]["other"], json!({ "deep": 1 }));
    assert_eq!(value["spec"]["embedded"]["metadata"], json!({ "name": "m" }));
    assert_eq!(value["spec"]["closed"], json!({}));
    assert_eq!(value.get("stray"), None);
}

#[test]
fn looking_finds_what_pruning_removes_and_pruning_leaves_nothing_to_find() {
    let mut value = object();
    let found = unknown_fields(&schema(), &value);
    assert_eq!(prune(&schema(), &mut value), found);
    assert_eq!(prune(&schema(), &mut value), [] as [&str; 0]);
}
