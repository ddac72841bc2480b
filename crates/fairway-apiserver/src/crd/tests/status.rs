use jiff::Timestamp;
use serde_json::{Value, json};

use super::{definition, number};
use crate::crd::{resources, settle};

fn condition<'a>(definition: &'a Value, kind: &str) -> Option<(&'a str, &'a str)> {
    let conditions = definition["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|it| it["type"] == kind)?;
    Some((found["status"].as_str()?, found["reason"].as_str()?))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_new_definition_is_established_and_settling_again_changes_nothing() {
    let mut definition = definition(number());
    let own = resources(&definition);
    assert!(settle(&mut definition, &own, at(0)));
    assert_eq!(condition(&definition, "NamesAccepted"), Some(("True", "NoConflicts")));
    assert_eq!(condition(&definition, "Established"), Some(("True", "InitialNamesAccepted")));
    assert_eq!(definition["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(definition["status"]["acceptedNames"], definition["spec"]["names"]);
    assert_eq!(definition["status"]["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
    let before = definition.clone();
    assert!(settle(&mut definition, &own, at(99)));
    assert_eq!(definition, before);
}

#[test]
fn names_in_use_in_the_group_are_not_given_twice() {
    let other = resources(&definition(number()));
    for (field, name, reason) in [
        ("plural", json!("ws"), "PluralConflict"),
        ("singular", json!("w"), "SingularConflict"),
        ("shortNames", json!(["a", "w2"]), "ShortNamesConflict"),
        ("kind", json!("W"), "KindConflict"),
        ("listKind", json!("WList"), "ListKindConflict"),
    ] {
        let mut late = definition(number());
        late["metadata"]["name"] = json!("others.x.test");
        late["spec"]["names"] =
            json!({ "plural": "others", "singular": "other", "kind": "Other", "listKind": "OtherList" });
        late["spec"]["names"][field] = name;
        assert!(!settle(&mut late, &other, at(0)), "{field}");
        assert_eq!(condition(&late, "NamesAccepted"), Some(("False", reason)));
        assert_eq!(condition(&late, "Established"), Some(("False", "NotAccepted")));
        late["spec"]["group"] = json!("y.test");
        assert!(settle(&mut late, &other, at(1)), "another group has its own names");
    }
}

#[test]
fn rules_that_are_not_evaluated_are_admitted_to() {
    let mut spec = number();
    spec["properties"]["n"]["x-kubernetes-validations"] = json!([{ "rule": "self > 1" }]);
    let mut with_rules = definition(spec);
    assert!(settle(&mut with_rules, &[], at(0)));
    assert_eq!(condition(&with_rules, "RulesNotEvaluated"), Some(("True", "CelNotAvailable")));
    with_rules["spec"] = definition(number())["spec"].clone();
    settle(&mut with_rules, &[], at(0));
    assert_eq!(condition(&with_rules, "RulesNotEvaluated"), None);
}

#[test]
fn a_stored_definition_that_is_not_structural_is_not_served_and_says_why() {
    let mut broken = definition(json!({}));
    assert!(!settle(&mut broken, &[], at(0)));
    assert_eq!(condition(&broken, "NonStructuralSchema"), Some(("True", "Violations")));
    assert_eq!(condition(&broken, "Established"), Some(("False", "NonStructuralSchema")));
    assert!(resources(&broken).is_empty());
}

#[test]
fn a_new_storage_version_is_added_to_those_stored() {
    let mut definition = definition(number());
    settle(&mut definition, &[], at(0));
    let mut second = definition["spec"]["versions"][0].clone();
    definition["spec"]["versions"][0]["storage"] = json!(false);
    second["name"] = json!("v2");
    definition["spec"]["versions"].as_array_mut().unwrap().push(second);
    settle(&mut definition, &[], at(0));
    assert_eq!(definition["status"]["storedVersions"], json!(["v1", "v2"]));
}
