use serde_json::json;

use super::*;

#[test]
fn operations_do_what_the_standard_says() {
    for (target, patch, expected) in [
        (json!({"a": 1}), json!([{"op": "add", "path": "/b", "value": 2}]), json!({"a": 1, "b": 2})),
        (json!({"a": [1, 3]}), json!([{"op": "add", "path": "/a/1", "value": 2}]), json!({"a": [1, 2, 3]})),
        (json!({"a": [1]}), json!([{"op": "add", "path": "/a/-", "value": 2}]), json!({"a": [1, 2]})),
        (json!({"a": [1, 2]}), json!([{"op": "remove", "path": "/a/0"}]), json!({"a": [2]})),
        (json!({"a": [1, 2]}), json!([{"op": "replace", "path": "/a/-1", "value": 3}]), json!({"a": [1, 3]})),
        (json!({"a": 1}), json!([{"op": "replace", "path": "/a", "value": null}]), json!({"a": null})),
        (json!({"a": {"b": 1}}), json!([{"op": "move", "from": "/a/b", "path": "/c"}]), json!({"a": {}, "c": 1})),
        (
            json!({"a": {"b": 1}}),
            json!([{"op": "copy", "from": "/a", "path": "/c"}]),
            json!({"a": {"b": 1}, "c": {"b": 1}}),
        ),
        (json!({"a": 1}), json!([{"op": "test", "path": "/a", "value": 1}]), json!({"a": 1})),
        (json!({}), json!([{"op": "test", "path": "/a", "value": null}]), json!({})),
        (
            json!({"a/b": 1, "c~d": 2}),
            json!([{"op": "remove", "path": "/a~1b"}, {"op": "remove", "path": "/c~0d"}]),
            json!({}),
        ),
        (json!({"": 1}), json!([{"op": "replace", "path": "/", "value": 2}]), json!({"": 2})),
        (json!({"a": 1}), json!([{"op": "replace", "path": "", "value": {}}]), json!({})),
        (json!({"a": 1}), json!([]), json!({"a": 1})),
    ] {
        assert_eq!(json_patch(&target, &patch).unwrap(), expected, "{patch}");
    }
}

#[test]
fn what_does_not_apply_is_told_apart_from_what_is_no_patch() {
    let target = json!({"a": [1], "b": "x"});
    for (patch, code) in [
        (json!({}), 400),
        (json!([1]), 400),
        (json!([{"op": 1, "path": "/a"}]), 400),
        (json!([{"op": "nope", "path": "/a"}]), 422),
        (json!([{"op": "add", "path": "/a"}]), 422),
        (json!([{"op": "add", "value": 1}]), 422),
        (json!([{"op": "add", "path": "a", "value": 1}]), 422),
        (json!([{"op": "add", "path": "/none/x", "value": 1}]), 422),
        (json!([{"op": "add", "path": "/a/5", "value": 1}]), 422),
        (json!([{"op": "add", "path": "/a/01", "value": 1}]), 422),
        (json!([{"op": "add", "path": "/b/x", "value": 1}]), 422),
        (json!([{"op": "remove", "path": "/none"}]), 422),
        (json!([{"op": "remove", "path": ""}]), 422),
        (json!([{"op": "remove", "path": "/a/-2"}]), 422),
        (json!([{"op": "replace", "path": "/none", "value": 1}]), 422),
        (json!([{"op": "test", "path": "/b", "value": "y"}]), 422),
        (json!([{"op": "move", "from": "/a", "path": "/a/0"}]), 422),
        (json!([{"op": "copy", "path": "/c"}]), 422),
    ] {
        assert_eq!(json_patch(&target, &patch).unwrap_err().code(), code, "{patch}");
    }
}

#[test]
fn errors_say_which_operation_and_why() {
    let patch = json!([{"op": "add", "path": "/x", "value": 1}, {"op": "remove", "path": "/none"}]);
    let error = json_patch(&json!({}), &patch).unwrap_err().to_string();
    assert_eq!(error, "operation 1 (remove \"/none\") cannot be applied: there is no \"none\"");
}

#[test]
fn bombs_are_refused() {
    let many = vec![json!({"op": "test", "path": "/a", "value": null}); MAX_OPERATIONS + 1];
    assert_eq!(json_patch(&json!({}), &json!(many)).unwrap_err().code(), 413);
    let doubling: Vec<Value> = (0..60).map(|it| json!({"op": "copy", "from": "", "path": format!("/a{it}")})).collect();
    let start = json!({ "text": "x".repeat(1000) });
    let error = json_patch(&start, &json!(doubling)).unwrap_err().to_string();
    assert_eq!(error, "copying in operation 11 exceeds 3145728 bytes");
    let deep = (0..90).fold(json!(1), |inner, _| json!({ "a": inner }));
    let path = "/a".repeat(90);
    let error = json_patch(&deep, &json!([{"op": "replace", "path": path, "value": deep}])).unwrap_err().to_string();
    assert_eq!(error, "operation 0 would nest values deeper than 100 levels");
    let nesting = vec![json!({"op": "copy", "from": "", "path": "/a"}); 9_000];
    assert!(json_patch(&json!({}), &json!(nesting)).is_err());
}

#[test]
fn ten_thousand_operations_on_a_long_list_are_stopped() {
    let list = json!(vec![0; 200_000]);
    let patch = vec![json!({"op": "remove", "path": "/0"}); MAX_OPERATIONS];
    let error = json_patch(&list, &json!(patch)).unwrap_err().to_string();
    assert_eq!(error, "operation 100 exceeds the 20000000 values that a patch may touch");
}
