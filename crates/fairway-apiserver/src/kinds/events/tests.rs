use serde_json::json;

use super::*;
use crate::kinds::builtin;

fn resource(group: &str) -> Resource {
    builtin().into_iter().find(|it| &*it.group == group && &*it.plural == "events").expect("events")
}

#[test]
fn an_event_of_the_new_group_reads_as_one_of_the_core_group_and_back() {
    let written = json!({
        "metadata": { "name": "a" }, "note": "text", "regarding": { "kind": "Pod" }, "deprecatedCount": 2,
        "reportingController": "c", "eventTime": "2026-01-01T00:00:00.000000Z", "reason": "R",
        "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": null, "deprecatedSource": {},
    });
    let mut object = written.clone();
    to_stored(&resource("events.k8s.io"), &mut object);
    assert_eq!(object["message"], "text");
    assert_eq!(object["involvedObject"]["kind"], "Pod");
    assert_eq!(object["reportingComponent"], "c");
    assert_eq!(object["count"], 2);
    assert!(object.get("note").is_none());
    from_stored(&resource("events.k8s.io"), &mut object);
    assert_eq!(object, written);
}

#[test]
fn core_events_are_kept_as_they_are() {
    let written = json!({ "message": "text", "involvedObject": {} });
    let mut object = written.clone();
    to_stored(&resource(""), &mut object);
    from_stored(&resource(""), &mut object);
    assert_eq!(object, written);
}
