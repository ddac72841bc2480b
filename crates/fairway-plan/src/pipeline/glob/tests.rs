use proptest::prelude::*;

use super::*;

#[test]
fn patterns_mean_what_people_expect() {
    let cases = [
        ("src/**", "src/main.rs", true),
        ("src/**", "src/a/b.rs", true),
        ("src/**", "srcs/a.rs", false),
        ("src", "src/a/b.rs", true),
        ("src/", "src/a.rs", true),
        ("src", "src", true),
        ("*.toml", "Cargo.toml", true),
        ("*.toml", "a/Cargo.toml", false),
        ("**/*.rs", "main.rs", true),
        ("**/*.rs", "a/b/main.rs", true),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b", true),
        ("Cargo.?oml", "Cargo.toml", true),
        ("Cargo?toml", "Cargo/toml", false),
        ("", "a", false),
    ];
    for (pattern, of, expected) in cases {
        assert_eq!(path(pattern, of), expected, "{pattern} {of}");
    }
    assert!(branch("release/*", "release/1/2"));
    assert!(!branch("release/*", "release"));
    assert!(branch("*", "anything/at/all"));
}

proptest! {
    #[test]
    fn any_pattern_ends_and_a_text_fits_itself(text in "[a-z/.]{0,40}", pattern in "[a-z*?/]{0,40}") {
        let _ = path(&pattern, &text);
        prop_assert!(branch(&text, &text));
        prop_assert!(branch("*", &text));
        prop_assert!(path("**", &text));
    }
}

#[test]
fn many_stars_take_no_longer_than_few() {
    let pattern = "*a".repeat(200) + "b";
    assert!(!branch(&pattern, &"a".repeat(5000)));
}
