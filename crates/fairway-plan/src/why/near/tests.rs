use super::*;

#[test]
fn a_letter_or_two_are_a_mistake_and_more_is_another_word() {
    let known = ["orders", "bystander", "db"];
    for (name, meant) in [
        ("ordres", Some("orders")),
        ("bystandr", Some("bystander")),
        ("by-stander", Some("bystander")),
        ("dbb", Some("db")),
        ("payments", None),
        ("cache", None),
        ("orders", None),
    ] {
        assert_eq!(nearest(name, known), meant, "{name}");
    }
}
