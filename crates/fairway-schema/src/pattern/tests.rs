use super::*;

#[test]
fn patterns_mean_what_they_mean_in_go() {
    for (pattern, text, expected) in [
        (r"^\d+$", "12", true),
        (r"^\d+$", "٣", false),
        (r"^[\w.-]+$", "a_b.c-d", true),
        (r"^\w+$", "é", false),
        (r"^[a[]$", "[", true),
        (r"^[a&&b]+$", "a&b", true),
        (r"^[]a]+$", "]a", true),
        (r"^[^]a]+$", "b", true),
        (r"^[[:alpha:]]+$", "ab", true),
        (r"^\S+\s\S+$", "a b", true),
        (r"^a\.b$", "axb", false),
        (r"\bword\b", "a word.", true),
        (r"^(?:a|b){2}$", "ab", true),
        (r"^.$", "é", true),
    ] {
        assert_eq!(Pattern::new(pattern).check(), Ok(()), "{pattern}");
        assert_eq!(Pattern::new(pattern).is_match(text), expected, "{pattern} {text}");
    }
}

#[test]
fn patterns_that_do_not_compile_match_nothing() {
    for pattern in ["a(", "[", "(?=x)", r"\1", "(a{1000}){1000}"] {
        assert!(Pattern::new(pattern).check().is_err(), "{pattern}");
        assert!(!Pattern::new(pattern).is_match("a"), "{pattern}");
    }
}
