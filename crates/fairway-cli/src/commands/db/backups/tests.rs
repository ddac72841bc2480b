use super::super::{Backed, Restored};
use super::*;

#[test]
fn dumps_are_told_with_name_age_and_size() {
    let time = Timestamp::UNIX_EPOCH;
    let row = |name: &str, bytes| BackupRow { name: name.to_owned(), time, bytes };
    let items = vec![row("my-api-db-19700101T000000Z-asked.dump", 12_345), row("b.dump", 0)];
    let asked = Timestamp::from_second(90).unwrap();
    let kept = Backups { name: "my-api-db".to_owned(), environment: "staging".to_owned(), items, asked };
    let table = kept.table();
    assert!(table.starts_with("DUMP  ") && table.contains("-asked.dump  1m30s  12.3 kB\n"), "{table}");
    assert_eq!(kept.names()[1], "b.dump");
    let none = Backups { items: Vec::new(), ..kept }.table();
    assert!(none.contains("no dump of my-api-db in staging yet"), "{none}");
}

#[test]
fn a_dump_and_a_restore_say_what_is_kept_under_which_name() {
    let backed = Backed {
        name: "my-api-db".to_owned(),
        environment: "staging".to_owned(),
        backup: Some("a.dump".to_owned()),
        bytes: Some(2_000_000),
        seconds: Some(1.25),
        cause: "0".to_owned(),
    };
    assert_eq!(backed.table(), "kept my-api-db in staging as a.dump, 2.0 MB, in 1.2 s\n");
    assert!(Backed { backup: None, ..backed }.table().contains("is being made"));
    let restored = Restored {
        name: "my-api-db".to_owned(),
        environment: "staging".to_owned(),
        from: "a.dump".to_owned(),
        before: Some("b.dump".to_owned()),
        seconds: Some(0.5),
        cause: "0".to_owned(),
    };
    let text = restored.table();
    assert!(
        text.contains("my-api-db in staging holds what a.dump has, in 500 ms") && text.contains("b.dump"),
        "{text}"
    );
    assert!(Restored { before: None, ..restored }.table().contains("is being restored"));
}
