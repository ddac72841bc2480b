use serde_json::json;

use super::super::tests::{Plane, binding, pods, user};
use super::*;

async fn plane_where_ann_gets_pods() -> Plane {
    let plane = Plane::new();
    plane.put("clusterroles/held", pods(&["get"])).await;
    plane.put("rolebindings/one/held", binding("ClusterRole", "held", "ann")).await;
    plane
}

fn write<'a>(storage: &'a str, namespace: &'a str, new: &'a Value, old: Option<&'a Value>) -> Write<'a> {
    Write { storage, namespace, name: "x", new, old }
}

#[tokio::test]
async fn a_role_may_hold_only_what_its_writer_holds() {
    let plane = plane_where_ann_gets_pods().await;
    let guard = |namespace, role: &Value| plane.rbac.guard(&user("ann"), &write(ROLES, namespace, role, None));
    assert_eq!(guard("one", &pods(&["get"])), Ok(()));
    for (namespace, role) in [
        ("one", pods(&["get", "list"])),
        ("one", pods(&["*"])),
        ("two", pods(&["get"])),
        ("one", json!({ "rules": [{ "apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get"] }] })),
        ("one", json!({ "rules": [{ "apiGroups": [""], "resources": ["*"], "verbs": ["get"] }] })),
        ("one", json!({ "rules": [{ "apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"] }] })),
    ] {
        assert_eq!(guard(namespace, &role).unwrap_err().code, 403, "{role}");
    }
    assert_eq!(guard("one", &json!({ "rules": "all" })).unwrap_err().code, 400);
}

#[tokio::test]
async fn the_refusal_lists_the_missing_rights_as_kubernetes_does() {
    let plane = plane_where_ann_gets_pods().await;
    let role = json!({ "rules": [
        { "apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"] },
        { "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] },
    ] });
    let error = plane.rbac.guard(&user("ann"), &write(ROLES, "one", &role, None)).unwrap_err();
    assert_eq!(
        error.message,
        "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"ann\" (groups=[\"system:authenticated\"]) is attempting \
         to grant RBAC permissions not currently held:\n\
         {APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}\n\
         {APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}"
    );
}

#[tokio::test]
async fn several_rules_together_may_cover_one() {
    let plane = plane_where_ann_gets_pods().await;
    plane.put("roles/one/more", pods(&["list"])).await;
    plane.put("rolebindings/one/more", binding("Role", "more", "ann")).await;
    assert_eq!(plane.rbac.guard(&user("ann"), &write(ROLES, "one", &pods(&["get", "list"]), None)), Ok(()));
}

#[tokio::test]
async fn escalate_and_bind_are_rights_of_their_own() {
    let plane = plane_where_ann_gets_pods().await;
    let strong = json!({ "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }] });
    plane.put("clusterroles/strong", strong.clone()).await;
    let bound = binding("ClusterRole", "strong", "ann");
    let guard = |storage, new: &Value| plane.rbac.guard(&user("ann"), &write(storage, "one", new, None));
    assert_eq!(guard(ROLES, &strong).unwrap_err().code, 403);
    assert_eq!(guard(ROLE_BINDINGS, &bound).unwrap_err().code, 403);
    let may = |verb: &str, resource: &str, names: Value| json!({ "rules": [{ "apiGroups": [GROUP], "resources": [resource], "verbs": [verb], "resourceNames": names }] });
    plane.put("roles/one/may", may("bind", "clusterroles", json!(["other"]))).await;
    plane.put("rolebindings/one/may", binding("Role", "may", "ann")).await;
    assert_eq!(guard(ROLE_BINDINGS, &bound).unwrap_err().code, 403, "bind of another role");
    plane.put("roles/one/may", may("bind", "clusterroles", json!(["strong"]))).await;
    assert_eq!(guard(ROLE_BINDINGS, &bound), Ok(()));
    assert_eq!(guard(ROLES, &strong).unwrap_err().code, 403);
    plane.put("roles/one/may", may("escalate", "roles", json!([]))).await;
    assert_eq!(guard(ROLES, &strong), Ok(()));
    assert_eq!(guard(ROLE_BINDINGS, &bound).unwrap_err().code, 403);
}

#[tokio::test]
async fn a_binding_needs_its_role_and_the_rights_in_it() {
    let plane = plane_where_ann_gets_pods().await;
    let guard = |new: &Value| plane.rbac.guard(&user("ann"), &write(ROLE_BINDINGS, "one", new, None));
    assert_eq!(guard(&binding("ClusterRole", "held", "bob")), Ok(()));
    let error = guard(&binding("Role", "nothere", "bob")).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (404, r#"roles.rbac.authorization.k8s.io "nothere" not found"#));
    let cluster = binding("ClusterRole", "held", "bob");
    let everywhere = plane.rbac.guard(&user("ann"), &write(CLUSTER_ROLE_BINDINGS, "", &cluster, None));
    assert_eq!(everywhere.unwrap_err().code, 403, "a right in one namespace is none in all");
}

#[tokio::test]
async fn the_role_of_a_binding_never_changes_even_for_masters() {
    let plane = Plane::new();
    let master = Identity { groups: vec!["system:masters".into()], ..user("root") };
    let (old, new) = (binding("ClusterRole", "a", "ann"), binding("ClusterRole", "b", "ann"));
    let error = plane.rbac.guard(&master, &write(ROLE_BINDINGS, "one", &new, Some(&old))).unwrap_err();
    assert_eq!(error.code, 422);
    assert_eq!(
        error.message,
        "RoleBinding.rbac.authorization.k8s.io \"x\" is invalid: roleRef: Invalid value: \
         {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"ClusterRole\",\"Name\":\"b\"}: cannot change roleRef"
    );
}

#[tokio::test]
async fn updates_for_garbage_collection_need_no_rights() {
    let plane = Plane::new();
    let old = pods(&["*"]);
    let update =
        |new: &Value| plane.rbac.guard(&user("ann"), &write(ROLES, "one", new, Some(&old))).map_err(|it| it.code);
    let mut new = old.clone();
    new["metadata"]["finalizers"] = json!(["a/b"]);
    new["metadata"]["ownerReferences"] = json!([]);
    new["metadata"]["managedFields"] = json!([]);
    assert_eq!(update(&new), Ok(()));
    new["rules"][0]["verbs"] = json!(["get"]);
    assert_eq!(update(&new), Err(403));
}

#[tokio::test]
async fn a_label_is_no_way_to_slip_a_strong_role_into_an_aggregated_one() {
    let plane = plane_where_ann_gets_pods().await;
    let mut new =
        json!({ "metadata": { "name": "x" }, "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }] });
    let old = new.clone();
    new["metadata"]["labels"] = json!({ "rbac.authorization.k8s.io/aggregate-to-view": "true" });
    let refused = plane.rbac.guard(&user("ann"), &write(CLUSTER_ROLES, "", &new, Some(&old))).unwrap_err();
    assert_eq!(refused.code, 403);
}

#[tokio::test]
async fn only_who_may_do_everything_may_aggregate() {
    let plane = Plane::new();
    plane
        .put("clusterroles/most", json!({ "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }] }))
        .await;
    plane.put("clusterrolebindings/most", binding("ClusterRole", "most", "ann")).await;
    let role = json!({ "rules": [], "aggregationRule": { "clusterRoleSelectors": [{ "matchLabels": { "a": "b" } }] } });
    // The star on clusterroles gives `escalate` too, so the test takes it from somebody who has all but that.
    let all_but = json!({ "rules": [{ "apiGroups": [""], "resources": ["*"], "verbs": ["*"] }] });
    plane.put("clusterroles/most", all_but).await;
    let error = plane.rbac.guard(&user("ann"), &write(CLUSTER_ROLES, "", &role, None)).unwrap_err();
    assert!(error.message.ends_with("must have cluster-admin privileges to use the aggregationRule"), "{error}");
}

#[tokio::test]
async fn a_role_too_big_to_check_is_refused_at_once() {
    let plane = plane_where_ann_gets_pods().await;
    let many = |count| (0..count).map(|it| format!("r{it}")).collect::<Vec<_>>();
    let wide = many(2_000);
    let rule = json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] });
    for role in [
        json!({ "rules": [{ "apiGroups": wide, "resources": wide, "verbs": wide, "resourceNames": wide }] }),
        json!({ "rules": [{ "apiGroups": [""], "resources": many(30_000), "verbs": ["get"] }] }),
        json!({ "rules": vec![rule; 10_000] }),
    ] {
        let error = plane.rbac.guard(&user("ann"), &write(ROLES, "one", &role, None)).unwrap_err();
        assert_eq!(error.code, 403);
        assert!(error.message.contains("too many combinations"), "{}", &error.message[..200]);
    }
}

#[tokio::test]
async fn writes_of_other_kinds_are_not_looked_at() {
    let plane = Plane::new();
    let object = json!({ "rules": [{ "verbs": ["*"] }], "roleRef": {} });
    assert_eq!(plane.rbac.guard(&Identity::anonymous(), &write("core/pods", "one", &object, None)), Ok(()));
}
