use serde_json::json;

use super::*;
use crate::route::ParentRef;
use crate::table::Attachment;

const NOW: &str = "2026-01-02T03:04:05Z";
const LATER: &str = "2026-01-02T09:09:09Z";

fn verdict(refused: Option<Problem>, stored: Vec<Value>) -> Verdict {
    let parent = ParentRef { name: "edge".into(), namespace: Some("infra".into()), ..ParentRef::default() };
    Verdict {
        namespace: "shop".into(),
        name: "web".into(),
        generation: 3,
        attachments: vec![Attachment { parent, refused }],
        unresolved: None,
        stored,
    }
}

fn problem() -> Problem {
    Problem { reason: "NotAllowedByListeners", message: "no".into() }
}

#[test]
fn a_new_route_is_told_and_a_told_route_is_left_alone() {
    let first = parents(&verdict(None, vec![]), "example.com/gateway", NOW).unwrap();
    assert_eq!(
        first,
        [json!({
            "parentRef": { "name": "edge", "namespace": "infra" },
            "controllerName": "example.com/gateway",
            "conditions": [
                { "type": "Accepted", "status": "True", "reason": "Accepted", "message": "the route is served",
                  "observedGeneration": 3, "lastTransitionTime": NOW },
                { "type": "ResolvedRefs", "status": "True", "reason": "ResolvedRefs", "message": "all backends exist",
                  "observedGeneration": 3, "lastTransitionTime": NOW },
            ],
        })]
    );
    assert_eq!(parents(&verdict(None, first), "example.com/gateway", LATER), None);
}

#[test]
fn a_condition_that_turns_gets_a_new_time_and_one_that_stays_keeps_its_own() {
    let first = parents(&verdict(None, vec![]), "example.com/gateway", NOW).unwrap();
    let second = parents(&verdict(Some(problem()), first), "example.com/gateway", LATER).unwrap();
    let conditions = &second[0]["conditions"];
    assert_eq!(
        (&conditions[0]["status"], &conditions[0]["reason"]),
        (&json!("False"), &json!("NotAllowedByListeners"))
    );
    assert_eq!(conditions[0]["lastTransitionTime"], LATER);
    assert_eq!(conditions[1]["lastTransitionTime"], NOW);
}

#[test]
fn entries_of_other_controllers_stay_and_ours_go_when_the_route_leaves() {
    let other = json!({ "parentRef": { "name": "edge" }, "controllerName": "other.example/gateway", "conditions": [] });
    let both = parents(&verdict(None, vec![other.clone()]), "example.com/gateway", NOW).unwrap();
    assert_eq!((both.len(), &both[0]), (2, &other));
    let mut left = verdict(None, both);
    left.attachments.clear();
    assert_eq!(parents(&left, "example.com/gateway", NOW), Some(vec![other]));
}
