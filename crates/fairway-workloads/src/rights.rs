//! What each controller may do, for whoever sets up its account.

use fairway_controller::{MAKE, READ, Right, events, rule};

/// The rights of every controller here.
pub fn rights() -> Vec<Right> {
    [of_services(), of_runs(), of_the_cluster()].into_iter().flatten().collect()
}

/// Of those that keep Pods running.
fn of_services() -> Vec<Right> {
    vec![
        Right {
            name: "deployment-controller",
            rules: vec![
                rule("apps", &["deployments"], &["get", "list", "watch", "patch"]),
                // Whoever blocks the deletion of its owner must be able to finish it.
                rule("apps", &["deployments/finalizers", "deployments/status"], &["update", "patch"]),
                rule("apps", &["replicasets"], MAKE),
                events(),
            ],
        },
        Right {
            name: "replicaset-controller",
            rules: vec![
                rule("apps", &["replicasets"], READ),
                rule("apps", &["replicasets/finalizers", "replicasets/status"], &["update", "patch"]),
                rule("", &["pods"], MAKE),
                events(),
            ],
        },
        Right {
            name: "statefulset-controller",
            rules: vec![
                rule("apps", &["statefulsets"], READ),
                rule("apps", &["statefulsets/finalizers", "statefulsets/status"], &["update", "patch"]),
                // A claim may be owned by its Pod.
                rule("", &["pods/finalizers"], &["update"]),
                rule("apps", &["controllerrevisions"], MAKE),
                rule("", &["pods"], MAKE),
                rule("", &["persistentvolumeclaims"], &["list", "create", "patch"]),
                events(),
            ],
        },
    ]
}

/// Of those whose Pods end.
fn of_runs() -> Vec<Right> {
    vec![
        Right {
            name: "job-controller",
            rules: vec![
                rule("batch", &["jobs"], &["get", "list", "watch", "delete"]),
                rule("batch", &["jobs/finalizers", "jobs/status"], &["update", "patch"]),
                rule("", &["pods"], MAKE),
                events(),
            ],
        },
        Right {
            name: "cronjob-controller",
            rules: vec![
                rule("batch", &["cronjobs"], READ),
                rule("batch", &["cronjobs/finalizers", "cronjobs/status"], &["update", "patch"]),
                rule("batch", &["jobs"], &["get", "list", "watch", "create", "delete"]),
                events(),
            ],
        },
    ]
}

/// Of those that look after what Pods need.
fn of_the_cluster() -> Vec<Right> {
    vec![
        Right {
            name: "endpointslice-controller",
            rules: vec![
                rule("", &["services", "pods"], READ),
                rule("", &["services/finalizers"], &["update"]),
                rule("discovery.k8s.io", &["endpointslices"], MAKE),
                events(),
            ],
        },
        Right {
            name: "scheduler",
            rules: vec![rule("", &["pods", "nodes"], READ), rule("", &["pods/binding"], &["create"]), events()],
        },
        Right {
            name: "serviceaccount-controller",
            rules: vec![rule("", &["namespaces"], READ), rule("", &["serviceaccounts", "configmaps"], MAKE), events()],
        },
    ]
}
