//! Namespaces: the four every cluster has, and what each is born with.

use std::sync::Arc;

use fairway_store::{CommitError, Expect, Key};
use serde_json::{Value, json};

use crate::background::Change;
use crate::object::Meta;
use crate::pipeline::{self, Kept, Origin};
use crate::server::{Call, Shared, StartServer};
use crate::{ApiError, AuditNote, Identity};

/// The namespaces that are there from the start.
const FIRST: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
/// And those of them that cannot be deleted.
const KEPT: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Makes the first namespaces where they are missing.
pub(crate) async fn bootstrap(shared: &Arc<Shared>) -> Result<(), StartServer> {
    for name in FIRST {
        let key = Key::new("core/namespaces", "", name);
        if shared.store.get(&key).is_some() {
            continue;
        }
        let object = json!({
            "metadata": {
                "name": name,
                "uid": shared.world.entropy.uuid(),
                "creationTimestamp": pipeline::now_text(shared.world.clock.now()),
                "labels": { "kubernetes.io/metadata.name": name },
            },
            "spec": { "finalizers": ["kubernetes"] },
            "status": { "phase": "Active" },
        });
        let mut puts = vec![(key, Expect::Absent, Kept::plain(&object))];
        puts.extend(born_with(shared, name));
        match pipeline::commit_puts(shared, puts, Origin { note: note(shared, name) }).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(StartServer::CreateNamespace { name, source: pipeline::refused(&error) }),
        }
    }
    Ok(())
}

/// What every namespace holds from its first moment: the account that pods run as.
pub(crate) fn born_with(shared: &Shared, namespace: &str) -> Option<(Key, Expect, Kept)> {
    let key = Key::new("core/serviceaccounts", namespace, "default");
    // An account that is there already is as good.
    shared.store.get(&key).is_none().then(|| (key, Expect::Any, Kept::plain(&default_account(shared, namespace))))
}

/// The account that pods run as comes back when it is deleted.
pub(crate) async fn restore_account(shared: &Arc<Shared>, change: &Change) {
    let Change::Deleted { key, .. } = change else { return };
    if &*key.resource != "core/serviceaccounts" || &*key.name != "default" {
        return;
    }
    // Not while its namespace ends.
    let _gate = shared.namespace_gate.read().await;
    let namespace = shared.store.get(&Key::new("core/namespaces", "", Arc::clone(&key.namespace)));
    if namespace.is_none_or(|it| Meta::of(&it.value).is_deleting()) {
        return;
    }
    let kept = Kept::plain(&default_account(shared, &key.namespace));
    let mut note = note(shared, "default");
    (note.resource, note.kind, note.namespace) =
        ("serviceaccounts".into(), "ServiceAccount".into(), key.namespace.clone());
    // If somebody else makes it meanwhile, all is well.
    let _ = pipeline::commit_puts(shared, vec![(key.clone(), Expect::Absent, kept)], Origin { note }).await;
}

fn default_account(shared: &Shared, namespace: &str) -> Value {
    json!({
        "metadata": {
            "name": "default",
            "namespace": namespace,
            "uid": shared.world.entropy.uuid(),
            "creationTimestamp": pipeline::now_text(shared.world.clock.now()),
        },
    })
}

/// 403 for the namespaces a cluster cannot be without.
pub(crate) fn check_deletable(call: &Call) -> Result<(), ApiError> {
    if &*call.served.storage == "core/namespaces" && KEPT.contains(&call.info.name.as_str()) {
        return Err(ApiError::forbidden("", "namespaces", &call.info.name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// What the journal is told of the first namespaces.
fn note(shared: &Shared, name: &str) -> AuditNote {
    AuditNote {
        identity: Identity::service_account("kube-system", "namespace-controller"),
        verb: "create".into(),
        group: "".into(),
        version: "v1".into(),
        resource: "namespaces".into(),
        subresource: "".into(),
        kind: "Namespace".into(),
        namespace: "".into(),
        name: name.into(),
        user_agent: "".into(),
        field_manager: "".into(),
        in_process: true,
        refused: None,
        entered: None,
        at: shared.world.clock.now(),
    }
}
