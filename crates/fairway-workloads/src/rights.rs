//! What each controller may do, for whoever sets up its account.

use k8s_openapi::api::rbac::v1::PolicyRule;

/// One controller's rights.
pub struct Right {
    /// The controller, as in [`crate::CONTROLLERS`].
    pub name: &'static str,
    /// What it may do.
    pub rules: Vec<PolicyRule>,
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}

/// The rights of every controller here.
pub fn rights() -> Vec<Right> {
    let read: &[&str] = &["get", "list", "watch"];
    let make: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];
    let events = || rule("", &["events"], &["create", "patch"]);
    vec![
        Right {
            name: "deployment-controller",
            rules: vec![
                rule("apps", &["deployments"], &["get", "list", "watch", "patch"]),
                // Whoever blocks the deletion of its owner must be able to finish it.
                rule("apps", &["deployments/finalizers", "deployments/status"], &["update", "patch"]),
                rule("apps", &["replicasets"], make),
                events(),
            ],
        },
        Right {
            name: "replicaset-controller",
            rules: vec![
                rule("apps", &["replicasets"], read),
                rule("apps", &["replicasets/finalizers", "replicasets/status"], &["update", "patch"]),
                rule("", &["pods"], make),
                events(),
            ],
        },
        Right {
            name: "endpointslice-controller",
            rules: vec![
                rule("", &["services", "pods"], read),
                rule("", &["services/finalizers"], &["update"]),
                rule("discovery.k8s.io", &["endpointslices"], make),
                events(),
            ],
        },
        Right {
            name: "scheduler",
            rules: vec![rule("", &["pods", "nodes"], read), rule("", &["pods/binding"], &["create"]), events()],
        },
        Right {
            name: "serviceaccount-controller",
            rules: vec![rule("", &["namespaces"], read), rule("", &["serviceaccounts", "configmaps"], make), events()],
        },
    ]
}
