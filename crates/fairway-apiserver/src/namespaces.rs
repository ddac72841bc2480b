//! The life of namespaces: the four every cluster has, and how one ends: first its contents, then it.

use std::sync::Arc;

use fairway_store::{CommitError, Expect, Key};
use serde_json::json;

use crate::background::Change;
use crate::pipeline::{self, Origin};
use crate::server::StartServer;
use crate::server::{Call, Shared};
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
        let origin = Origin { note: note(shared, "create", name) };
        match pipeline::commit_put(shared, key, Expect::Absent, &object, origin).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(StartServer::CreateNamespace { name, source: pipeline::refused(&error) }),
        }
    }
    Ok(())
}

/// 403 for the namespaces a cluster cannot be without.
pub(crate) fn check_deletable(call: &Call) -> Result<(), ApiError> {
    if &*call.served.storage == "core/namespaces" && KEPT.contains(&call.info.name.as_str()) {
        return Err(ApiError::forbidden("", "namespaces", &call.info.name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// Follows a commit.
pub(crate) fn changed(_: &Arc<Shared>, _: &Change) {}

/// What the journal is told of the server's own writes of namespaces.
fn note(shared: &Shared, verb: &str, name: &str) -> AuditNote {
    AuditNote {
        identity: Identity::service_account("kube-system", "namespace-controller"),
        verb: verb.into(),
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
        at: shared.world.clock.now(),
    }
}
