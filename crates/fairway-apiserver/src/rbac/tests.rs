use fairway_store::{Action, Batch, Expect, Key, NoJournal, Op, Options};
use serde_json::json;

use super::*;

/// A store in a folder of its own, and the authorizer over it.
pub(super) struct Plane {
    pub(super) rbac: Rbac,
    pub(super) store: Store,
    _folder: tempfile::TempDir,
}

impl Plane {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Options::new(folder.path().join("store.db")), Box::new(NoJournal)).unwrap();
        Self { rbac: Rbac::new(store.clone()), store, _folder: folder }
    }

    /// Writes an object; `at` is `roles/ns/name` or `clusterroles/name`.
    pub(super) async fn put(&self, at: &str, body: Value) {
        let labels = body["metadata"]["labels"].as_object().cloned().unwrap_or_default();
        let labels = labels.iter().map(|(k, v)| (k.as_str().into(), v.as_str().unwrap().into())).collect();
        let action = Action::Put { value: body.to_string().into(), labels };
        self.commit(at, action).await;
    }

    pub(super) async fn delete(&self, at: &str) {
        self.commit(at, Action::Delete).await;
    }

    async fn commit(&self, at: &str, action: Action) {
        let op = Op { key: key(at), expect: Expect::Any, action };
        self.store.commit(Batch { ops: vec![op], note: None }).await.unwrap();
    }

    pub(super) fn can(&self, who: &Identity, verb: &str, resource: &str, namespace: &str) -> bool {
        let asked = Attributes { verb, resource, namespace, is_resource: true, ..Attributes::default() };
        self.rbac.authorize(who, &asked).is_allowed()
    }
}

pub(super) fn key(at: &str) -> Key {
    let parts: Vec<&str> = at.split('/').collect();
    let resource = format!("{GROUP}/{}", parts[0]);
    match parts.as_slice() {
        [_, namespace, name] => Key::new(resource, *namespace, *name),
        [_, name] => Key::new(resource, "", *name),
        _ => panic!("{at} is not a place"),
    }
}

pub(super) fn user(name: &str) -> Identity {
    Identity { user: name.into(), groups: vec!["system:authenticated".into()], ..Identity::default() }
}

pub(super) fn binding(kind: &str, role: &str, user: &str) -> Value {
    json!({
        "metadata": { "name": "b" },
        "roleRef": { "apiGroup": GROUP, "kind": kind, "name": role },
        "subjects": [{ "kind": "User", "apiGroup": GROUP, "name": user }],
    })
}

pub(super) fn pods(verbs: &[&str]) -> Value {
    json!({ "metadata": { "name": "r" }, "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": verbs }] })
}

#[tokio::test]
async fn a_grant_counts_from_its_acknowledgement_and_so_does_its_withdrawal() {
    let plane = Plane::new();
    let ann = user("ann");
    assert!(!plane.can(&ann, "get", "pods", "one"));
    for round in 0..3 {
        plane.put("rolebindings/one/b", binding("Role", "r", "ann")).await;
        assert!(!plane.can(&ann, "get", "pods", "one"), "the role is missing in round {round}");
        plane.put("roles/one/r", pods(&["get"])).await;
        assert!(plane.can(&ann, "get", "pods", "one"));
        assert!(!plane.can(&ann, "get", "pods", "two"), "a role binding counts in its namespace");
        assert!(!plane.can(&ann, "get", "pods", ""));
        plane.put("roles/one/r", pods(&["list"])).await;
        assert!(!plane.can(&ann, "get", "pods", "one"));
        plane.delete("rolebindings/one/b").await;
        assert!(!plane.can(&ann, "list", "pods", "one"));
        plane.delete("roles/one/r").await;
    }
}

#[tokio::test]
async fn rights_outlive_more_changes_than_history_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { history_revisions: 4, ..Options::new(folder.path().join("store.db")) };
    let store = Store::open(options, Box::new(NoJournal)).unwrap();
    let plane = Plane { rbac: Rbac::new(store.clone()), store, _folder: folder };
    plane.put("roles/one/r", pods(&["get"])).await;
    plane.put("rolebindings/one/b", binding("Role", "r", "ann")).await;
    assert!(plane.can(&user("ann"), "get", "pods", "one"));
    plane.delete("rolebindings/one/b").await;
    for round in 0..40 {
        plane.put(&format!("roles/one/other-{round}"), pods(&["get"])).await;
    }
    assert!(!plane.can(&user("ann"), "get", "pods", "one"), "the index was rebuilt, not left as it was");
    plane.put("rolebindings/one/b", binding("Role", "other-39", "ann")).await;
    assert!(plane.can(&user("ann"), "get", "pods", "one"));
}

#[tokio::test]
async fn masters_may_do_everything_on_an_empty_store() {
    let plane = Plane::new();
    let master = Identity { groups: vec![MASTERS.into()], ..user("root") };
    assert!(plane.can(&master, "delete", "namespaces", ""));
    assert!(!plane.can(&user("system:masters"), "delete", "namespaces", ""), "the group, not a user of that name");
}

#[tokio::test]
async fn a_refusal_names_the_roles_that_bindings_miss() {
    let plane = Plane::new();
    plane.put("clusterrolebindings/b", binding("ClusterRole", "gone", "ann")).await;
    let asked =
        Attributes { verb: "list", resource: "pods", namespace: "n", is_resource: true, ..Attributes::default() };
    let Decision::Deny { why } = plane.rbac.authorize(&user("ann"), &asked) else { panic!("allowed") };
    assert_eq!(why, r#"RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#);
    plane.put("rolebindings/n/b", binding("Role", "lost", "ann")).await;
    let Decision::Deny { why } = plane.rbac.authorize(&user("ann"), &asked) else { panic!("allowed") };
    assert_eq!(
        why,
        r#"RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "lost" not found]"#
    );
}

#[tokio::test]
async fn a_grant_says_by_which_binding_it_is_held() {
    let plane = Plane::new();
    plane.put("roles/one/r", pods(&["get"])).await;
    plane.put("rolebindings/one/b", binding("Role", "r", "ann")).await;
    let asked =
        Attributes { verb: "get", resource: "pods", namespace: "one", is_resource: true, ..Attributes::default() };
    assert_eq!(
        plane.rbac.grant(&user("ann"), &asked).unwrap(),
        r#"RBAC: allowed by RoleBinding "b/one" of Role "r" to User "ann""#
    );
}

#[tokio::test]
async fn a_closed_store_gives_nobody_rights() {
    let plane = Plane::new();
    plane.put("clusterroles/r", pods(&["get"])).await;
    plane.put("clusterrolebindings/b", binding("ClusterRole", "r", "ann")).await;
    let late = Rbac::new(plane.store.clone());
    plane.store.clone().close().await;
    let asked = Attributes { verb: "get", resource: "pods", is_resource: true, ..Attributes::default() };
    assert!(!late.authorize(&user("ann"), &asked).is_allowed());
}

/// Decisions are made on threads of requests, while others write and history is short: none may wait for another for
/// ever, and none may be made without the rights that stand all the while.
#[test]
fn many_decide_while_roles_change_and_history_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { history_revisions: 4, ..Options::new(folder.path().join("store.db")) };
    let store = Store::open(options, Box::new(NoJournal)).unwrap();
    let plane = Plane { rbac: Rbac::new(store.clone()), store, _folder: folder };
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime().block_on(async {
        plane.put("roles/one/r", pods(&["get"])).await;
        plane.put("rolebindings/one/b", binding("Role", "r", "ann")).await;
    });
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let ann = user("ann");
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert!(plane.can(&ann, "get", "pods", "one"));
                    assert!(plane.rbac.rules(&ann, "one").is_some());
                    plane.rbac.role_rules("one", &json!({ "kind": "Role", "name": "r" })).unwrap();
                }
            });
        }
        let written = scope.spawn(|| {
            runtime().block_on(async {
                for round in 0..300 {
                    plane.put(&format!("roles/two/r-{}", round % 7), pods(&["list"])).await;
                }
            });
        });
        let written = written.join();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        written.unwrap();
    });
}
