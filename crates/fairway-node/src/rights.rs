//! What the node may do in the API: these rights and no more.

use k8s_openapi::api::rbac::v1::PolicyRule;

/// Group, resources, verbs.
const RIGHTS: &[(&str, &[&str], &[&str])] = &[
    ("", &["nodes"], &["create", "get"]),
    ("", &["nodes/status"], &["patch"]),
    ("coordination.k8s.io", &["leases"], &["create", "patch"]),
    ("", &["namespaces"], &["create", "list", "watch"]),
    ("", &["pods"], &["delete", "list", "watch"]),
    ("", &["pods/status"], &["patch"]),
    ("", &["configmaps", "secrets"], &["get"]),
    ("", &["serviceaccounts/token"], &["create"]),
    ("", &["events"], &["create", "patch"]),
    // The network follows these.
    ("", &["services"], &["list", "watch"]),
    ("discovery.k8s.io", &["endpointslices"], &["list", "watch"]),
    ("networking.k8s.io", &["networkpolicies"], &["list", "watch"]),
];

/// The rules of a ClusterRole for the node's client.
pub fn rules() -> Vec<PolicyRule> {
    let words = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    RIGHTS
        .iter()
        .map(|(group, resources, verbs)| PolicyRule {
            api_groups: Some(words(&[group])),
            resources: Some(words(resources)),
            verbs: words(verbs),
            ..PolicyRule::default()
        })
        .collect()
}
