use jiff::Timestamp;
use serde_json::{Value, json};

use super::{definition, number, resource};
use crate::crd::{cells, check, complete, deprecation, read, resources};

/// What is wrong with an object, which is then as it would be kept.
fn admit(resource: &crate::Resource, object: &mut Value) -> Vec<String> {
    let mut causes = complete(resource, object);
    causes.extend(check(resource, object));
    causes.iter().map(ToString::to_string).collect()
}

fn admitted(spec: Value, object: Value) -> (Value, Vec<String>) {
    let mut object = json!({ "apiVersion": "x.test/v1", "kind": "W", "metadata": { "name": "a" }, "spec": object });
    let causes = admit(&resource(spec), &mut object);
    (object["spec"].take(), causes)
}

#[test]
fn an_object_is_pruned_then_defaulted_then_validated() {
    assert_eq!(admitted(number(), json!({ "odd": 1 })), (json!({ "n": 3 }), vec![]));
    let (_, causes) = admitted(number(), json!({ "n": "x" }));
    assert_eq!(causes, [r#"spec.n: Invalid value: "string": spec.n in body must be of type integer: "string""#]);
}

#[test]
fn metadata_is_typed_whatever_the_schema_says() {
    let mut object = json!({ "metadata": { "name": "a", "labels": { "k": 1 }, "odd": 1 } });
    let [cause, ..] = &admit(&resource(number()), &mut object)[..] else { panic!("a cause") };
    assert!(
        cause.ends_with("json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"),
        "{cause}"
    );
    assert_eq!(object["metadata"].get("odd"), None);
    let mut object = json!({ "metadata": { "name": "a", "creationTimestamp": null } });
    assert_eq!(admit(&resource(number()), &mut object), [] as [&str; 0]);
    assert_eq!(object["metadata"], json!({ "name": "a" }), "a time that is null is none");
}

#[test]
fn a_schema_may_narrow_the_names_of_its_objects() {
    let mut definition = definition(number());
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["metadata"] =
        json!({ "type": "object", "properties": { "name": { "type": "string", "maxLength": 3 } } });
    let resource = resources(&definition).remove(0);
    let mut object = json!({ "metadata": { "name": "long", "ownerReferences": [{ "kind": "X" }] } });
    assert_eq!(admit(&resource, &mut object), ["metadata.name: Too long: may not be more than 3 bytes"]);
}

#[test]
fn objects_inside_objects_are_held_to_the_rules_of_metadata() {
    let embedded = json!({ "type": "object", "properties": { "template": { "type": "object",
        "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true } } });
    let template = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "labels": { "bad key!": "v" } }, "x": 1 });
    let (kept, causes) = admitted(embedded, json!({ "template": template }));
    assert_eq!(kept["template"]["x"], 1);
    assert!(
        causes.len() == 1
            && causes[0].starts_with(r#"spec.template.metadata.labels: Invalid value: "bad key!": name part"#),
        "{causes:?}"
    );
}

#[test]
fn reading_brings_an_object_to_what_its_schema_says_today() {
    let mut object = json!({ "metadata": { "name": "a" }, "spec": { "gone": 1 } });
    read(&resource(number()), &mut object);
    assert_eq!(object["spec"], json!({ "n": 3 }));
}

#[test]
fn a_definition_gives_one_resource_for_each_served_version() {
    let mut definition = definition(number());
    let version = definition["spec"]["versions"][0].clone();
    for (name, served) in [("v2", true), ("v3", false)] {
        let mut next = version.clone();
        next["name"] = json!(name);
        next["served"] = json!(served);
        next["storage"] = json!(false);
        next["deprecated"] = json!(true);
        next["subresources"] = json!({ "status": {}, "scale": { "specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n", "labelSelectorPath": ".status.selector" } });
        definition["spec"]["versions"].as_array_mut().unwrap().push(next);
    }
    let [first, second] = resources(&definition).try_into().unwrap();
    assert_eq!((&*first.version, &*second.version), ("v1", "v2"));
    assert_eq!((&*first.storage, &*second.storage), ("x.test/ws", "x.test/ws"));
    assert_eq!((&*first.singular, &*first.list_kind, &*first.short_names[0]), ("w", "WList", "w2"));
    assert!(first.namespaced && first.subresources.is_empty());
    let names: Vec<&str> = second.subresources.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["scale", "status"]);
    assert_eq!(second.subresources[0].scale.as_ref().unwrap().label_selector.as_deref(), Some(".status.selector"));
    assert_eq!(deprecation(&definition, "v2").as_deref(), Some("x.test/v2 W is deprecated"));
    assert_eq!(deprecation(&definition, "v1"), None);
}

#[test]
fn cells_show_what_the_columns_say() {
    let mut definition = definition(number());
    let column = |name: &str, kind: &str, path: &str| json!({ "name": name, "type": kind, "jsonPath": path });
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = json!([
        column("Ready", "string", r#".status.conditions[?(@.type=="Ready")].status"#),
        column("N", "integer", ".spec.n"),
        column("Text", "string", ".spec.n"),
        column("Map", "string", ".status.map"),
        column("On", "boolean", ".status.on"),
        column("Missing", "string", ".status.none"),
        column("Age", "date", ".metadata.creationTimestamp"),
        column("Odd", "date", ".status.odd"),
    ]);
    let object = json!({
        "metadata": { "name": "a", "creationTimestamp": "2026-01-01T00:00:00Z" }, "spec": { "n": 3 },
        "status": { "conditions": [{ "type": "Ready", "status": "True" }], "map": { "a": 1 }, "on": true, "odd": "x" },
    });
    let now: Timestamp = "2026-01-01T00:05:30Z".parse().unwrap();
    let row = cells(&resources(&definition)[0], &object, now);
    assert_eq!(json!(row), json!(["a", "True", 3, "3", r#"{"a":1}"#, true, null, "5m30s", "<invalid>"]));
    let plain = cells(&resource(number()), &object, now);
    assert_eq!(json!(plain), json!(["a", "5m30s"]), "Name and Age where nothing is said");
}
