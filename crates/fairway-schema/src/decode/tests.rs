use std::fmt::Write as _;

use serde_json::json;

use super::*;
use crate::compile;

fn schema() -> crate::Link {
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "a": { "type": "integer" },
                    "list": { "type": "array", "items": { "type": "object", "properties": { "b": { "type": "string" } } } },
                },
            },
        },
    });
    compile::structural(&schema, "").0
}

#[test]
fn findings_come_in_the_order_of_the_document() {
    let body = br#"{"zed":1,"spec":{"a":1,"nope":{"deep":1},"a":2,"list":[{"b":"x","c":1}]},"kind":"K"}"#;
    let decoded = json(body, Some(&schema())).unwrap();
    let texts: Vec<String> = decoded.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            r#"unknown field "zed""#,
            r#"unknown field "spec.nope""#,
            r#"duplicate field "spec.a""#,
            r#"unknown field "spec.list[0].c""#
        ]
    );
    assert_eq!(decoded.value["spec"]["a"], 2, "the last one counts");
}

#[test]
fn yaml_gives_the_same_tree_and_findings() {
    let body = b"kind: K\nspec:\n  a: 1\n  a: 2\n  nope: yes\n  list:\n  - b: 'x'\n";
    let decoded = yaml(body, Some(&schema())).unwrap();
    assert_eq!(decoded.value, json!({"kind": "K", "spec": {"a": 2, "nope": true, "list": [{"b": "x"}]}}));
    let texts: Vec<String> = decoded.findings.iter().map(ToString::to_string).collect();
    assert_eq!(texts, [r#"duplicate field "spec.a""#, r#"unknown field "spec.nope""#]);
}

#[test]
fn numbers_keep_their_kind() {
    let decoded = json(b"[3, 3.0, -1, 18446744073709551615, 1e3]", None).unwrap();
    assert_eq!(decoded.value.to_string(), "[3,3.0,-1,18446744073709551615,1000.0]");
    assert_eq!(yaml(b"[3, 3.5, -1, '3', 0x10]", None).unwrap().value, json!([3, 3.5, -1, "3", 16]));
}

#[test]
fn yaml_field_names_may_be_numbers_or_truth_values() {
    assert_eq!(
        yaml(b"1: a\ntrue: b\nc: {2: d}\n", None).unwrap().value,
        json!({"1": "a", "true": "b", "c": {"2": "d"}})
    );
}

fn limit(result: Result<Decoded, DecodeBody>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn bombs_are_refused_with_the_limit_named() {
    let nested = "the body breaks the limit of 100 levels of nesting";
    for depth in [101, 127, 128, 100_000] {
        assert_eq!(limit(json("[".repeat(depth).as_bytes(), None)), nested, "{depth}");
        assert_eq!(limit(json(r#"{"a":"#.repeat(depth).as_bytes(), None)), nested, "{depth}");
    }
    assert_eq!(limit(yaml("[".repeat(300).as_bytes(), None)), nested);
    let values = format!("[{}0]", "0,".repeat(MAX_VALUES));
    assert_eq!(limit(json(values.as_bytes(), None)), "the body breaks the limit of 500000 values");
    let objects = format!("[{}0]", r#"{"a":1},"#.repeat(100_000));
    assert_eq!(limit(json(objects.as_bytes(), None)), "the body breaks the limit of 500000 values");
    let documents = limit(yaml(b"a: 1\n---\nb: 2\n", None));
    assert!(documents.contains("document"), "{documents}");
}

#[test]
fn alias_bombs_are_refused_with_the_limit_named() {
    let mut laughs = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..=9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(",");
        writeln!(laughs, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    let error = limit(yaml(laughs.as_bytes(), None));
    assert!(error.starts_with("the body breaks the limit of "), "{error}");

    let text = format!("a: &a {:?}\nb: [{}*a]\n", "x".repeat(1 << 20), "*a,".repeat(50));
    assert_eq!(limit(yaml(text.as_bytes(), None)), format!("the body breaks the limit of {MAX_TEXT} bytes of text"));
}

#[test]
fn broken_bodies_say_where() {
    assert_eq!(limit(json(b"{\"a\":}", None)), "expected value at line 1 column 6");
    assert_eq!(limit(json(b"{} x", None)), "trailing characters at line 1 column 4");
    assert_eq!(limit(json(b"\xff", None)), "the body is not valid UTF-8");
    assert!(limit(yaml(b"a: [", None)).starts_with("error converting YAML to JSON: "));
    assert!(limit(yaml(b"a: .nan", None)).starts_with("error converting YAML to JSON: "));
}

#[test]
fn trees_made_by_patches_are_held_to_the_same_depth() {
    let tree = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(check_depth(&tree(MAX_DEPTH)), Ok(()));
    assert!(check_depth(&tree(MAX_DEPTH + 1)).is_err());
    assert!(json(tree(MAX_DEPTH).to_string().as_bytes(), None).is_ok());
}
