use super::*;

#[test]
fn good_names_pass_unchanged() {
    for name in ["my-api", "a1", "hello", &"a".repeat(40)] {
        assert_eq!(ComponentName::parse(name).unwrap().as_str(), name);
    }
}

#[test]
fn each_bad_name_is_refused_with_the_rule_it_breaks() {
    let long = "a".repeat(41);
    let huge = "b".repeat(100_000);
    for (name, rule) in [
        ("", "is empty"),
        ("a", "has 1 characters"),
        (long.as_str(), "has 41 characters: 2 to 40 are allowed"),
        (huge.as_str(), "has 100000 characters"),
        ("My-Api", "contains 'M'"),
        ("a.b", "contains '.'"),
        ("a/b", "contains '/'"),
        ("..", "contains '.'"),
        ("a\0b", "contains '\\0'"),
        ("rocket🚀", "contains '🚀'"),
        ("-lead", "begins or ends with"),
        ("trail-", "begins or ends with"),
        ("a--b", "contains \"--\""),
        ("7up", "begins with a digit"),
        ("default", "is reserved"),
        ("kube-proxy", "is reserved"),
        ("fairway-x", "is reserved"),
    ] {
        let error = ComponentName::parse(name).unwrap_err();
        assert!(error.to_string().contains(rule), "{name:.20}: {error}");
        assert!(error.to_string().len() < 400, "an error fits a screen: {}", error.to_string().len());
    }
}

#[test]
fn the_namespace_of_an_environment_can_be_split_again() {
    let project = ProjectName::parse("shop").unwrap();
    let environment = EnvironmentName::parse("staging").unwrap();
    let namespace = environment_namespace(&project, &environment);
    assert_eq!(namespace, "shop--staging");
    assert_eq!(split_environment_namespace(&namespace), Some((project, environment)));
    assert_eq!(split_environment_namespace("shop"), None);
    assert_eq!(split_environment_namespace("kube-system--x"), None);
}
