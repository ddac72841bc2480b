//! What every container is held to, whatever the workload asks for: Kubernetes' `restricted` profile and a bit more.

use serde_json::{Value, json};

/// The uid and gid our images run as.
pub(super) const USER: i64 = 65532;

/// Pod-level security.
pub(super) fn pod() -> Value {
    json!({
        "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
        "seccompProfile": { "type": "RuntimeDefault" },
    })
}

/// Container-level security.
pub(super) fn container() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "runAsNonRoot": true,
        "capabilities": { "drop": ["ALL"] },
    })
}
