use serde_json::json;

use super::*;

#[test]
fn texts_are_quoted_as_go_quotes_them() {
    for (text, expected) in [
        ("a", r#""a""#),
        ("a\"b\\", r#""a\"b\\""#),
        ("\n\t\u{7}\u{0}\u{1b}[0m", r#""\n\t\a\x00\x1b[0m""#),
        ("é 日本 e\u{301}", "\"é 日本 e\u{301}\""),
        ("\u{202e}x\u{a0}\u{feff}", r#""\u202ex\u00a0\ufeff""#),
        ("\u{e0001}", r#""\U000e0001""#),
    ] {
        assert_eq!(quoted(text), expected);
    }
}

#[test]
fn json_is_written_as_go_writes_it() {
    assert_eq!(
        json(&json!({ "rule": "self.a > 1 && x < 2" })),
        r#"{"rule":"self.a \u003e 1 \u0026\u0026 x \u003c 2"}"#
    );
    assert_eq!(json(&json!([1, null, "é"])), r#"[1,null,"é"]"#);
}

#[test]
fn a_message_bears_only_so_much_of_a_value() {
    let long = "x".repeat(1 << 20);
    assert!(quoted(&long).len() < 9_000 && quoted(&long).ends_with("...\""));
    let text = json(&json!([long, long]));
    assert!(text.len() < 9_000 && text.ends_with("..."));
}
