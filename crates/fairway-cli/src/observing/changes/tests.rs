use serde_json::{Value, json};

use super::*;

fn event(id: &str, kind: &str, actor: &str, object: [&str; 3], more: Value) -> Event {
    let mut event = json!({
        "id": id, "type": format!("dev.fairway.object.{kind}"), "actor": actor, "verb": "patch",
        "time": "2026-01-01T00:00:00Z",
        "object": { "group": if object[0] == "Secret" { "" } else { "fairway.dev" }, "kind": object[0], "namespace": object[1], "name": object[2] },
    });
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    serde_json::from_value(event).unwrap()
}

#[test]
fn what_people_changed_is_picked_with_who_began_it() {
    let here = ["Delivery", "shop--staging", "my-api"];
    let machine = "system:serviceaccount:fairway-system:pipelinerun-controller";
    let events = [
        event("7", "updated", machine, here, json!({ "data": { "summary": "v2 is rolling out" } })),
        event(
            "6",
            "updated",
            machine,
            here,
            json!({ "cause": "5", "data": { "changed": { "spec.releaseName": "my-api-2" } } }),
        ),
        event(
            "5",
            "updated",
            "local:1000",
            ["Component", "shop", "my-api"],
            json!({ "data": { "changed": { "spec.x": 1 } } }),
        ),
        event("4", "updated", "local:1001", ["Secret", "shop--staging", "my-api-db"], json!({})),
        event("3", "created", "local:1001", ["Component", "shop", "another"], json!({})),
        event(
            "2",
            "updated",
            "local:1001",
            ["Delivery", "shop--production", "another"],
            json!({ "data": { "changed": {} } }),
        ),
        event("1", "created", machine, here, json!({})),
    ];
    let picked = pick(&events, "shop--staging", "my-api");
    let told: Vec<(&str, &str, &str)> =
        picked.iter().map(|it| (it.event.as_str(), it.kind.as_str(), it.by.as_str())).collect();
    assert_eq!(
        told,
        [("6", "Delivery", "local:1000"), ("5", "Component", "local:1000"), ("4", "Secret", "local:1001")]
    );
    assert!(
        picked[0].what.contains("local:1000 changed component my-api") && picked[0].what.contains("my-api-2"),
        "{picked:?}"
    );
}

#[test]
fn a_circle_of_causes_ends() {
    let here = ["Delivery", "shop--staging", "my-api"];
    let data = json!({ "changed": { "spec.replicas": 2 } });
    let events = [
        event("1", "updated", "me", here, json!({ "cause": "2", "data": data })),
        event("2", "updated", "me", here, json!({ "cause": "1", "data": data })),
    ];
    assert_eq!(pick(&events, "shop--staging", "my-api").len(), 2);
}
