use super::*;

#[test]
fn a_query_names_projects_environments_and_components_as_they_are_called() {
    let asked = Asked::parse("project=shop&environment=staging&component=api&limit=5").unwrap();
    let query = asked.to_query();
    assert_eq!(query.project.as_deref(), Some("shop--staging"));
    assert_eq!(asked.component.as_deref(), Some("api"));
    assert_eq!(asked.limit, 5);
}

#[test]
fn what_is_no_name_or_no_number_is_refused_with_the_parameter() {
    for (text, part) in [
        ("project=../x", "query parameter project"),
        ("project=%2e%2e", "query parameter project"),
        ("component=api", "query parameter project: is missing"),
        ("limit=many", "query parameter limit: must be a number"),
        ("cause=a%27b", "query parameter cause"),
        ("drop=table", "query parameter drop is not known"),
    ] {
        let error = Asked::parse(text).unwrap_err();
        assert_eq!(error.code, 400);
        assert!(error.message.contains(part), "{text}: {}", error.message);
    }
}

#[test]
fn a_page_has_at_least_one_and_at_most_a_thousand_events() {
    assert_eq!(Asked::parse("limit=0").unwrap().limit, 1);
    assert_eq!(Asked::parse("limit=99999999").unwrap().limit, PAGE);
}
