use super::*;
use crate::score::parse;

fn postgres() -> Need {
    Need { r#type: "postgres".to_owned(), plan: Some("small".to_owned()), version: Some("15".to_owned()), class: None }
}

fn variables() -> Vec<(String, String)> {
    vec![("REPORTS_URL".to_owned(), "${resources.reports.url}".to_owned())]
}

#[test]
fn only_lines_are_added_and_comments_stay() {
    let before = include_str!("../../../../../examples/hello/score.yaml");
    let after = with_need(before, "reports", &postgres(), &variables()).unwrap();
    let kept: Vec<&str> = after.lines().filter(|it| before.lines().any(|line| line == *it)).collect();
    assert_eq!(kept, before.lines().collect::<Vec<_>>());
    assert!(after.contains("      REPORTS_URL: \"${resources.reports.url}\"\n"), "{after}");
    assert!(
        after.ends_with("resources:\n  reports: { type: postgres, params: { plan: small, version: \"15\" } }\n"),
        "{after}"
    );
    let (score, findings) = parse(&after);
    assert_eq!(findings, []);
    assert_eq!(crate::score::workload(&score.unwrap().workload).0.resources["reports"], postgres());
}

#[test]
fn every_usual_way_of_writing_it_can_be_changed() {
    let head = "apiVersion: score.dev/v1b1\nmetadata: { name: api }\ncontainers:\n  web:\n    image: .\n";
    for (tail, wanted) in [
        ("resources: {}\n", "resources: { reports: { type: redis } }"),
        ("resources: { db: { type: postgres } }\n", "resources: { db: { type: postgres }, reports: { type: redis } }"),
        (
            "resources:\n    db:\n        type: postgres\n\n# the end\n",
            "        type: postgres\n    reports: { type: redis }\n\n# the end\n",
        ),
        (
            "resources: # what it needs\n  db: { type: postgres }\nservice: {}\n",
            "  reports: { type: redis }\nservice: {}\n",
        ),
        ("resources:\n", "resources:\n  reports: { type: redis }\n"),
    ] {
        let need = Need { r#type: "redis".to_owned(), ..Need::default() };
        let after = with_need(&format!("{head}{tail}"), "reports", &need, &variables()).unwrap();
        assert!(after.contains(wanted), "{after}");
        assert!(after.contains("    image: .\n    variables:\n      REPORTS_URL:"), "{after}");
        assert_eq!(parse(&after).1, [], "{after}");
    }
}

#[test]
fn what_only_a_person_can_change_is_left_as_it_is() {
    let two = "containers: { a: { image: . }, b: { image: . } }\n";
    assert!(with_need(two, "reports", &postgres(), &variables()).unwrap_err().contains("2 containers"));
    for text in ["a: [", "resources: {\n  db: { type: postgres }\n}\n", "resources: &r { db: { type: x } }\n", "- a\n"]
    {
        assert!(with_need(text, "reports", &postgres(), &[]).is_err(), "{text}");
    }
}
