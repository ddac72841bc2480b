use serde_json::{Value, json};

use super::*;
use crate::compile;

fn check(spec: Value, value: Value) -> Vec<String> {
    let schema = json!({ "type": "object", "properties": { "spec": spec } });
    let (link, causes) = compile::structural(&schema, "");
    assert_eq!(causes, [], "the schema is structural");
    validate(&link, &json!({ "spec": value }), "").iter().map(ToString::to_string).collect()
}

#[expect(clippy::too_many_lines, reason = "a table of rules and their texts")]
#[test]
fn broken_rules_are_told_in_the_words_of_the_api() {
    let text = |rule: Value| {
        let mut schema = json!({ "type": "string" });
        schema.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        schema
    };
    for (schema, value, expected) in [
        (
            json!({"type": "integer"}),
            json!("x"),
            r#"spec: Invalid value: "string": spec in body must be of type integer: "string""#,
        ),
        (
            json!({"type": "integer"}),
            json!(3.5),
            r#"spec: Invalid value: "number": spec in body must be of type integer: "number""#,
        ),
        (
            json!({"type": "string"}),
            json!(null),
            r#"spec: Invalid value: "null": spec in body must be of type string: "null""#,
        ),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            json!(["a", 1]),
            r#"spec[1]: Invalid value: "integer": spec[1] in body must be of type string: "integer""#,
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"k": true}),
            r#"spec.k: Invalid value: "boolean": spec.k in body must be of type string: "boolean""#,
        ),
        (json!({"type": "object", "required": ["a"]}), json!({}), "spec.a: Required value"),
        (text(json!({"enum": ["a", "b"]})), json!("x"), r#"spec: Unsupported value: "x": supported values: "a", "b""#),
        (text(json!({"pattern": "^a+$"})), json!("b"), r#"spec: Invalid value: "b": spec in body should match '^a+$'"#),
        (
            text(json!({"minLength": 2})),
            json!("é"),
            r#"spec: Invalid value: "é": spec in body should be at least 2 chars long"#,
        ),
        (text(json!({"maxLength": 1})), json!("ab"), "spec: Too long: may not be more than 1 byte"),
        (
            text(json!({"format": "date-time"})),
            json!("x"),
            r#"spec: Invalid value: "x": spec in body must be of type date-time: "x""#,
        ),
        (
            json!({"type": "integer", "minimum": 1}),
            json!(0),
            "spec: Invalid value: 0: spec in body should be greater than or equal to 1",
        ),
        (
            json!({"type": "integer", "maximum": 5, "exclusiveMaximum": true}),
            json!(5),
            "spec: Invalid value: 5: spec in body should be less than 5",
        ),
        (
            json!({"type": "number", "multipleOf": 0.1}),
            json!(0.25),
            "spec: Invalid value: 0.25: spec in body should be a multiple of 0.1",
        ),
        (
            json!({"type": "integer", "format": "int32"}),
            json!(3_000_000_000_u64),
            r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec"#,
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
            json!([]),
            "spec: Invalid value: []: spec in body should have at least 1 items",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "maxItems": 1}),
            json!(["a", "b"]),
            "spec: Too many: 2: must have at most 1 item",
        ),
        (
            json!({"type": "object", "minProperties": 1}),
            json!({}),
            "spec: Invalid value: {}: spec in body should have at least 1 properties",
        ),
        (
            json!({"x-kubernetes-int-or-string": true}),
            json!(true),
            r#"spec: Invalid value: "boolean": spec in body must be of type integer,string: "boolean""#,
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}),
            json!(["a", "b", "a"]),
            r#"spec[2]: Duplicate value: "a""#,
        ),
        (
            json!({"type": "array", "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}, "v": {"type": "integer"}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}),
            json!([{"k": "a", "v": 1}, {"k": "a", "v": 2}]),
            r#"spec[1]: Duplicate value: {"k":"a"}"#,
        ),
        (
            json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}),
            json!({"kind": "A"}),
            "spec.apiVersion: Required value: must not be empty",
        ),
    ] {
        assert_eq!(check(schema.clone(), value), [expected], "{schema}");
    }
}

#[test]
fn values_that_fit_are_let_through() {
    for (schema, value) in [
        (json!({"type": "integer"}), json!(3.0)),
        (json!({"type": "number"}), json!(3)),
        (json!({"type": "string", "nullable": true}), json!(null)),
        (json!({"type": "string", "format": "no-such-format"}), json!("anything")),
        (json!({"x-kubernetes-preserve-unknown-fields": true}), json!(null)),
        (json!({"x-kubernetes-int-or-string": true}), json!("50%")),
        (json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "atomic"}), json!(["a", "a"])),
    ] {
        assert_eq!(check(schema.clone(), value), [] as [&str; 0], "{schema}");
    }
}

#[test]
fn combined_schemas_name_the_place_in_their_text() {
    let fields = json!({"a": {"type": "integer"}, "b": {"type": "integer"}});
    let schema = |key: &str, rules: Value| json!({"type": "object", "properties": fields, key: rules});
    let either = json!([{"required": ["a"]}, {"required": ["b"]}]);
    for (schema, value, expected) in [
        (
            schema("oneOf", either.clone()),
            json!({}),
            vec![
                r#"<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid"#,
                "spec.a: Required value",
            ],
        ),
        (
            schema("oneOf", either.clone()),
            json!({"a": 1, "b": 1}),
            vec![
                r#"<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives"#,
            ],
        ),
        (
            schema("anyOf", either.clone()),
            json!({}),
            vec![
                r#"<nil>: Invalid value: "": "spec" must validate at least one schema (anyOf)"#,
                "spec.a: Required value",
            ],
        ),
        (
            schema("allOf", either),
            json!({"a": 1}),
            vec!["spec.b: Required value", r#"<nil>: Invalid value: "": "spec" must validate all the schemas (allOf)"#],
        ),
        (
            schema("not", json!({"required": ["a"]})),
            json!({"a": 1}),
            vec![r#"<nil>: Invalid value: "": "spec" must not validate the schema (not)"#],
        ),
    ] {
        assert_eq!(check(schema.clone(), value), expected, "{schema}");
    }
}

#[test]
fn formats_know_good_from_bad() {
    for (format, good, bad) in [
        ("date", vec!["2026-02-28"], vec!["2026-02-30", "26-01-01", ""]),
        ("date-time", vec!["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+02:00"], vec!["2026-01-01", "now"]),
        ("duration", vec!["1h30m", "0", "3 days", "1.5s", "-2ms"], vec!["1", "h", "1x", ""]),
        ("email", vec!["a@b.example", "first.last+tag@x.example"], vec!["a", "@b", "a@", ".a@b"]),
        ("hostname", vec!["a", "a.b-c.example"], vec!["", "a..b", "-a", "a-"]),
        ("ipv4", vec!["192.0.2.1"], vec!["192.0.2", "1.2.3.4.5", "::1"]),
        ("ipv6", vec!["::1", "2001:db8::1"], vec!["1.2.3.4", ":::"]),
        ("cidr", vec!["10.0.0.0/8", "2001:db8::/32"], vec!["10.0.0.0", "10.0.0.0/33", "10.0.0.0/+8"]),
        ("mac", vec!["01:23:45:67:89:ab", "0123.4567.89ab"], vec!["01:23", "zz:23:45:67:89:ab"]),
        ("uuid", vec!["123e4567-e89b-12d3-a456-426614174000"], vec!["123e4567"]),
        ("uuid4", vec!["123e4567-e89b-42d3-a456-426614174000"], vec!["123e4567-e89b-12d3-a456-426614174000"]),
        ("uri", vec!["https://x.example/a?b#c", "/path", "urn:x"], vec!["", "a b", "http://x/%zz", "x"]),
        ("byte", vec!["aGk=", ""], vec!["a", "%%"]),
        ("hexcolor", vec!["#fff", "00ff00"], vec!["#ff", "red"]),
        ("k8s-short-name", vec!["a-b"], vec!["a.b", "A"]),
    ] {
        let schema = json!({ "type": "string", "format": format });
        for value in good {
            assert_eq!(check(schema.clone(), json!(value)), [] as [&str; 0], "{format} {value}");
        }
        for value in bad {
            assert_eq!(check(schema.clone(), json!(value)).len(), 1, "{format} {value}");
        }
    }
}

#[test]
fn the_number_of_causes_is_bounded() {
    let schema = json!({ "type": "array", "items": { "type": "string" } });
    let value = Value::Array(vec![json!(1); 100_000]);
    assert_eq!(check(schema, value).len(), 100);
}

#[test]
fn causes_stay_short_however_long_the_names_are() {
    let name = "x".repeat(1 << 20);
    let schema =
        json!({ "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string" } } });
    let found = check(schema, json!({ name: vec![json!(1); 1_000] }));
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|it| it.len() < 2_000));
}
