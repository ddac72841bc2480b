//! Relations as control files write them.

use super::{Relation, is_name};

#[test]
fn relations_are_read_as_control_files_write_them() {
    let rows = [
        ("libc6 (>= 2.34), zlib1g", "libc6 (>= 2.34), zlib1g"),
        ("media-types | mime-support", "media-types | mime-support"),
        ("python3:any (<<3.12),python3:any", "python3 (<< 3.12), python3"),
        ("a1 (= 1:2-3) | b2(>>4)", "a1 (= 1:2-3) | b2 (>> 4)"),
        ("a1 (< 1), a1 (> 1),", "a1 (<= 1), a1 (>= 1)"),
        ("", ""),
    ];
    for (text, expected) in rows {
        let groups = Relation::groups(text).unwrap();
        let shown: Vec<_> =
            groups.iter().map(|it| it.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")).collect();
        assert_eq!(shown.join(", "), expected);
    }
}

#[test]
fn what_cannot_be_understood_is_refused() {
    for text in ["a1 (>= )", "a1 (>= 1", "a1 (1)", "A1", "a1 | ", "../a1", "a1 [amd64]", "a1 (>= 1) x", "a1 (=> 1)"] {
        assert!(Relation::groups(text).is_err(), "{text}");
    }
    assert!(is_name("libstdc++6") && is_name("python3.11"));
    assert!(!is_name("a") && !is_name("a/b") && !is_name("-a1"));
}

#[test]
fn versions_are_held_to_their_bounds() {
    let fits =
        |relation: &str, version: &str| Relation::groups(relation).unwrap()[0][0].fits(&version.parse().unwrap());
    assert!(fits("a1 (>= 2.34)", "2.36-9") && !fits("a1 (>> 2.36-9)", "2.36-9"));
    assert!(fits("a1 (<< 2.37)", "2.36-9") && fits("a1 (= 1.0)", "1.00") && !fits("a1 (<= 1)", "2"));
    let relation = &Relation::groups("mime (>= 2)").unwrap()[0][0];
    assert!(!relation.fits_provided(None) && relation.fits_provided(Some(&"2".parse().unwrap())));
}
