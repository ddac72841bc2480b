use super::{Mover, NAME, decode, encode, record, word};

const OLD: &str = "0000000000000000000000000000000000000000";
const NEW: &str = "56b56867cef0935dbc934bd6003dd2600725eb32";

#[test]
fn users_come_back_as_they_went_in_whatever_they_are_called() {
    for user in [
        "local:0",
        "local:",
        ":x",
        "system:serviceaccount:shop:ci",
        "oidc:ada@example.org",
        "a b",
        "a<b>c",
        "größe",
        "100%",
        "%41",
        ".a.",
        ",",
        "'x'",
        "a\nb",
        "\"q\"",
    ] {
        let name = word(user);
        assert_eq!(decode(&name), user, "{name}");
        assert!(!name.contains(|it: char| it.is_whitespace() || "<>\"'".contains(it)), "{name}");
        assert!(!name.ends_with(['.', ',', ':', ';']) && !name.starts_with(['.', ',', ':', ';']), "{name}");
    }
}

#[test]
fn a_record_says_who_and_because_of_what() {
    let line = format!("{OLD} {NEW} local:0 <0a1b> 1795273372 +0000\tpush");
    let mover = |user: &str, groups: &[&str], cause: Option<&str>| Mover {
        user: Some(user.to_owned()),
        groups: groups.iter().map(|it| (*it).to_owned()).collect(),
        cause: cause.map(str::to_owned),
    };
    assert_eq!(record(&line, NEW), Some(mover("local:0", &[], Some("0a1b"))));
    assert_eq!(record(&line, OLD), None);
    assert_eq!(record(&format!("{OLD} {NEW} local:0 <> 1 +0000"), NEW), Some(mover("local:0", &[], None)));
    let groups = ["system:authenticated", "the makers", "größe:"];
    let name = encode("a b", &groups.map(str::to_owned));
    assert_eq!(record(&format!("{OLD} {NEW} {name} <0a1b> 1 +0000"), NEW), Some(mover("a b", &groups, Some("0a1b"))));
    for torn in ["", OLD, &format!("{OLD} {NEW}"), &format!("{OLD} {NEW} loc"), &format!("{OLD} {NEW} local:0 <0a")] {
        assert_eq!(record(torn, NEW), None, "{torn}");
    }
}

#[test]
fn of_very_many_groups_some_are_left_out_and_none_is_cut() {
    let groups: Vec<String> = (0..10_000).map(|it| format!("group-{it}")).collect();
    let name = encode("local:0", &groups);
    assert!(name.len() < NAME, "{}", name.len());
    let known = record(&format!("{OLD} {NEW} {name} <> 1 +0000"), NEW).unwrap_or_default();
    assert!(known.groups.len() > 100 && groups.starts_with(&known.groups));
    assert_eq!(encode("local:0", &[String::new()]), "local:0");
}
