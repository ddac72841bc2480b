use std::borrow::Cow;

use serde_json::json;

use super::*;

const LABELS: [(&str, &str); 3] = [("app", "web"), ("size", "5"), ("x.example/tier", "a")];

#[test]
fn label_selectors_say_what_they_match() {
    for (text, expected) in [
        ("", true),
        ("app", true),
        ("!app", false),
        ("app=web", true),
        ("app==web,size=5", true),
        ("app = web , size = 5", true),
        ("app!=web", false),
        ("none!=web", true),
        ("app in (web, api)", true),
        ("app in (api)", false),
        ("app notin (api)", true),
        ("none notin (api)", true),
        ("none in (api,)", false),
        ("x.example/tier=a,!none", true),
        ("size>4", true),
        ("size<5", false),
        ("app>4", false),
        ("none=", false),
    ] {
        assert_eq!(LabelSelector::parse(text).unwrap().matches(&LABELS), expected, "{text}");
    }
}

#[test]
fn broken_label_selectors_are_refused_in_the_words_of_the_api() {
    for (text, expected) in [
        ("a b c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("=a", "unable to parse requirement: found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "unable to parse requirement: found '', expected: identifier after ','"),
        ("a in b", "unable to parse requirement: found 'b', expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("!a=b", "unable to parse requirement: found '=', expected: ',' or 'end of string'"),
    ] {
        assert_eq!(LabelSelector::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    for text in ["bad key!", "a=b!", "a/b/c", "a>x", "-=b", "a=(", "a in (b c)"] {
        assert!(LabelSelector::parse(text).is_err(), "{text}");
    }
}

#[test]
fn selector_objects_mean_the_same_as_their_text() {
    let object = json!({
        "matchLabels": { "app": "web" },
        "matchExpressions": [
            { "key": "x.example/tier", "operator": "In", "values": ["b", "a"] },
            { "key": "none", "operator": "DoesNotExist" },
        ],
    });
    let selector = LabelSelector::from_object(&object).unwrap();
    assert!(selector.matches(&LABELS));
    assert!(selector.matches_object(&json!({ "app": "web", "x.example/tier": "a" })));
    assert!(!selector.matches_object(&json!(null)));
    let text = selector.to_string();
    assert_eq!(text, "app=web,!none,x.example/tier in (a,b)");
    assert_eq!(LabelSelector::parse(&text).unwrap(), selector);
}

#[test]
fn no_selector_matches_nothing_and_an_empty_one_everything() {
    assert!(!LabelSelector::from_object(&json!(null)).unwrap().matches(&LABELS));
    assert!(LabelSelector::from_object(&json!({})).unwrap().matches(&LABELS));
}

#[test]
fn broken_selector_objects_are_refused() {
    for expression in [
        json!({ "key": "a", "operator": "Nope" }),
        json!({ "key": "a", "operator": "In", "values": [] }),
        json!({ "key": "a", "operator": "Exists", "values": ["x"] }),
        json!({ "key": "bad key", "operator": "Exists" }),
    ] {
        assert!(LabelSelector::from_object(&json!({ "matchExpressions": [expression] })).is_err(), "{expression}");
    }
}

#[test]
fn field_selectors_compare_paths_with_values() {
    let field = |path: &str| match path {
        "metadata.name" => Cow::Borrowed("a"),
        "spec.text" => Cow::Borrowed("x,y=z"),
        _ => Cow::Borrowed(""),
    };
    for (text, expected) in [
        ("", true),
        ("metadata.name=a", true),
        ("metadata.name==a", true),
        ("metadata.name!=a", false),
        ("metadata.name=a,spec.none=", true),
        (r"spec.text=x\,y\=z", true),
    ] {
        assert_eq!(FieldSelector::parse(text).unwrap().matches(field), expected, "{text}");
    }
    let selector = FieldSelector::parse("metadata.name=a,spec.x!=b").unwrap();
    assert_eq!((selector.exact("metadata.name"), selector.exact("spec.x")), (Some("a"), None));
    let error = FieldSelector::parse("a=b,nonsense").unwrap_err().to_string();
    assert_eq!(error, "invalid selector: 'a=b,nonsense'; can't understand 'nonsense'");
}

#[test]
fn selectors_have_budgets() {
    let many = vec!["a"; 2_000].join(",");
    assert_eq!(
        LabelSelector::parse(&many).unwrap_err().to_string(),
        "the selector breaks the limit of 1000 requirements"
    );
    assert!(FieldSelector::parse(&vec!["a=b"; 200].join(",")).is_err());
}
