use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use serde_json::json;

use super::*;

fn read(object: Value) -> Result<Guarded<Pod>, serde_json::Error> {
    serde_json::from_value(object)
}

#[test]
fn what_can_be_read_is_as_if_it_were_not_guarded() {
    let it = read(json!({ "metadata": { "name": "web" }, "spec": { "containers": [{ "name": "app" }] } })).unwrap();
    assert_eq!(it.name_any(), "web");
    assert_eq!(it.0.unwrap().spec.unwrap().containers[0].name, "app");
}

#[test]
fn one_that_cannot_be_read_keeps_its_name_and_says_why() {
    let it = read(json!({ "metadata": { "name": "web" }, "spec": { "containers": "none" } })).unwrap();
    assert_eq!(it.name_any(), "web");
    let why = it.0.unwrap_err().to_string();
    assert!(why.contains("invalid type: string \"none\""), "{why}");
}

#[test]
fn one_whose_name_cannot_be_read_is_an_error() {
    for object in [json!({ "metadata": { "name": 7 } }), json!("a pod"), json!({ "metadata": "web", "spec": 7 })] {
        assert!(read(object).is_err());
    }
}

#[test]
fn in_a_list_it_harms_nobody() {
    let text =
        r#"{ "metadata": {}, "items": [{ "metadata": { "name": "a" }, "spec": 7 }, { "metadata": { "name": "b" } }] }"#;
    let list: kube::core::ObjectList<Guarded<Pod>> = serde_json::from_str(text).unwrap();
    let found: Vec<_> = list.items.iter().map(|it| (it.name_any(), it.0.is_ok())).collect();
    assert_eq!(found, [("a".to_owned(), false), ("b".to_owned(), true)]);
}
