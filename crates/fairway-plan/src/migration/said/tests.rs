use fairway_api::v1alpha1::MigrationKind;

use super::*;

fn step(id: &str) -> Migration {
    let kind = MigrationKind::Compatible;
    Migration { id: id.to_owned(), name: format!("step{id}"), digest: format!("sha256:{id}"), kind }
}

/// What is heard of a program that was started for 0002, 0003 and 0004: how many ran, and which failed.
fn heard(text: &str) -> (usize, Option<String>, Option<String>) {
    let steps = ["0002", "0003", "0004"].map(step);
    let steps: Vec<&Migration> = steps.iter().collect();
    let said = said(text, &steps);
    (said.ran.len(), said.failed.map(|it| it.id.clone()), said.why)
}

#[test]
fn what_ran_what_failed_and_why_is_heard() {
    let failed = |ran, id: Option<&str>, why: Option<&str>| (ran, id.map(str::to_owned), why.map(str::to_owned));
    for (text, expected) in [
        // A set that fails half-way.
        ("{\"ran\": \"0002\"}\n{\"failed\": \"0003\", \"why\": \"no\"}", failed(1, Some("0003"), Some("no"))),
        ("begins\n  {\"ran\":\"0002\"}\r\nerror: no\n", failed(1, Some("0003"), None)),
        ("{\"failed\": \"0002\", \"why\": \"no\"}", failed(0, Some("0002"), Some("no"))),
        // One that could not begin.
        ("{\"why\": \"no database\"}", failed(0, None, Some("no database"))),
        ("{\"failed\": null, \"why\": \"no database\"}", failed(0, None, Some("no database"))),
        // One before it ran in an earlier try, and nobody heard of it.
        ("{\"ran\": \"0003\"}\n{\"failed\": \"0004\"}", failed(2, Some("0004"), None)),
        // One that says nothing of it.
        ("", failed(0, None, None)),
        ("Traceback\n{\"level\": \"error\", \"message\": \"no\"}\n", failed(0, None, None)),
    ] {
        assert_eq!(heard(text), expected, "{text}");
    }
}

#[test]
fn a_program_that_failed_never_ran_all_and_never_what_it_says_failed() {
    assert_eq!(heard("{\"ran\":\"0002\"}\n{\"ran\":\"0003\"}\n{\"ran\":\"0004\"}").0, 2);
    let (ran, failed, _) = heard("{\"failed\":\"0003\"}\n{\"ran\":\"0004\"}");
    assert_eq!((ran, failed.as_deref()), (1, Some("0003")));
    assert_eq!(said("{\"ran\":\"0002\"}", &[]), Said::default());
}

#[test]
fn hostile_words_are_harmless() {
    let deep = format!("{{\"ran\":{}", "[".repeat(4000));
    for text in [
        "{\"ran\":\"0001\"}",
        "{\"ran\":\"9999\"}",
        "{\"ran\":[\"0002\"]}",
        "{\"ran\":{\"id\":\"0002\"}}",
        "{\"ran\":\"0002\"",
        "{\"ran\":\"0002\",\"ran\":\"0003\"}",
        "[{\"ran\":\"0002\"}]",
        "{\"ran\":\"../0002\"}",
        deep.as_str(),
    ] {
        assert_eq!(heard(text), (0, None, None), "{text}");
    }
    let why = "cannot\\u001b[31m reach\\npostgresql://migration:s3cr3t@db:5432/shop ".repeat(40);
    let (_, _, why) = heard(&format!("{{\"failed\":\"0002\",\"why\":\"{why}\"}}"));
    let why = why.unwrap();
    assert!(why.chars().count() <= MOST_WHY && why.contains("reach postgresql://migration:[hidden]@db"), "{why}");
    assert!(!why.contains("s3cr3t") && !why.contains(|it: char| it.is_control()), "{why}");
}

#[test]
fn only_the_end_of_endless_words_is_looked_at() {
    let noise = "ü".repeat(MOST_BYTES);
    assert_eq!(heard(&format!("{{\"ran\":\"0002\"}}\n{noise}")).0, 0);
    assert_eq!(heard(&format!("{noise}\n{{\"ran\":\"0002\"}}")).0, 1);
}

#[test]
fn lines_for_the_platform_are_told_from_those_for_people() {
    for (line, expected) in [
        ("{\"ran\": \"0002\"}", true),
        ("{\"why\": \"no\"}", true),
        ("{\"message\": \"no\"}", false),
        ("{}", false),
        ("error: {\"ran\": \"0002\"}", false),
    ] {
        assert_eq!(is_step(line), expected, "{line}");
    }
}
