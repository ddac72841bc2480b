use serde_json::{Value, json};

use super::*;

fn deployment(wanted: i32, status: Value) -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "generation": 2 },
        "spec": { "replicas": wanted, "progressDeadlineSeconds": 10, "selector": {}, "template": {} },
        "status": status,
    }))
    .unwrap()
}

fn pod(version: &str, container: Value) -> Pod {
    let mut container = container;
    for (key, value) in [
        ("name", json!("web")),
        ("image", json!("i")),
        ("imageID", json!("i")),
        ("ready", json!(false)),
        ("restartCount", json!(0)),
    ] {
        if container.get(key).is_none() {
            container[key] = value;
        }
    }
    serde_json::from_value(json!({
        "metadata": { "name": "p", "labels": { "fairway.dev/version": version } },
        "status": { "containerStatuses": [container] },
    }))
    .unwrap()
}

fn late() -> Value {
    let exceeded = json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }]);
    json!({ "observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1, "conditions": exceeded })
}

fn judged(deployment: &Deployment, pods: &[Pod], unhealthy: Option<&str>) -> Health {
    judge(deployment, pods, &|_| unhealthy.map(str::to_owned), "v2")
}

#[test]
fn all_of_the_wanted_and_nothing_else_is_healthy() {
    let done = json!({ "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 });
    assert_eq!(judged(&deployment(2, done.clone()), &[], None), Health::Healthy);
    let mut stale = deployment(2, done);
    stale.metadata.generation = Some(3);
    assert!(matches!(judged(&stale, &[], None), Health::Progressing(_)), "a status of an older wish proves nothing");
    let old_left = json!({ "observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3 });
    assert!(matches!(judged(&deployment(2, old_left), &[], None), Health::Progressing(_)));
}

#[test]
fn each_way_to_fail_has_its_sentence() {
    let text = |it: &Health| match it {
        Health::Failed(why) => why.clone(),
        other => panic!("{other:?}"),
    };
    let running = json!({ "state": { "running": {} } });
    let check = "readiness check GET /healthz on port 8080 answered 503";
    let found = judged(&deployment(1, late()), &[pod("v2", running.clone())], Some(check));
    assert_eq!(text(&found), format!("container web runs and is not ready: {check}"));
    let found = judged(&deployment(1, late()), &[pod("v1", running)], None);
    assert_eq!(text(&found), "no instance became ready within 10 s");
    let memory = json!({ "restartCount": 3, "state": { "waiting": { "reason": "CrashLoopBackOff" } }, "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } });
    let found = judged(&deployment(1, json!({})), &[pod("v2", memory)], None);
    assert_eq!(text(&found), "container web used more memory than its limit and was killed (3 restarts)");
    let ended = json!({ "exitCode": 1, "reason": "ImageNeedsUidRange", "message": "the program asks for user 101" });
    let users = json!({ "restartCount": 3, "state": { "waiting": { "reason": "ImageNeedsUidRange" } }, "lastState": { "terminated": ended } });
    let found = judged(&deployment(1, json!({})), &[pod("v2", users)], None);
    let expected = "container web could not go on (ImageNeedsUidRange: the program asks for user 101) (3 restarts)";
    assert_eq!(text(&found), expected);
    let image = json!({ "state": { "waiting": { "reason": "ErrImagePull", "message": "no such image" } } });
    let found = judged(&deployment(1, late()), &[pod("v2", image)], None);
    assert_eq!(text(&found), "container web waits, ErrImagePull: no such image");
    let mut evicted = pod("v2", json!({ "state": { "terminated": { "exitCode": 137 } } }));
    let status = evicted.status.as_mut().unwrap();
    status.phase = Some("Failed".to_owned());
    status.reason = Some("Evicted".to_owned());
    status.message = Some("Usage of claim \"data\" exceeds the limit \"1Gi\". ".to_owned());
    let waits = pod("v2", json!({ "state": { "waiting": { "reason": "ErrImagePull", "message": "no such image" } } }));
    let ended = "the instance was ended (Evicted: Usage of claim \"data\" exceeds the limit \"1Gi\")";
    assert_eq!(text(&judged(&deployment(1, late()), std::slice::from_ref(&evicted), None)), ended);
    assert_eq!(text(&judged(&deployment(1, late()), &[evicted, waits], None)), text(&found), "one that is there");
    assert!(never_ran(&text(&found)) && !never_ran("container web exited with code 1 (1 restart)"));
}

#[test]
fn instances_that_the_cluster_refuses_to_make_are_told_with_its_words() {
    let mut status = late();
    let refused = json!({ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota: compute" });
    status["conditions"].as_array_mut().unwrap().push(refused);
    let expected = Health::Failed("the cluster makes no instance: exceeded quota: compute".to_owned());
    assert_eq!(judged(&deployment(1, status), &[], None), expected);
}

#[test]
fn an_instance_that_keeps_exiting_is_given_up_before_its_time_is_over() {
    let exits = |restarts: i32| json!({ "restartCount": restarts, "state": { "terminated": { "exitCode": 1 } } });
    let early = deployment(1, json!({ "observedGeneration": 2 }));
    assert!(matches!(judged(&early, &[pod("v2", exits(1))], None), Health::Progressing(_)));
    assert_eq!(
        judged(&early, &[pod("v2", exits(3))], None),
        Health::Failed("container web exited with code 1 (3 restarts)".to_owned())
    );
}

#[test]
fn restarts_of_before_another_try_count_no_more() {
    another_try(RESTARTED);
    another_try(CONNECTIONS);
}

fn another_try(annotation: &str) {
    let status = json!({ "observedGeneration": 2, "replicas": 1, "updatedReplicas": 0 });
    let mut asked = deployment(1, status);
    let old = pod("v2", json!({ "restartCount": 3, "state": { "terminated": { "exitCode": 1 } } }));
    assert!(matches!(judged(&asked, std::slice::from_ref(&old), None), Health::Failed(_)));
    let template = asked.spec.as_mut().map(|it| it.template.metadata.get_or_insert_default());
    let restart = (annotation.to_owned(), "now".to_owned());
    template.unwrap().annotations = Some([restart.clone()].into());
    assert_eq!(
        judged(&asked, std::slice::from_ref(&old), None),
        Health::Progressing("0 of 1 instances are ready".to_owned())
    );
    let mut new = old;
    new.metadata.annotations = Some([restart].into());
    assert!(matches!(judged(&asked, &[new], None), Health::Failed(_)));
}
