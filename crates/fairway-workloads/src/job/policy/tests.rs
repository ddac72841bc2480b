use serde_json::{Value, json};

use super::*;
use crate::job::plan::tests::{job, pod};

fn judged(rules: &Value, how: Value) -> Meaning {
    judge(&job(json!({ "podFailurePolicy": { "rules": rules } })), &pod("a", how))
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = json!([
        { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
        { "action": "FailJob", "onExitCodes": { "containerName": "c", "operator": "In", "values": [42, 43] } },
        { "action": "Count", "onExitCodes": { "operator": "In", "values": [1] } },
        { "action": "FailJob", "onExitCodes": { "operator": "NotIn", "values": [1, 2] } },
    ]);
    let failed = |code: i32| json!({ "phase": "Failed", "code": code });
    let fatal = |code: i32, at: usize| {
        Meaning::Fatal(format!(
            "Container c for pod n/a failed with exit code {code} matching FailJob rule at index {at}"
        ))
    };
    assert_eq!(judged(&rules, failed(42)), fatal(42, 1));
    assert_eq!(judged(&rules, failed(1)), Meaning::Counts);
    assert_eq!(judged(&rules, failed(2)), Meaning::Counts);
    assert_eq!(judged(&rules, failed(5)), fatal(5, 3));
    assert_eq!(
        judged(&rules, json!({ "phase": "Failed", "code": 42, "condition": "DisruptionTarget" })),
        Meaning::Ignored
    );
    let evicted =
        json!([{ "action": "FailJob", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] }]);
    let why = "Pod n/a has condition DisruptionTarget matching FailJob rule at index 0";
    assert_eq!(judged(&evicted, json!({ "condition": "DisruptionTarget" })), Meaning::Fatal(why.into()));
}

#[test]
fn another_container_and_a_good_end_match_nothing() {
    let other =
        json!([{ "action": "FailJob", "onExitCodes": { "containerName": "x", "operator": "In", "values": [3] } }]);
    assert_eq!(judged(&other, json!({ "phase": "Failed", "code": 3 })), Meaning::Counts);
    let any = json!([{ "action": "FailJob", "onExitCodes": { "operator": "NotIn", "values": [3] } }]);
    assert_eq!(judged(&any, json!({ "phase": "Succeeded", "code": 0 })), Meaning::Counts);
    assert_eq!(judge(&job(json!({})), &pod("a", json!({ "phase": "Failed" }))), Meaning::Counts);
}
