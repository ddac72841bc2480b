use kube::ResourceExt;
use serde_json::{Value, json};

use super::*;
use crate::statefulset::walk::{GOING, MOST_AT_ONCE};

/// A set of two Pods; `claims` names its claim templates, `image` its image, all else goes into the spec.
pub(in crate::statefulset) fn set(extra: Value) -> StatefulSet {
    let mut spec = json!({
        "replicas": 2, "serviceName": "db", "podManagementPolicy": "OrderedReady",
        "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } },
        "selector": { "matchLabels": { "app": "db" } },
        "template": {
            "metadata": { "labels": { "app": "db" } }, "spec": { "containers": [{ "name": "c", "image": "a:1" }] },
        },
    });
    for (key, value) in extra.as_object().unwrap() {
        match key.as_str() {
            "image" => spec["template"]["spec"]["containers"][0]["image"] = value.clone(),
            "claims" => {
                let claim =
                    |it: &Value| json!({ "metadata": { "name": it }, "spec": { "accessModes": ["ReadWriteOnce"] } });
                spec["volumeClaimTemplates"] = value.as_array().unwrap().iter().map(claim).collect();
            }
            _ => spec[key] = value.clone(),
        }
    }
    let metadata = json!({ "name": "db", "namespace": "n", "uid": "s1", "generation": 3 });
    serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
}

/// A Pod of the set: Ready since second 1 unless `phase` or `ready` say otherwise; `leaving` if it is being deleted.
pub(in crate::statefulset) fn pod(ordinal: i64, how: Value) -> Pod {
    let ready = how["ready"].as_bool().unwrap_or(how["phase"].is_null());
    let leaving = how["leaving"].as_bool().unwrap_or(false).then_some("1970-01-01T00:00:02Z");
    let name = format!("db-{ordinal}");
    serde_json::from_value(json!({
        "metadata": {
            "name": name, "namespace": "n", "uid": format!("p{ordinal}"), "deletionTimestamp": leaving,
            "labels": {
                "app": "db", "controller-revision-hash": how["revision"].as_str().unwrap_or_default(), "statefulset.kubernetes.io/pod-name": name,
                "apps.kubernetes.io/pod-index": ordinal.to_string(),
            },
            "ownerReferences": if how["orphan"] == true { json!([]) } else { json!([
                { "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "s1", "controller": true }]) },
        },
        "spec": { "containers": [] },
        "status": {
            "phase": how["phase"].as_str().unwrap_or("Running"),
            "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": "1970-01-01T00:00:01Z" }],
        },
    }))
    .unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// Its first revision, made from the image `a:1`.
fn first() -> ControllerRevision {
    match revision::choose(&set(json!({})), &[], &[]).write {
        Some(revision::Write::Create(it)) => *it,
        other => panic!("{other:?}"),
    }
}

/// What is done, each in a word or two.
fn told(plan: &Plan) -> Vec<String> {
    let word = |it: &Action| match it {
        Action::Adopt(it) => format!("adopt {}", it.name_any()),
        Action::Name(it, _) => format!("name {}", it.name_any()),
        Action::Claim(it) => format!("claim {}", it.name_any()),
        Action::OwnClaim(it, owners) => {
            format!("own {} by {}", it.name_any(), owners.first().map_or("nobody", |it| it.kind.as_str()))
        }
        Action::Create(it) => {
            let image = it.spec.as_ref().unwrap().containers[0].image.clone();
            format!("make {} {}", it.name_any(), image.unwrap())
        }
        Action::Delete(it, why) => format!("delete {} {why:?}", it.name_any()),
        Action::Forget(name) => format!("forget {name}"),
    };
    plan.actions.iter().map(word).collect()
}

/// The plan for these Pods, all made from the first revision unless they say otherwise.
fn planned(extra: Value, pods: &[(i64, Value)]) -> Plan {
    let revision = first();
    let mut set = set(extra);
    set.status =
        Some(StatefulSetStatus { current_revision: revision.metadata.name.clone(), ..StatefulSetStatus::default() });
    let made = pods.iter().map(|(ordinal, how)| {
        let mut how = how.clone();
        if how["revision"].is_null() {
            how["revision"] = json!(revision.metadata.name);
        }
        pod(*ordinal, how)
    });
    let observed = Observed { set, pods: made.collect(), revisions: vec![revision], claims: Vec::new() };
    plan(&observed, at(100))
}

/// What it shows, the set, its Pods, and what is done.
type Case = (&'static str, Value, Vec<(i64, Value)>, Vec<&'static str>);

#[test]
fn a_set_is_walked_in_order_or_at_once() {
    let parallel = || json!({ "podManagementPolicy": "Parallel", "replicas": 3 });
    let ordered = || json!({ "replicas": 3 });
    let well = || json!({});
    let slow = || json!({ "ready": false });
    let cases: Vec<Case> = vec![
        ("the first is made", ordered(), vec![], vec!["make db-0 a:1"]),
        ("all are made", parallel(), vec![], vec!["make db-0 a:1", "make db-1 a:1", "make db-2 a:1"]),
        ("the next waits for the one before", ordered(), vec![(0, slow())], vec![]),
        ("nobody waits", parallel(), vec![(0, slow())], vec!["make db-1 a:1", "make db-2 a:1"]),
        ("the next follows", ordered(), vec![(0, well())], vec!["make db-1 a:1"]),
        ("a gap is filled", ordered(), vec![(0, well()), (2, well())], vec!["make db-1 a:1"]),
        ("one that leaves is waited for", ordered(), vec![(0, json!({ "leaving": true }))], vec![]),
        (
            "it is in nobody's way",
            parallel(),
            vec![(0, json!({ "leaving": true })), (1, well())],
            vec!["make db-2 a:1"],
        ),
        ("all is well", ordered(), vec![(0, well()), (1, well()), (2, well())], vec![]),
        ("numbers may begin later", json!({ "ordinals": { "start": 5 } }), vec![], vec!["make db-5 a:1"]),
        (
            "one that failed goes",
            ordered(),
            vec![(0, json!({ "phase": "Failed" })), (1, well())],
            vec!["delete db-0 Failed"],
        ),
        (
            "so does one that succeeded",
            ordered(),
            vec![(0, json!({ "phase": "Succeeded" }))],
            vec!["delete db-0 Succeeded"],
        ),
    ];
    for (what, extra, pods, wanted) in cases {
        assert_eq!(told(&planned(extra, &pods)), wanted, "{what}");
    }
}

#[test]
fn a_surplus_goes_from_the_top() {
    let well = || json!({});
    let four = || vec![(0, well()), (1, well()), (2, well()), (3, well())];
    assert_eq!(told(&planned(json!({ "replicas": 2 }), &four())), ["delete db-3 Surplus"]);
    let parallel = json!({ "replicas": 2, "podManagementPolicy": "Parallel" });
    assert_eq!(told(&planned(parallel, &four())), ["delete db-3 Surplus", "delete db-2 Surplus"]);
    let mut leaving = four();
    leaving[3].1 = json!({ "leaving": true });
    assert_eq!(told(&planned(json!({ "replicas": 2 }), &leaving)), Vec::<String>::new());
    // What is to stay comes first.
    let mut ill = four();
    ill[0].1 = json!({ "ready": false });
    assert_eq!(told(&planned(json!({ "replicas": 2 }), &ill)), Vec::<String>::new());
}

#[test]
fn a_new_template_is_rolled_from_the_top_down_to_the_partition() {
    let update = revision::choose(&set(json!({ "image": "a:2" })), &[first()], &[]).update.name;
    let new = || json!({ "revision": update });
    let old = || json!({});
    let rolling = |partition: i32| json!({ "image": "a:2", "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": partition } } });
    let cases: Vec<Case> = vec![
        ("the highest goes first", rolling(0), vec![(0, old()), (1, old())], vec!["delete db-1 Outdated"]),
        ("it comes back new", rolling(0), vec![(0, old())], vec!["make db-1 a:2"]),
        ("then the next", rolling(0), vec![(0, old()), (1, new())], vec!["delete db-0 Outdated"]),
        (
            "not before it is ready",
            rolling(0),
            vec![(0, old()), (1, json!({ "revision": update, "ready": false }))],
            vec![],
        ),
        ("down to the partition", rolling(1), vec![(0, old()), (1, new())], vec![]),
        ("below it the old is made", rolling(1), vec![(1, new())], vec!["make db-0 a:1"]),
        (
            "nothing is deleted for its own sake",
            json!({ "image": "a:2", "updateStrategy": { "type": "OnDelete" } }),
            vec![(0, old()), (1, old())],
            vec![],
        ),
        (
            "what is deleted comes back new",
            json!({ "image": "a:2", "updateStrategy": { "type": "OnDelete" } }),
            vec![(1, old())],
            vec!["make db-0 a:2"],
        ),
    ];
    for (what, extra, pods, wanted) in cases {
        assert_eq!(told(&planned(extra, &pods)), wanted, "{what}");
    }
}

#[test]
fn each_pod_gets_its_claims_first_and_waits_for_one_that_is_going() {
    let claimed = set(json!({ "claims": ["data", "log"] }));
    let observed = |claims| Observed { set: claimed.clone(), pods: vec![], revisions: vec![first()], claims };
    let it = plan(&observed(vec![]), at(1));
    assert_eq!(told(&it), ["claim data-db-0", "claim log-db-0", "make db-0 a:1"]);
    let mut data = identity::claim(&claimed, identity::templates(&claimed).next().unwrap(), 0);
    assert_eq!(told(&plan(&observed(vec![data.clone()]), at(1))), ["claim log-db-0", "make db-0 a:1"]);
    data.metadata.deletion_timestamp = pod(0, json!({ "leaving": true })).metadata.deletion_timestamp;
    let waits = plan(&observed(vec![data]), at(1));
    assert_eq!((told(&waits), waits.next), (vec![], Next::After(GOING)));
}

#[test]
fn a_claim_is_given_to_its_pod_before_that_goes() {
    let policy = json!({ "whenScaled": "Delete", "whenDeleted": "Retain" });
    let set = set(json!({ "claims": ["data"], "replicas": 1, "persistentVolumeClaimRetentionPolicy": policy }));
    let template = identity::templates(&set).next().unwrap();
    let claims = vec![identity::claim(&set, template, 0), identity::claim(&set, template, 1)];
    let name = json!({ "revision": first().metadata.name });
    let pods = vec![pod(0, name.clone()), pod(1, name)];
    let mut observed = Observed { set: set.clone(), pods, revisions: vec![first()], claims };
    assert_eq!(told(&plan(&observed, at(9))), ["own data-db-1 by Pod", "delete db-1 Surplus"]);
    // Scaled up again before it went: it is nobody's again.
    observed.claims[1].metadata.owner_references =
        kube::Resource::controller_owner_ref(&observed.pods[1], &()).map(|it| vec![it]);
    observed.set.spec.as_mut().unwrap().replicas = Some(2);
    assert_eq!(told(&plan(&observed, at(9))), ["own data-db-1 by nobody"]);
}

#[test]
fn orphans_are_adopted_and_a_pod_of_another_is_waited_for() {
    let it = planned(json!({}), &[(0, json!({ "orphan": true }))]);
    assert_eq!(told(&it), ["adopt db-0", "make db-1 a:1"]);
    let mut other = pod(0, json!({}));
    other.metadata.owner_references.as_mut().unwrap()[0].uid = "before".into();
    let observed = Observed { set: set(json!({})), pods: vec![other], revisions: vec![first()], claims: vec![] };
    let it = plan(&observed, at(9));
    assert_eq!((told(&it), it.next, it.status.replicas), (vec![], Next::After(GOING), 0));
}

#[test]
fn a_pod_that_lost_its_name_labels_gets_them_back() {
    let mut nameless = pod(0, json!({}));
    nameless.labels_mut().remove("apps.kubernetes.io/pod-index");
    let observed =
        Observed { set: set(json!({ "replicas": 1 })), pods: vec![nameless], revisions: vec![first()], claims: vec![] };
    assert_eq!(told(&plan(&observed, at(9)))[0], "name db-0");
}

#[test]
fn a_pod_that_ends_at_once_is_not_replaced_at_once() {
    let mut refused = pod(0, json!({ "phase": "Failed", "revision": first().metadata.name }));
    refused.metadata.creation_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(98)));
    let observed = Observed { set: set(json!({})), pods: vec![refused], revisions: vec![first()], claims: vec![] };
    let it = plan(&observed, at(100));
    assert_eq!((told(&it), it.next), (vec![], Next::After(Duration::from_secs(3))));
    assert_eq!(told(&plan(&observed, at(103))), ["delete db-0 Failed"]);
}

#[test]
fn a_pod_has_to_be_ready_for_a_while_to_count() {
    let revision = json!({ "revision": first().metadata.name });
    let observed = Observed {
        set: set(json!({ "minReadySeconds": 30 })),
        pods: vec![pod(0, revision)],
        revisions: vec![first()],
        claims: vec![],
    };
    let it = plan(&observed, at(11));
    assert_eq!((told(&it), it.next), (vec![], Next::After(Duration::from_secs(20))));
    assert_eq!((it.status.ready_replicas, it.status.available_replicas), (Some(1), Some(0)));
    assert_eq!(told(&plan(&observed, at(31))), ["make db-1 a:1"]);
}

#[test]
fn a_huge_number_is_approached_in_steps() {
    let it = planned(json!({ "replicas": i32::MAX, "podManagementPolicy": "Parallel" }), &[]);
    assert_eq!(it.actions.len(), MOST_AT_ONCE);
    assert!(matches!(it.next, Next::After(_)));
}

#[test]
fn the_status_counts_by_revision_and_the_rollout_is_over_when_all_are_new_and_ready() {
    let update = revision::choose(&set(json!({ "image": "a:2" })), &[first()], &[]).update.name;
    let new = |ready: bool| json!({ "revision": update, "ready": ready });
    let first = first().name_any();
    let status = planned(json!({ "image": "a:2" }), &[(0, json!({})), (1, new(false))]).status;
    assert_eq!((status.replicas, status.ready_replicas, status.observed_generation), (2, Some(1), Some(3)));
    assert_eq!((status.current_replicas, status.updated_replicas, status.collision_count), (Some(1), Some(1), Some(0)));
    assert_eq!((status.current_revision.as_ref(), status.update_revision.as_ref()), (Some(&first), Some(&update)));
    let status = planned(json!({ "image": "a:2" }), &[(0, new(true)), (1, new(false))]).status;
    assert_eq!(status.current_revision.as_ref(), Some(&first));
    let status = planned(json!({ "image": "a:2" }), &[(0, new(true)), (1, new(true))]).status;
    assert_eq!((status.current_revision.as_ref(), status.current_replicas), (Some(&update), Some(2)));
    // With OnDelete nobody says when it is over.
    let on_delete = json!({ "image": "a:2", "updateStrategy": { "type": "OnDelete" } });
    let status = planned(on_delete, &[(0, new(true)), (1, new(true))]).status;
    assert_eq!(status.current_revision.as_ref(), Some(&first));
}

#[test]
fn a_set_that_is_being_deleted_is_left_as_it_is() {
    let mut set = set(json!({}));
    set.metadata.deletion_timestamp = pod(0, json!({ "leaving": true })).metadata.deletion_timestamp;
    let orphan = pod(1, json!({ "orphan": true }));
    let it = plan(&Observed { set, pods: vec![orphan], revisions: vec![first()], claims: vec![] }, at(9));
    assert_eq!(told(&it), Vec::<String>::new());
}
