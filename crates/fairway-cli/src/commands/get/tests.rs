use super::*;

#[test]
fn a_kind_is_known_by_every_name() {
    for (word, plural) in [
        ("components", "components"),
        ("Component", "components"),
        ("service", "components"),
        ("env", "environments"),
        ("DELIVERIES", "deliveries"),
        ("delivery.fairway.dev", "deliveries"),
        ("teams", "teams"),
    ] {
        assert_eq!(kind(word).unwrap().resource.plural, plural, "{word}");
    }
    assert!(kind("teams").unwrap().namespaced != kind("releases").unwrap().namespaced);
}

#[test]
fn other_kinds_are_kubectls() {
    let failure = kind("pods").unwrap_err();
    assert_eq!(failure.exit, crate::Exit::Usage);
    assert!(failure.what.contains("deliveries") && failure.hint.unwrap().contains("kubeconfig"));
}

#[test]
fn a_name_cannot_leave_its_path() {
    for name in ["hello", "a.b-c1"] {
        check_name(name).unwrap();
    }
    for name in ["", "..", "../x", "a/b", "a?b", "a%2fb", "A", "-a", "🚀", &"x".repeat(300)] {
        assert!(check_name(name).is_err(), "{name:?}");
    }
}

#[test]
fn the_table_of_the_api_is_printed_without_its_minor_columns() {
    let table = serde_json::json!({
        "columnDefinitions": [
            { "name": "Name", "priority": 0 }, { "name": "Wanted", "priority": 1 }, { "name": "Age", "priority": 0 },
        ],
        "rows": [{ "cells": ["hello", "x", "2026-01-01T00:00:00Z"] }, { "cells": ["other", null, "5m"] }],
    });
    let now = Some("2026-01-01T00:00:42Z".parse().unwrap());
    let found =
        Found { objects: Value::Null, kind: "component".to_owned(), tables: vec![table], places: Vec::new(), now };
    assert_eq!(found.table(), "NAME   AGE\nhello  42s\nother  5m\n");
    let found = Found { places: vec!["staging".to_owned()], ..found };
    assert_eq!(found.table(), "ENVIRONMENT  NAME   AGE\nstaging      hello  42s\nstaging      other  5m\n");
}
