//! What the node may do in the API: these rights and no more.

use fairway_controller::{events, rule};
use k8s_openapi::api::rbac::v1::PolicyRule;

/// The rules of a ClusterRole for the node's client.
pub fn rules() -> Vec<PolicyRule> {
    let follow = &["list", "watch"];
    vec![
        rule("", &["nodes"], &["create", "get"]),
        rule("", &["nodes/status"], &["patch"]),
        rule("coordination.k8s.io", &["leases"], &["create", "patch"]),
        rule("", &["namespaces"], &["create", "list", "watch"]),
        rule("", &["pods"], &["delete", "list", "watch"]),
        rule("", &["pods/status"], &["patch"]),
        rule("", &["configmaps", "secrets"], &["get"]),
        rule("", &["serviceaccounts/token"], &["create"]),
        rule("", &["persistentvolumeclaims"], &["list", "patch", "watch"]),
        rule("", &["persistentvolumeclaims/status"], &["patch"]),
        events(),
        // The network follows these.
        rule("", &["services"], follow),
        rule("discovery.k8s.io", &["endpointslices"], follow),
        rule("networking.k8s.io", &["networkpolicies"], follow),
    ]
}
