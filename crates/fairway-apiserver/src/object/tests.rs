use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::kinds;
use crate::registry::Served;

fn config_maps() -> Resource {
    kinds::builtin().into_iter().find(|it| &*it.plural == "configmaps").unwrap()
}

#[test]
fn an_object_is_kept_without_what_depends_on_who_asks() {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b" },
        "metadata": { "name": "x", "resourceVersion": "7", "labels": { "l": "v" } },
    });
    assert_eq!(encode(&object), r#"{"metadata":{"labels":{"l":"v"},"name":"x"},"data":{"a":"b"}}"#);
}

#[test]
fn an_object_is_served_as_it_was_sent_with_its_revision() {
    let served = Served::new(config_maps());
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x" }, "data": { "a": "b" } });
    let value = encode(&object);
    let whole = served.bytes(&value, Some(12));
    assert!(whole.starts_with(br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"12","#));
    let tree: Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(tree, served.tree(&value, Some(12)));
    assert_eq!(tree["data"], object["data"]);
}

#[test]
fn items_of_built_in_lists_leave_out_what_the_list_says() {
    let mut resource = config_maps();
    let value = encode(&json!({ "metadata": { "name": "x" } }));
    let mut out = Vec::new();
    Served::new(resource.clone()).write_item(&mut out, &value, 3);
    assert_eq!(out, br#"{"metadata":{"resourceVersion":"3","name":"x"}}"#);
    resource.origin = crate::Origin::Custom { crd: Arc::from("xs.example.com") };
    let whole = Served::new(resource).bytes(&value, None);
    assert_eq!(whole, br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}"#);
}

#[test]
fn metadata_is_read_without_the_rest() {
    let meta =
        Meta::of(br#"{"metadata":{"uid":"u","finalizers":["a"],"deletionTimestamp":"2026-01-02T03:04:05Z"},"x":1}"#);
    assert_eq!((meta.uid.as_str(), meta.finalizers.len(), meta.is_deleting()), ("u", 1, true));
    assert_eq!(Meta::of(b"broken").uid, "");
}
