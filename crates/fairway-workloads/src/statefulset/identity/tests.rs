use serde_json::json;

use super::*;
use crate::statefulset::plan::tests::{pod as there, set};

fn revision(set: &StatefulSet) -> Revision {
    Revision { name: "db-abc".to_owned(), template: set.spec.clone().unwrap().template }
}

#[test]
fn a_pod_is_known_by_its_name() {
    let set = set(json!({}));
    for (name, wanted) in [
        ("db-0", Some(0)),
        ("db-12", Some(12)),
        ("db", None),
        ("db-", None),
        ("db-01", None),
        ("db-+1", None),
        ("db--1", None),
        ("db-x-1", None),
        ("other-1", None),
    ] {
        let mut it = there(0, json!({}));
        it.metadata.name = Some(name.to_owned());
        assert_eq!(ordinal(&set, &it), wanted, "{name}");
    }
}

#[test]
fn a_pod_has_its_names_and_its_claims_in_place_of_volumes_of_the_same_name() {
    let mut set = set(json!({ "claims": ["data"], "serviceName": "peers" }));
    let spec = set.spec.as_mut().unwrap().template.spec.as_mut().unwrap();
    spec.volumes = Some(vec![
        Volume { name: "data".into(), ..Volume::default() },
        Volume { name: "own".into(), ..Volume::default() },
    ]);
    let it = pod(&set, 3, &revision(&set));
    assert_eq!(it.name_any(), "db-3");
    let labels =
        ["app", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-revision-hash"];
    assert_eq!(labels.map(|key| it.labels()[key].as_str()), ["db", "db-3", "3", "db-abc"]);
    assert!(crate::pod::is_of(&it, &set));
    let spec = it.spec.unwrap();
    assert_eq!((spec.hostname.as_deref(), spec.subdomain.as_deref()), (Some("db-3"), Some("peers")));
    let volumes = spec.volumes.unwrap();
    assert_eq!(volumes.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["own", "data"]);
    assert_eq!(volumes[1].persistent_volume_claim.as_ref().unwrap().claim_name, "data-db-3");
    assert_eq!(
        pod(&super::tests::set(json!({})), 0, &revision(&set)).spec.unwrap().volumes.map(|it| it.len()),
        Some(2)
    );
}

#[test]
fn a_claim_is_named_after_template_and_pod_and_labelled_as_the_selector_wants() {
    let set = set(json!({ "claims": ["data"] }));
    let template = templates(&set).next().unwrap();
    let it = claim(&set, template, 1);
    assert_eq!((it.name_any().as_str(), it.labels()["app"].as_str()), ("data-db-1", "db"));
    assert_eq!((it.metadata.owner_references, it.spec), (None, template.spec.clone()));
}

#[test]
fn claims_stay_or_go_as_the_policy_says() {
    let gone = there(5, json!({}));
    let other: OwnerReference =
        serde_json::from_value(json!({ "apiVersion": "v1", "kind": "Thing", "name": "x", "uid": "x" })).unwrap();
    let of_set: OwnerReference =
        serde_json::from_value(json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "s1" }))
            .unwrap();
    // Deleted with the set, with the pod; a pod that is one too many; who owns it then.
    for (deleted, scaled, condemned, owners) in [
        ("Retain", "Retain", false, vec!["Thing"]),
        ("Retain", "Retain", true, vec!["Thing"]),
        ("Delete", "Retain", false, vec!["Thing", "StatefulSet"]),
        ("Delete", "Retain", true, vec!["Thing", "StatefulSet"]),
        ("Retain", "Delete", false, vec!["Thing"]),
        ("Retain", "Delete", true, vec!["Thing", "Pod"]),
        ("Delete", "Delete", false, vec!["Thing", "StatefulSet"]),
        ("Delete", "Delete", true, vec!["Thing", "Pod"]),
    ] {
        let policy = json!({ "whenDeleted": deleted, "whenScaled": scaled });
        let set = set(json!({ "persistentVolumeClaimRetentionPolicy": policy }));
        let given = retained(&set).owners(&set, condemned.then_some(&gone), &[other.clone(), of_set.clone()]).unwrap();
        assert_eq!(
            given.iter().map(|it| it.kind.as_str()).collect::<Vec<_>>(),
            owners,
            "{deleted} {scaled} {condemned}"
        );
    }
    let foreign = OwnerReference { controller: Some(true), ..other };
    assert_eq!(
        retained(&set(json!({}))).owners(&set(json!({})), None, &[foreign]),
        None,
        "it is another's to care for"
    );
}

#[test]
fn a_claim_of_a_pod_that_is_no_more_is_going() {
    let set = set(json!({ "claims": ["data"] }));
    let mut it = claim(&set, templates(&set).next().unwrap(), 0);
    let pod = there(0, json!({}));
    assert!(!is_going(&it, None) && !is_going(&it, Some(&pod)));
    it.metadata.owner_references = pod.controller_owner_ref(&()).map(|it| vec![it]);
    assert!(is_going(&it, None) && !is_going(&it, Some(&pod)));
}
