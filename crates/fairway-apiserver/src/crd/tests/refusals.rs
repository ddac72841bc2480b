use serde_json::{Value, json};

use super::{definition, number};
use crate::crd::{default, validate, validate_update};

fn texts(definition: &Value) -> Vec<String> {
    validate(definition).iter().map(ToString::to_string).collect()
}

/// A definition with something changed in it.
fn with(change: impl Fn(&mut Value)) -> Value {
    let mut definition = definition(number());
    change(&mut definition);
    default(&mut definition);
    definition
}

#[test]
fn a_definition_that_is_right_has_no_causes_and_gets_its_defaults() {
    let definition = definition(number());
    assert_eq!(texts(&definition), [] as [&str; 0]);
    assert_eq!(definition["spec"]["names"]["singular"], "w");
    assert_eq!(definition["spec"]["names"]["listKind"], "WList");
    assert_eq!(definition["spec"]["conversion"], json!({ "strategy": "None" }));
}

/// The captured answers of a real API server to definitions that are wrong.
#[test]
fn refusals_are_those_of_the_real_server() {
    let schema = "spec.validation.openAPIV3Schema";
    let replace = |schema: Value| with(|it| it["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema.clone());
    let spec = |spec: Value| replace(json!({ "type": "object", "properties": { "spec": spec } }));
    let keyed = json!({ "type": "array", "items": { "type": "object", "properties": { "k": { "type": "string" } } },
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] });
    let name = r#"must be spec.names.plural+"."+spec.group"#;
    for (definition, expected) in [
        (replace(json!({})), vec![format!("{schema}.type: Required value: must not be empty at the root")]),
        (spec(json!({})), vec![format!("{schema}.properties[spec].type: Required value: must not be empty for specified object fields")]),
        (spec(json!({ "type": "array" })), vec![format!("{schema}.properties[spec].items: Required value: must be specified")]),
        (
            spec(keyed),
            vec![format!("{schema}.properties[spec].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property")],
        ),
        (
            with(|it| it["spec"]["names"]["plural"] = json!("other")),
            vec![format!("metadata.name: Invalid value: \"ws.x.test\": {name}")],
        ),
        (
            with(|it| it["metadata"]["name"] = json!("wrong")),
            vec![format!("metadata.name: Invalid value: \"wrong\": {name}")],
        ),
        (
            with(|it| it["spec"]["versions"][0]["storage"] = json!(false)),
            vec![
                r#"spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must have exactly one version marked as storage version"#.to_owned(),
                "status.storedVersions: Invalid value: null: must have at least one stored version".to_owned(),
            ],
        ),
    ] {
        assert_eq!(texts(&definition), expected);
    }
}

#[expect(clippy::too_many_lines, reason = "a table of definitions and what is wrong with each")]
#[test]
fn every_part_of_a_definition_is_judged() {
    let k8s = "protected groups must have approval annotation \"api-approved.kubernetes.io\"";
    let grouped = |group: &str, approval: Value| {
        with(|it| {
            it["spec"]["group"] = json!(group);
            it["metadata"] =
                json!({ "name": format!("ws.{group}"), "annotations": { "api-approved.kubernetes.io": approval } });
        })
    };
    for (definition, expected) in [
        (
            with(|it| it["spec"]["scope"] = json!("World")),
            r#"spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced""#,
        ),
        (
            with(|it| it["spec"]["names"]["listKind"] = json!("W")),
            r#"spec.names.listKind: Invalid value: "W": kind and listKind may not be the same"#,
        ),
        (
            with(|it| it["spec"]["versions"][0]["name"] = json!("V1")),
            r#"spec.versions[0].name: Invalid value: "V1": a DNS-1035 label"#,
        ),
        (
            with(|it| it["spec"]["versions"][0]["schema"] = json!(null)),
            "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
        ),
        (
            with(|it| it["spec"]["preserveUnknownFields"] = json!(true)),
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true",
        ),
        (
            with(|it| it["spec"]["conversion"]["strategy"] = json!("Magic")),
            r#"spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook""#,
        ),
        (grouped("x.k8s.io", json!(null)), k8s),
        (grouped("x.kubernetes.io", json!("because")), "with either a URL or a reason"),
        (grouped("x", json!(null)), r#"spec.group: Invalid value: "x": should be a domain with at least one dot"#),
        (
            with(|it| {
                it["spec"]["versions"][0]["subresources"] =
                    json!({ "scale": { "specReplicasPath": ".status.n", "statusReplicasPath": ".status.n" } });
            }),
            r#"spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec"#,
        ),
        (
            with(|it| {
                it["spec"]["versions"][0]["additionalPrinterColumns"] =
                    json!([{ "name": "A", "type": "text", "jsonPath": ".a" }]);
            }),
            r#"spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string"#,
        ),
        (
            with(|it| {
                it["spec"]["versions"][0]["additionalPrinterColumns"] =
                    json!([{ "name": "A", "type": "string", "jsonPath": ".a[" }]);
            }),
            "spec.additionalPrinterColumns[0].jsonPath: Invalid value: \".a[\": ",
        ),
    ] {
        let found = texts(&definition);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?} is not [{expected}]");
    }
    assert_eq!(texts(&grouped("x.k8s.io", json!("https://example.test/1"))), [] as [&str; 0]);
    assert_eq!(texts(&grouped("x.k8s.io", json!("unapproved, a test"))), [] as [&str; 0]);
}

#[test]
fn versions_that_differ_are_spoken_of_one_by_one() {
    let definition = with(|it| {
        let mut second = it["spec"]["versions"][0].clone();
        second["name"] = json!("v2");
        second["storage"] = json!(false);
        second["schema"]["openAPIV3Schema"]["properties"]["spec"] = json!({});
        it["spec"]["versions"].as_array_mut().unwrap().push(second);
    });
    let expected = "spec.versions[1].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields";
    assert_eq!(texts(&definition), [expected]);
}

#[test]
fn webhook_conversion_between_served_versions_is_refused_rather_than_skipped() {
    let definition = with(|it| {
        let mut second = it["spec"]["versions"][0].clone();
        second["name"] = json!("v2");
        second["storage"] = json!(false);
        it["spec"]["versions"].as_array_mut().unwrap().push(second);
        it["spec"]["conversion"] = json!({ "strategy": "Webhook" });
    });
    assert_eq!(texts(&definition).len(), 1);
    assert!(texts(&definition)[0].starts_with("spec.conversion.strategy: Forbidden: "));
}

#[test]
fn what_objects_depend_on_cannot_be_changed() {
    let mut old = definition(number());
    old["status"] = json!({ "storedVersions": ["v1"], "conditions": [{ "type": "Established", "status": "True" }] });
    let change = |change: &dyn Fn(&mut Value)| {
        let mut new = old.clone();
        change(&mut new);
        validate_update(&new, &old).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(change(&|_| {}), [] as [&str; 0]);
    assert_eq!(
        change(&|it| it["spec"]["scope"] = json!("Cluster")),
        [r#"spec.scope: Invalid value: "Cluster": field is immutable"#]
    );
    let gone = change(&|it| it["spec"]["versions"][0]["name"] = json!("v2"));
    assert!(
        gone[0].starts_with(r#"status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; "#),
        "{gone:?}"
    );
}

#[test]
fn no_definition_however_odd_makes_it_panic() {
    let odd = [json!(null), json!(1), json!("x"), json!([]), json!([[]]), json!({ "spec": [] }), json!([null])];
    for value in odd {
        for path in [
            "/spec",
            "/spec/names",
            "/spec/versions",
            "/spec/versions/0",
            "/spec/versions/0/schema",
            "/spec/versions/0/schema/openAPIV3Schema",
            "/spec/versions/0/schema/openAPIV3Schema/properties",
            "/spec/versions/0/schema/openAPIV3Schema/properties/spec",
            "/spec/group",
            "/metadata",
            "",
        ] {
            let mut definition = definition(number());
            *definition.pointer_mut(path).unwrap() = value.clone();
            default(&mut definition);
            validate(&definition);
            crate::crd::resources(&definition);
            crate::crd::settle(&mut definition, &[], jiff::Timestamp::UNIX_EPOCH);
        }
    }
}
