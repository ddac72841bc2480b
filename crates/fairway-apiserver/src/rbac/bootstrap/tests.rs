use fairway_clock::{ManualClock, SeededEntropy};
use serde_json::json;

use super::super::tests::{Plane, key, user};
use super::*;
use crate::authorization::{Attributes, Authorize};
use crate::{Decision, Identity};

fn world() -> World {
    let start = "2026-01-02T03:04:05.678Z".parse().unwrap();
    World { clock: Arc::new(ManualClock::new(start)), entropy: Arc::new(SeededEntropy::new(7)) }
}

async fn fresh() -> Plane {
    let plane = Plane::new();
    assert_eq!(bootstrap(&plane.store, &world(), None).await.unwrap(), 117);
    plane
}

#[tokio::test]
async fn later_starts_add_what_is_missing_and_change_nothing_else() {
    let plane = fresh().await;
    let edited = json!({ "metadata": { "name": "view" }, "rules": [] });
    plane.put("clusterroles/view", edited.clone()).await;
    plane.delete("clusterroles/edit").await;
    let before = plane.store.revision();
    assert_eq!(bootstrap(&plane.store, &world(), None).await.unwrap(), 1);
    assert_eq!(plane.store.revision(), before + 1);
    assert!(plane.store.get(&key("clusterroles/edit")).is_some());
    let view: Value = serde_json::from_slice(&plane.store.get(&key("clusterroles/view")).unwrap().value).unwrap();
    assert_eq!(view, edited);
    assert_eq!(bootstrap(&plane.store, &world(), None).await.unwrap(), 0);
}

#[tokio::test]
async fn objects_are_stored_as_the_server_stores_them() {
    let plane = fresh().await;
    let stored = plane.store.get(&key("clusterroles/view")).unwrap();
    assert!(stored.value.starts_with(b"{\"metadata\":{"));
    let view: Value = serde_json::from_slice(&stored.value).unwrap();
    assert!(view.get("kind").is_none() && view.get("apiVersion").is_none());
    assert_eq!(view["metadata"]["creationTimestamp"], "2026-01-02T03:04:05Z");
    assert_eq!(view["metadata"]["uid"].as_str().unwrap().len(), 36);
    assert_eq!(view["metadata"]["annotations"][AUTOUPDATE], "true");
    assert!(stored.labels.iter().any(|it| &*it.0 == "kubernetes.io/bootstrapping"));
}

#[tokio::test]
async fn a_fresh_cluster_lets_everybody_see_what_a_real_one_does() {
    let plane = fresh().await;
    let get = |who: &Identity, path| {
        let asked = Attributes { verb: "get", path, ..Attributes::default() };
        plane.rbac.authorize(who, &asked) == Decision::Allow
    };
    for path in ["/healthz", "/livez", "/readyz", "/version", "/version/"] {
        assert!(get(&Identity::anonymous(), path), "{path}");
    }
    for path in ["/api", "/apis", "/apis/apps", "/openapi/v3", "/openapi/v3/api/v1", "/api/v1"] {
        assert!(!get(&Identity::anonymous(), path), "{path}");
        assert!(get(&user("ann"), path), "{path}");
    }
    for path in ["/metrics", "/", "/healthz/etcd", "/openid/v1/jwks"] {
        assert!(!get(&Identity::anonymous(), path) && !get(&user("ann"), path), "{path}");
    }
    assert!(get(&Identity::service_account("a", "b"), "/openid/v1/jwks"));
    assert!(!plane.can(&user("ann"), "list", "pods", "default"));
    let asked = Attributes {
        verb: "create",
        group: "authorization.k8s.io",
        resource: "selfsubjectaccessreviews",
        is_resource: true,
        ..Attributes::default()
    };
    assert!(plane.rbac.authorize(&user("ann"), &asked).is_allowed());
    assert!(!plane.rbac.authorize(&Identity::anonymous(), &asked).is_allowed());
}

#[tokio::test]
async fn aggregated_roles_start_as_they_were_captured() {
    let plane = fresh().await;
    let bind = super::super::tests::binding("ClusterRole", "view", "ann");
    plane.put("rolebindings/one/b", bind).await;
    assert!(plane.can(&user("ann"), "list", "pods", "one"));
    assert!(!plane.can(&user("ann"), "list", "secrets", "one"), "view shows no secrets");
    assert!(!plane.can(&user("ann"), "delete", "pods", "one"));
}
