use serde_json::json;

use super::*;

fn known(first: &[&str], containers: &[&str]) -> Known {
    let named = |names: &[&str]| names.iter().map(|it| json!({ "name": it })).collect::<Vec<_>>();
    let pod = json!({
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "initContainers": named(first), "containers": named(containers) },
    });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    Known::new(&pod, watch::Sender::new(Target::Gone), watch::channel(PodState::default()).1)
}

#[test]
fn a_container_is_meant_by_its_name_and_one_that_prepares_too() {
    let known = known(&["migrate"], &["web", "proxy"]);
    for name in ["migrate", "web", "proxy"] {
        assert_eq!(known.which(Some(name)).unwrap(), name);
    }
    let error = known.which(Some("other")).unwrap_err();
    assert!(matches!(error, ReadLog::ContainerNotFound { known, .. } if known == "migrate web proxy"));
    assert!(matches!(known.which(None), Err(ReadLog::WhichContainer { .. })));
}

#[test]
fn the_only_one_that_is_not_for_preparation_needs_no_name() {
    assert_eq!(known(&["migrate"], &["web"]).which(None).unwrap(), "web");
}
