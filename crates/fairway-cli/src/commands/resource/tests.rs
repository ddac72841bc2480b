use fairway_api::v1alpha1::Explanation;

use super::*;

fn row() -> ResourceRow {
    ResourceRow {
        environment: "staging".to_owned(),
        name: "my-api-db".to_owned(),
        class: "postgres".to_owned(),
        status: ResourceStatus {
            explanation: Explanation {
                summary: "postgres 15 in plan small can be used in staging".to_owned(),
                ..Explanation::default()
            },
            version: Some("15".to_owned()),
            plan: Some("small".to_owned()),
            outputs: vec!["host".to_owned(), "url".to_owned()],
            used_by: vec!["my-api".to_owned()],
            ..ResourceStatus::default()
        },
    }
}

#[test]
fn a_list_tells_where_a_resource_is_and_who_uses_it() {
    let list = ResourceList { items: vec![row(), ResourceRow { status: ResourceStatus::default(), ..row() }] };
    let table = list.table();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("ENVIRONMENT"));
    assert!(lines[1].contains("my-api-db") && lines[1].contains("my-api  ") && lines[1].contains("can be used"));
    assert!(lines[2].contains(" - "), "{table}");
    assert_eq!(list.names()[0], "resource.fairway.dev/my-api-db");
}

#[test]
fn a_resource_is_shown_with_what_it_tells_and_no_value() {
    let shown = row().table();
    assert!(shown.contains("tells      host, url\n"), "{shown}");
    assert!(!shown.contains("next"), "nothing is to be mended: {shown}");
}
