use serde_json::{Value, json};

use super::*;
use crate::compile;

fn defaulted(spec: Value, value: Value) -> Value {
    let (link, causes) = compile::structural(&json!({ "type": "object", "properties": { "spec": spec } }), "");
    assert_eq!(causes, []);
    let mut object = json!({ "spec": value });
    default(&link, &mut object);
    object["spec"].take()
}

#[test]
fn missing_fields_get_their_defaults_and_defaults_get_theirs() {
    let inner = json!({ "type": "object", "properties": { "n": { "type": "integer", "default": 3 } } });
    let mut with_default = inner.clone();
    with_default["default"] = json!({});
    let schema = json!({
        "type": "object",
        "properties": {
            "text": { "type": "string", "default": "a" }, "given": { "type": "string", "default": "a" },
            "object": with_default, "absent": inner,
            "list": { "type": "array", "items": inner }, "map": { "type": "object", "additionalProperties": inner },
        },
    });
    let value = json!({ "given": "b", "list": [{}, { "n": 1 }], "map": { "k": {} } });
    let expected = json!({
        "text": "a", "given": "b", "object": { "n": 3 }, "list": [{ "n": 3 }, { "n": 1 }], "map": { "k": { "n": 3 } },
    });
    assert_eq!(defaulted(schema.clone(), value), expected);
    assert_eq!(defaulted(schema, expected.clone()), expected, "a second time changes nothing");
}

#[test]
fn nulls_stay_only_where_null_is_a_value() {
    let schema = json!({
        "type": "object",
        "properties": {
            "plain": { "type": "string" }, "defaulted": { "type": "string", "default": "a" },
            "nullable": { "type": "string", "nullable": true },
            "both": { "type": "string", "nullable": true, "default": "a" },
            "free": { "x-kubernetes-preserve-unknown-fields": true },
            "map": { "type": "object", "additionalProperties": { "type": "string" } },
        },
    });
    let value =
        json!({ "plain": null, "defaulted": null, "nullable": null, "both": null, "free": null, "map": { "k": null } });
    assert_eq!(defaulted(schema, value), json!({ "defaulted": "a", "nullable": null, "both": null, "map": {} }));
}

#[test]
fn defaults_cannot_make_an_object_a_thousand_times_larger() {
    let field = json!({ "type": "string", "default": "x".repeat(100) });
    let item = json!({ "type": "object", "properties": { "a": field, "b": field, "c": field } });
    let schema = json!({ "type": "object", "properties": { "list": { "type": "array", "items": item } } });
    let (link, causes) = compile::structural(&schema, "");
    assert_eq!(causes, []);
    let mut small = json!({ "list": vec![json!({}); 1_000] });
    assert_eq!(default_within(&link, &mut small), Ok(()));
    assert_eq!(small["list"][999]["c"].as_str().map(str::len), Some(100));
    let mut bomb = json!({ "list": vec![json!({}); 300_000] });
    let error = default_within(&link, &mut bomb).unwrap_err().to_string();
    assert_eq!(error, "the body breaks the limit of 500000 values set by default");
}
