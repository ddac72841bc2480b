use super::{decode, encode, record};

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
        let name = encode(user);
        assert_eq!(decode(&name), user, "{name}");
        assert!(!name.contains(|it: char| it.is_whitespace() || "<>\"'".contains(it)), "{name}");
        assert!(!name.ends_with(['.', ',', ':', ';']) && !name.starts_with(['.', ',', ':', ';']), "{name}");
    }
}

#[test]
fn a_record_says_who_and_because_of_what() {
    let line = format!("{OLD} {NEW} local:0 <0a1b> 1795273372 +0000\tpush");
    assert_eq!(record(&line, NEW), Some((Some("local:0".to_owned()), Some("0a1b".to_owned()))));
    assert_eq!(record(&line, OLD), None);
    assert_eq!(record(&format!("{OLD} {NEW} local:0 <> 1 +0000"), NEW), Some((Some("local:0".to_owned()), None)));
    for torn in ["", OLD, &format!("{OLD} {NEW}"), &format!("{OLD} {NEW} loc"), &format!("{OLD} {NEW} local:0 <0a")] {
        assert_eq!(record(torn, NEW), None, "{torn}");
    }
}
