use super::*;

fn claim(change: &Value) -> PersistentVolumeClaim {
    let mut claim = json!({
        "metadata": { "name": "cache", "namespace": "shop", "uid": "u", "resourceVersion": "7" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "4Gi" } } },
    });
    for part in ["metadata", "spec", "status"] {
        for (key, value) in change[part].as_object().into_iter().flatten() {
            claim[part][key] = value.clone();
        }
    }
    serde_json::from_value(claim).unwrap()
}

#[test]
fn a_claim_is_bound_at_once_and_kept_while_it_is_used() {
    let fresh = claim(&json!({}));
    assert_eq!(decide(&fresh, false), Step::Bind(Some(4 << 30)));
    assert_eq!(
        tie(&fresh),
        Some(json!({
            "metadata": { "resourceVersion": "7", "finalizers": [PROTECTION] }, "spec": { "volumeName": "pvc-u" },
        }))
    );
    assert_eq!(
        status(&fresh).unwrap()["status"],
        json!({ "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "4Gi" } })
    );
    let going = |finalizers: Value| {
        claim(&json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": finalizers } }))
    };
    assert_eq!(decide(&going(json!([PROTECTION])), true), Step::Wait);
    assert_eq!(decide(&going(json!([PROTECTION])), false), Step::Remove);
    assert_eq!(decide(&going(json!(["other/one"])), false), Step::Nothing);
    assert_eq!(
        untie(&going(json!([PROTECTION, "other/one"]))),
        json!({ "metadata": { "resourceVersion": "7", "finalizers": ["other/one"] } })
    );
}

#[test]
fn a_bound_claim_is_written_again_only_when_it_grows() {
    let bound = json!({
        "metadata": { "finalizers": ["other/one", PROTECTION] }, "spec": { "volumeName": "pvc-u" },
        "status": { "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "4Gi" } },
    });
    let same = claim(&bound);
    assert_eq!((decide(&same, true), tie(&same), status(&same)), (Step::Bind(Some(4 << 30)), None, None));
    let mut grown = bound;
    grown["spec"]["resources"] = json!({ "requests": { "storage": "8Gi" } });
    let grown = claim(&grown);
    assert_eq!(decide(&grown, true), Step::Bind(Some(8 << 30)));
    assert_eq!(status(&grown).unwrap()["status"]["capacity"]["storage"], "8Gi");
}

#[test]
fn what_this_node_does_not_have_is_refused_with_the_field() {
    for (spec, why) in [
        (
            json!({ "storageClassName": "fast" }),
            "storageclass.storage.k8s.io \"fast\" not found; this node has \"folder\"",
        ),
        (json!({ "volumeMode": "Block" }), "spec.volumeMode: "),
        (json!({ "volumeName": "mine" }), "spec.volumeName: persistentvolume \"mine\" not found"),
        (json!({ "selector": {} }), "spec.selector and spec.dataSource: "),
    ] {
        let Step::Refuse(found) = decide(&claim(&json!({ "spec": spec })), false) else { panic!("{why}") };
        assert!(found.starts_with(why), "{found}");
    }
    for spec in [json!({ "storageClassName": "folder" }), json!({ "storageClassName": "" })] {
        assert!(matches!(decide(&claim(&json!({ "spec": spec })), false), Step::Bind(_)));
    }
}
