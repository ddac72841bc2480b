use serde_json::json;

use super::*;

fn claim(storage: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "api-db-data" },
        "spec": { "resources": { "requests": { "storage": storage } } },
    })
}

#[test]
fn a_plan_with_less_room_is_refused_in_a_sentence_and_the_plan_before_keeps_what_there_is() {
    let live = serde_json::from_value(claim("10Gi")).unwrap();
    let has = room(&live).into_iter().collect();
    let problem = fitted(&mut [claim("1Gi")], &has, Some("medium"), "small", "postgres").unwrap_err();
    let sentence = "plan small has 1Gi of room and api-db-data has 10Gi, which cannot shrink; \
                    ask for a plan with as much, as medium";
    assert_eq!((problem.message.as_str(), problem.reason), (sentence, ResourceReason::PlanTooSmall));
    assert!(problem.stalled);
    for before in [Some("small"), None] {
        let mut objects = [claim("1Gi")];
        assert_eq!(fitted(&mut objects, &has, before, "small", "postgres"), Ok(()));
        assert_eq!(objects[0], claim("10Gi"), "it was given more by hand");
    }
    let mut objects = [claim("50Gi")];
    assert_eq!(fitted(&mut objects, &has, Some("medium"), "large", "postgres"), Ok(()));
    assert_eq!(objects[0], claim("50Gi"));
}
