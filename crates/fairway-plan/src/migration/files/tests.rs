use serde_json::json;

use super::*;

fn folder(files: &[(&str, &str)]) -> Folder {
    read(&files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect())
}

fn workload(annotations: Value, resources: Value) -> Map<String, Value> {
    let containers = json!({ "proxy": { "image": "x@sha256:0" }, "web": { "image": "." } });
    let workload = json!({ "containers": containers, "annotations": annotations, "resources": resources });
    workload.as_object().cloned().unwrap_or_default()
}

const COMPATIBLE: &str = "-- fairway: compatible\nCREATE TABLE t ();\n";

#[test]
fn files_are_migrations_in_the_order_of_their_numbers() {
    let read = folder(&[
        ("10_last.sql", "-- fairway: breaking\nDROP TABLE t;"),
        ("2_more.sql", "-- fairway:reversible\n"),
        ("2_more.down.sql", "DROP TABLE u;"),
        ("0001_init.sql", COMPATIBLE),
        ("README.md", "not one of them"),
        ("old/0001_init.sql", "nor this"),
    ]);
    let (release, findings) = release(read, &workload(json!({ COMMAND: " app  migrate " }), json!({ "db": {} })));
    assert_eq!(findings, Vec::<String>::new());
    let release = release.unwrap();
    let steps: Vec<(String, MigrationKind)> = release.steps.iter().map(|it| (it.file(), it.kind)).collect();
    let expected = [
        ("0001_init.sql", MigrationKind::Compatible),
        ("2_more.sql", MigrationKind::Reversible),
        ("10_last.sql", MigrationKind::Breaking),
    ];
    assert_eq!(steps, expected.map(|(file, kind)| (file.to_owned(), kind)));
    assert_eq!((release.command, release.resource.as_str()), (vec!["app".to_owned(), "migrate".to_owned()], "db"));
    assert_eq!(release.container, "web", "the image made of the repository holds the files");
}

#[test]
fn everything_that_is_wrong_with_the_files_is_said_at_once() {
    let long = format!("-- fairway: compatible\n{}", " ".repeat(MAX_BYTES));
    let read = folder(&[
        ("init.sql", COMPATIBLE),
        ("0001_../x.sql", COMPATIBLE),
        ("0001_a b.sql", COMPATIBLE),
        ("0002_plain.sql", "CREATE TABLE t ();"),
        ("0003_wrong.sql", "-- fairway: harmless\n"),
        ("0004_back.sql", "-- fairway: reversible\n"),
        ("0005_gone.down.sql", "x"),
        ("0006_large.sql", &long),
        ("07_a.sql", COMPATIBLE),
        ("007_b.sql", COMPATIBLE),
    ]);
    let (_, findings) = release(read, &workload(json!({ COMMAND: "migrate" }), json!({ "db": {} })));
    let expected = [
        "migrations/0001_a b.sql: is not called like NNNN_name.sql",
        "migrations/0002_plain.sql: must begin with \"-- fairway: compatible\"",
        "migrations/0003_wrong.sql: must begin with",
        "migrations/0004_back.sql: is reversible, and 0004_back.down.sql is missing",
        "migrations/0006_large.sql: has more than 1048576 bytes",
        "migrations/init.sql: is not called like NNNN_name.sql",
        "migrations/0005_gone.down.sql: takes 0005_gone.sql back, which is not there",
        "migrations/07_a.sql: has the number of 007_b.sql; give it the next one",
    ];
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
    for (found, wanted) in findings.iter().zip(expected) {
        assert!(found.starts_with(wanted), "{found} is not {wanted}");
    }
}

#[test]
fn a_folder_of_migrations_needs_a_command_and_one_database() {
    let cases = [
        (json!({}), json!({ "db": {} }), "is missing; it is the command"),
        (json!({ COMMAND: "m" }), json!({}), "has nothing to name"),
        (json!({ COMMAND: "m" }), json!({ "a": {}, "b": {} }), "is missing; it says which"),
        (json!({ COMMAND: "m", WITHIN: "soon" }), json!({ "db": {} }), "must be seconds, minutes or hours"),
        (json!({ COMMAND: "m", WITHIN: "25h" }), json!({ "db": {} }), "between \"1s\" and \"24h\""),
        (json!({ COMMAND: "m", RESOURCE: "c" }), json!({ "a": {}, "b": {} }), "names none of the resources"),
    ];
    for (annotations, resources, wanted) in cases {
        let read = folder(&[("0001_init.sql", COMPATIBLE)]);
        let (_, findings) = release(read, &workload(annotations, resources));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].starts_with("score.yaml: metadata.annotations.") && findings[0].contains(wanted),
            "{findings:?}"
        );
    }
    let both = workload(json!({ COMMAND: "m", RESOURCE: "b" }), json!({ "a": {}, "b": {} }));
    assert_eq!(release(folder(&[("1_x.sql", COMPATIBLE)]), &both).0.unwrap().resource, "b");
    let limited = workload(json!({ COMMAND: "m", WITHIN: "2m" }), json!({ "db": {} }));
    assert_eq!(release(folder(&[("1_x.sql", COMPATIBLE)]), &limited).0.unwrap().within, Some(120));
    assert_eq!(release(folder(&[]), &both), (None, Vec::new()), "without migrations nothing is needed");
}
