use std::sync::Arc;

use fairway_apiserver::Identity;
use fairway_store::{Key, Stored};
use jiff::Timestamp;

use super::*;

fn note(in_process: bool) -> AuditNote {
    AuditNote {
        identity: Identity { user: "local:1000".to_owned(), ..Identity::default() },
        verb: "patch".into(),
        group: "fairway.dev".into(),
        version: "v1alpha1".into(),
        resource: "deliveries".into(),
        subresource: "".into(),
        kind: "Delivery".into(),
        namespace: "shop--staging".into(),
        name: "api".into(),
        user_agent: "platform".into(),
        field_manager: "platform".into(),
        in_process,
        refused: None,
        entered: None,
        at: Timestamp::UNIX_EPOCH,
    }
}

fn stored(resource: &str, value: &Value) -> Stored {
    Stored {
        key: Key { resource: resource.into(), namespace: "shop--staging".into(), name: "api".into() },
        revision: 7,
        value: serde_json::to_vec(value).unwrap().into(),
        labels: Arc::new([]),
    }
}

fn drafted(note: &AuditNote, resource: &str, before: Option<Value>, after: Value) -> Vec<Event> {
    let before = before.map(|it| stored(resource, &it));
    let after = stored(resource, &after);
    let kind = if before.is_some() { EventKind::Updated } else { EventKind::Created };
    let objects = vec![ObjectChange { kind, after: &after, before: before.as_ref() }];
    drafts(note, &Entry { note: None, objects }).into_iter().map(|it| it.event).collect()
}

#[test]
fn a_wish_of_a_person_is_recorded_with_what_changed_and_its_cause() {
    let before = json!({ "spec": { "releaseName": "api-1", "replicas": 1 } });
    let after = json!({
        "metadata": { "uid": "u", "annotations": { "fairway.dev/cause": "abc" } },
        "spec": { "releaseName": "api-1", "replicas": 3 },
    });
    let events = drafted(&note(false), "fairway.dev/deliveries", Some(before), after);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind, types::OBJECT_UPDATED);
    assert_eq!(events[0].cause.as_deref(), Some("abc"));
    assert_eq!(events[0].data, json!({ "changed": { "spec.replicas": 3 } }));
    assert_eq!(events[0].subject.as_deref(), Some("shop--staging/deliveries/api"));
}

#[test]
fn a_controllers_heartbeat_is_not_recorded_and_its_news_are() {
    let status =
        |ready: i32, summary: &str| json!({ "status": { "replicas": { "ready": ready }, "summary": summary } });
    let heartbeat = drafted(&note(true), "fairway.dev/deliveries", Some(status(1, "a")), status(2, "a"));
    assert_eq!(heartbeat, []);
    let news = drafted(&note(true), "fairway.dev/deliveries", Some(status(1, "a")), status(2, "b"));
    assert_eq!(news[0].data, json!({ "summary": "b" }));
}

#[test]
fn bookkeeping_is_not_recorded_and_outside_writes_to_any_kind_are_without_values() {
    let secret = json!({ "data": { "password": "aHVudGVyMg==" } });
    assert_eq!(drafted(&note(true), "apps/replicasets", None, json!({})), []);
    assert_eq!(drafted(&note(false), "core/events", None, json!({})), []);
    let outside = drafted(&note(false), "core/secrets", None, secret);
    assert_eq!(outside.len(), 1);
    assert_eq!(outside[0].data, Value::Null);
}

#[test]
fn a_bundle_is_recorded_once_when_every_object_has_its_uid() {
    let inventory = |uid: Value| {
        let entries = json!([{ "kind": "Deployment", "name": "api", "uid": uid, "cause": "abc" }]);
        json!({ "metadata": { "labels": { "fairway.dev/inventory": "api" } }, "data": { "entries.json": entries.to_string() } })
    };
    let intended = drafted(&note(true), "core/configmaps", None, inventory(Value::Null));
    assert_eq!(intended, []);
    let applied = drafted(&note(true), "core/configmaps", Some(inventory(Value::Null)), inventory(json!("u1")));
    assert_eq!(applied[0].kind, types::BUNDLE_APPLIED);
    assert_eq!(applied[0].data["objects"], json!(["Deployment/api"]));
    assert_eq!(applied[0].cause.as_deref(), Some("abc"));
}

#[test]
fn a_refusal_to_somebody_outside_is_recorded_and_a_long_message_is_cut() {
    let mut refused = note(false);
    refused.refused = Some((403, "x".repeat(5000)));
    let events = drafts(&refused, &Entry { note: None, objects: vec![] });
    assert_eq!(events[0].event.kind, types::REQUEST_REFUSED);
    assert!(events[0].event.data["message"].as_str().unwrap().len() < 300);
    refused.in_process = true;
    assert_eq!(drafts(&refused, &Entry { note: None, objects: vec![] }), []);
}

#[test]
fn a_session_in_a_pod_is_recorded_with_its_program_and_without_what_is_said_to_it() {
    let how = json!({ "container": "web", "program": "p".repeat(300), "terminal": true });
    let opened = |in_process| {
        let note = AuditNote {
            verb: "create".into(),
            group: "".into(),
            resource: "pods".into(),
            subresource: "exec".into(),
            kind: "Pod".into(),
            entered: Some(how.clone()),
            ..note(in_process)
        };
        drafts(&note, &Entry { note: None, objects: Vec::new() })
    };
    assert!(opened(true).is_empty());
    let [draft] = opened(false).try_into().unwrap_or_else(|_| panic!("one event"));
    assert_eq!((draft.event.kind.as_str(), draft.event.actor.as_str()), (types::POD_ENTERED, "local:1000"));
    assert_eq!(draft.event.subject.as_deref(), Some("shop--staging/pods/api"));
    assert_eq!(draft.event.verb, "create exec");
    assert_eq!(draft.event.data["container"], "web");
    assert_eq!(draft.event.data["program"].as_str().unwrap().chars().count(), 201);
}

#[test]
fn who_acts_as_somebody_else_is_told_beside_them() {
    let mut note = note(false);
    note.identity.impersonator = Some("local:0".to_owned());
    let events = drafted(&note, "core/configmaps", None, json!({ "metadata": { "name": "api" } }));
    assert_eq!((events[0].actor.as_str(), &events[0].data["impersonator"]), ("local:1000", &json!("local:0")));
    note.refused = Some((403, "no".to_owned()));
    let refused = drafts(&note, &Entry { note: None, objects: vec![] });
    assert_eq!(refused[0].event.data["impersonator"], "local:0");
}
