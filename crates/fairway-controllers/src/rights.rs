//! What each controller may do: its own ServiceAccount, its own ClusterRole, nothing more.

use fairway_controller::{MAKE, READ, Right, events, rule};

use crate::{
    component, delivery, egress, environment, pipeline_run, project, release, resource, resource_class, team, template,
};

const OURS: &str = "fairway.dev";

#[expect(clippy::too_many_lines, reason = "a table: one entry a controller")]
/// The rights of every controller here.
pub fn rights() -> Vec<Right> {
    let bind = || rule("rbac.authorization.k8s.io", &["clusterroles"], &["bind"]);
    vec![
        Right {
            name: team::NAME,
            rules: vec![rule(OURS, &["teams"], READ), rule(OURS, &["teams/status"], &["patch"]), events()],
        },
        Right {
            name: project::NAME,
            rules: vec![
                rule(OURS, &["projects"], &["get", "list", "watch", "patch"]),
                rule(OURS, &["projects/status"], &["patch"]),
                rule(OURS, &["teams"], READ),
                rule(OURS, &["environments"], &["get", "list", "watch", "delete"]),
                rule("", &["namespaces"], MAKE),
                egress::right(),
                rule("rbac.authorization.k8s.io", &["rolebindings"], MAKE),
                bind(),
                events(),
            ],
        },
        Right {
            name: environment::NAME,
            rules: vec![
                rule(OURS, &["environments"], &["get", "list", "watch", "patch"]),
                rule(OURS, &["environments/status"], &["patch"]),
                rule(OURS, &["projects", "teams"], READ),
                rule("", &["namespaces"], MAKE),
                egress::right(),
                rule("rbac.authorization.k8s.io", &["rolebindings"], MAKE),
                rule("networking.k8s.io", &["networkpolicies"], MAKE),
                bind(),
                events(),
            ],
        },
        Right {
            name: template::NAME,
            rules: vec![
                rule(OURS, &["templates"], READ),
                rule(OURS, &["templates/status"], &["patch"]),
                rule(OURS, &["components"], READ),
                events(),
            ],
        },
        Right {
            name: component::NAME,
            rules: vec![
                rule(OURS, &["components"], &["get", "list", "watch", "patch"]),
                rule(OURS, &["components/status"], &["patch"]),
                rule(OURS, &["projects", "environments", "templates"], READ),
                rule(OURS, &["releases", "deliveries"], &["get", "list", "watch", "delete"]),
                rule(OURS, &["pipelineruns"], &["list", "create", "patch"]),
                events(),
            ],
        },
        Right {
            name: release::NAME,
            rules: vec![
                rule(OURS, &["releases"], READ),
                rule(OURS, &["releases/status", "components/status"], &["patch"]),
                rule(OURS, &["components"], READ),
                events(),
            ],
        },
        Right {
            name: delivery::NAME,
            rules: vec![
                rule(OURS, &["deliveries"], &["get", "list", "watch", "patch"]),
                rule(OURS, &["deliveries/status", "releases/status"], &["patch"]),
                rule(OURS, &["components", "environments", "releases", "projects"], READ),
                rule(OURS, &["resources"], &["get", "list", "watch", "create", "patch"]),
                rule("", &["namespaces"], READ),
                rule("apps", &["deployments"], READ),
                rule("", &["pods"], READ),
                events(),
            ],
        },
        Right {
            name: resource_class::NAME,
            rules: vec![
                rule(OURS, &["resourceclasses"], READ),
                rule(OURS, &["resourceclasses/status"], &["patch"]),
                events(),
            ],
        },
        Right {
            name: resource::NAME,
            rules: vec![
                rule(OURS, &["resources"], &["get", "list", "watch", "patch"]),
                rule(OURS, &["resources/status"], &["patch"]),
                rule(OURS, &["resourceclasses", "environments", "deliveries"], READ),
                rule("", &["namespaces"], READ),
                rule("", &["secrets"], &["get", "create", "patch"]),
                rule("", &["persistentvolumeclaims"], MAKE),
                rule("apps", &["statefulsets"], READ),
                rule("batch", &["jobs"], READ),
                events(),
            ],
        },
        Right {
            name: pipeline_run::NAME,
            rules: vec![
                rule(OURS, &["pipelineruns"], &["get", "list", "watch", "patch", "delete"]),
                rule(OURS, &["pipelineruns/status"], &["patch"]),
                rule(OURS, &["components", "environments"], READ),
                rule(OURS, &["releases"], &["get", "list", "watch", "create"]),
                rule(OURS, &["deliveries"], &["get", "create", "patch"]),
                rule("authorization.k8s.io", &["subjectaccessreviews"], &["create"]),
                rule("", &["pods"], MAKE),
                rule("", &["pods/log"], &["get"]),
                rule("", &["persistentvolumeclaims"], MAKE),
                rule("", &["configmaps"], &["get", "create", "patch"]),
                events(),
            ],
        },
    ]
}
