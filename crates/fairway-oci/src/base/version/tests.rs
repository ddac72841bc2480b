//! The order of versions as dpkg has it.

use std::cmp::Ordering;

use super::Version;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn versions_come_in_the_order_of_dpkg() {
    let rows = [
        ("1.0", Ordering::Equal, "1.0"),
        ("1.0", Ordering::Equal, "1.00"),
        ("1.0", Ordering::Equal, "0:1.0"),
        ("1.0", Ordering::Equal, "1.0-0"),
        ("1.2", Ordering::Less, "1.10"),
        ("1.0~rc1", Ordering::Less, "1.0"),
        ("1.0~~", Ordering::Less, "1.0~"),
        ("1.0", Ordering::Less, "1.0a"),
        ("1.0a", Ordering::Less, "1.0+b"),
        ("1.0-1", Ordering::Less, "1.0-1+deb12u1"),
        ("1.0-1~deb12u1", Ordering::Less, "1.0-1"),
        ("9", Ordering::Less, "1:0"),
        ("1:1.2", Ordering::Greater, "3"),
        ("2.36-9+deb12u9", Ordering::Less, "2.36-9+deb12u14"),
        ("3.11.2-6+deb12u8", Ordering::Greater, "3.11.2-6"),
        ("1-2-3", Ordering::Greater, "1-2"),
        ("99999999999999999999999", Ordering::Greater, "99999999999999999999998"),
        ("00001", Ordering::Equal, "1"),
        ("7.0~beta", Ordering::Less, "7.0"),
        ("1.4-a", Ordering::Less, "1.4-b"),
    ];
    for (a, order, b) in rows {
        assert_eq!(version(a).cmp(&version(b)), order, "{a} {b}");
        assert_eq!(version(b).cmp(&version(a)), order.reverse(), "{b} {a}");
    }
}

#[test]
fn what_is_no_version_is_refused() {
    for text in ["", ":", "x:1", "1:", "-1", "1 2", "1/2", "4294967296:1", "ä", &"1".repeat(300)] {
        assert!(text.parse::<Version>().is_err(), "{text:?}");
    }
    assert_eq!(version("1:2.3-4").to_string(), "1:2.3-4", "it is shown as it was written");
}
