use serde_json::json;

use super::*;

fn pod(name: &str, phase: &str, leaving: bool) -> Pod {
    let mut tree = json!({ "metadata": { "name": name }, "status": { "phase": phase } });
    if leaving {
        tree["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    }
    serde_json::from_value(tree).unwrap()
}

#[test]
fn instances_that_run_are_counted_from_one_by_name() {
    let pods = [
        pod("api-c", "Running", false),
        pod("api-a", "Pending", false),
        pod("api-b", "Running", false),
        pod("api-0", "Running", true),
    ];
    let names = running(&pods);
    assert_eq!(names, ["api-b", "api-c"]);
    assert_eq!(choose(&names, None), Ok("api-b"));
    assert_eq!(choose(&names, Some(2)), Ok("api-c"));
    for number in [0, 3] {
        assert_eq!(choose(&names, Some(number)), Err(format!("2 instances that run and no number {number}")));
    }
    assert_eq!(choose(&names[..1], Some(2)), Err("1 instance that runs and no number 2".to_owned()));
    assert_eq!(choose(&[], None), Err("no instance that runs".to_owned()));
}
