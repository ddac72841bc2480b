use serde_json::json;

use super::*;
use crate::hub::EventObject;

fn event(id: &str, cause: Option<&str>, kind: &str, of: (&str, &str, &str), data: serde_json::Value) -> Event {
    let (object_kind, namespace, name) = of;
    Event {
        id: id.to_owned(),
        kind: format!("dev.fairway.{kind}"),
        time: format!("2026-01-02T03:04:0{id}.123456Z"),
        actor: "local:1000".to_owned(),
        cause: cause.map(str::to_owned),
        object: Some(EventObject {
            kind: object_kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..EventObject::default()
        }),
        data,
        ..Event::default()
    }
}

#[test]
fn what_followed_stands_under_what_led_to_it() {
    let delivery = ("Delivery", "sandbox--staging", "hello");
    let mut bundle =
        event("3", Some("1"), "bundle.applied", delivery, json!({ "changed": ["Deployment/hello"], "pruned": [] }));
    (bundle.actor, bundle.subject) =
        ("system:serviceaccount:fairway-system:agent".to_owned(), Some("sandbox--staging/hello".to_owned()));
    let story = Story {
        items: vec![
            event("5", Some("unknown"), "object.updated", delivery, json!({ "changed": { "spec.replicas": 3 } })),
            event("4", Some("1"), "object.updated", delivery, json!({ "summary": "v0.1.0 serves" })),
            event("2", Some("1"), "object.updated", delivery, json!({ "summary": "v0.1.0 is rolling out: 1 of 2" })),
            event("2b", Some("1"), "object.updated", delivery, json!({ "summary": "v0.1.0 is rolling out: 0 of 2" })),
            bundle,
            event("1", None, "object.created", delivery, json!({})),
        ],
    };
    assert_eq!(
        story.table(),
        "2026-01-02 03:04:05  local:1000 changed delivery hello in staging (replicas to 3)\n\
         2026-01-02 03:04:01  local:1000 created delivery hello in staging\n  \
         2026-01-02 03:04:03  agent applied sandbox--staging/hello (Deployment/hello)\n  \
         2026-01-02 03:04:02  delivery hello in staging: v0.1.0 is rolling out: 1 of 2\n  \
         2026-01-02 03:04:04  delivery hello in staging: v0.1.0 serves\n"
    );
}

#[test]
fn events_that_cause_each_other_are_told_once_and_end() {
    let object = ("Release", "sandbox", "hello-1");
    let story = Story {
        items: vec![
            event("2", Some("1"), "object.created", object, json!({})),
            event("1", Some("1"), "object.created", object, json!({})),
        ],
    };
    assert_eq!(story.table().lines().count(), 2);
    assert_eq!(Story { items: Vec::new() }.table(), "nothing is recorded yet\n");
}

#[test]
fn a_refusal_says_why() {
    let mut refused =
        event("1", None, "request.refused", ("Delivery", "shop--production", "api"), json!({ "message": "not yours" }));
    refused.verb = "patch".to_owned();
    assert_eq!(sentence(&refused), "local:1000 was refused to patch delivery api in production: not yours");
}

#[test]
fn a_session_in_a_pod_says_with_what() {
    let entered = |data| sentence(&event("1", None, "pod.entered", ("Pod", "shop--staging", "api-1"), data));
    assert_eq!(
        entered(json!({ "container": "web", "program": "psql" })),
        "local:1000 ran psql in pod api-1 in staging"
    );
    assert_eq!(entered(json!({ "ports": [5432] })), "local:1000 connected to ports of pod api-1 in staging");
}

#[test]
fn what_was_applied_and_what_was_taken_away_is_told_without_gaps() {
    for (changed, pruned, told) in [
        (json!([]), json!([]), ""),
        (json!(["Deployment/hello"]), json!([]), " (Deployment/hello)"),
        (json!([]), json!(["ConfigMap/old"]), " (removed ConfigMap/old)"),
        (json!(["Service/a", "Service/b"]), json!(["ConfigMap/old"]), " (Service/a, Service/b; removed ConfigMap/old)"),
    ] {
        assert_eq!(applied(&json!({ "changed": changed, "pruned": pruned })), told);
    }
}
