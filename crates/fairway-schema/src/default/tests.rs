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
    assert_eq!(
        defaulted(schema, value),
        json!({ "defaulted": "a", "nullable": null, "both": null, "free": null, "map": {} })
    );
}
