use super::*;

#[test]
fn a_dump_is_named_after_its_resource_its_time_and_why_it_was_made() {
    let at: Timestamp = "2026-11-21T03:17:00.5Z".parse().unwrap();
    for (sort, name) in [
        (Sort::Asked, "my-api-db-20261121T031700Z-asked.dump"),
        (Sort::Before, "my-api-db-20261121T031700Z-before.dump"),
        (Sort::Removed, "my-api-db-20261121T031700Z-removed.dump"),
    ] {
        assert_eq!(backup_name("my-api-db", sort, at), name);
        assert!(may_be_backup(name));
    }
}

#[test]
fn a_name_that_leads_elsewhere_or_is_more_than_a_word_is_none() {
    let long = "a".repeat(121);
    for name in [
        "",
        ".",
        "..",
        "../x.dump",
        "a/b.dump",
        "/etc/passwd",
        "-rf",
        ".index",
        "a b",
        "a\"b",
        "$(id)",
        "a\nb",
        "ä",
        &long,
    ] {
        assert!(!may_be_backup(name), "{name:?}");
    }
}

#[test]
fn a_list_is_read_newest_first_and_lines_that_are_none_are_left_out() {
    let text =
        "a.dump 10 100\nb.dump 20 200\n../c 1 300\nd.dump x 1\ne.dump 1\nf.dump 1 1 1\ng.dump -1 5\n\nh.dump 0 200\n";
    let found: Vec<(String, i64)> = listed(text).into_iter().map(|it| (it.name, it.bytes)).collect();
    assert_eq!(found, [("h.dump".to_owned(), 0), ("b.dump".to_owned(), 20), ("a.dump".to_owned(), 10)]);
    let many: String = (0..300).map(|it| format!("{it}.dump 1 {it}\n")).collect();
    let found = listed(&many);
    assert_eq!((found.len(), found[0].name.as_str()), (MAX_BACKUPS, "299.dump"));
    assert!(listed(&"\u{0}\u{7f}".repeat(1000)).is_empty());
}
