//! What a fresh platform has: the roles of people, and on a laptop a Team, a Project and two Environments to begin in.

use fairway_api::v1alpha1::{
    Environment, EnvironmentSpec, Members, Project, ProjectSpec, ResourceClass, Team, TeamSpec, Template, Tier,
};
use fairway_plan::{resource, template};
use serde_json::{Value, json};

/// The name of the Team and the Project that a laptop begins with.
pub const SANDBOX: &str = "sandbox";
/// The ClusterRole of a Project's Team in the Project's namespaces.
pub const DEVELOPER: &str = "fairway-developer";
/// The ClusterRole of a Project's Team in Environments that are not production: to look into what runs.
pub const INSIDER: &str = "fairway-insider";
/// The ClusterRole of everyone who has a Project, for what is not in a namespace.
pub const READER: &str = "fairway-reader";
/// The group of those who run the platform.
pub const ADMINISTRATORS: &str = "fairway:administrators";

/// Roles that every plane has.
pub fn roles() -> Vec<Value> {
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let read = ["get", "list", "watch"];
    let role = |name: &str, rules: Vec<Value>| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": { "name": name }, "rules": rules,
        })
    };
    let roles = vec![
        role(
            DEVELOPER,
            vec![
                rule(
                    "fairway.dev",
                    &["components", "releases", "deliveries", "resources", "pipelineruns"],
                    &["get", "list", "watch", "create", "update", "patch", "delete"],
                ),
                rule("fairway.dev", &["environments"], &read),
                rule("fairway.dev", &["deliveries/scale"], &["get", "update", "patch"]),
                // To fetch, and to push.
                rule("fairway.dev", &["repositories"], &["get", "update"]),
                rule(
                    "fairway.dev",
                    &["components/log", "pipelineruns/log", "ledgerevents", "images"],
                    &["get", "list", "create"],
                ),
                rule(
                    "",
                    &["pods", "pods/log", "services", "configmaps", "events", "endpoints", "serviceaccounts"],
                    &read,
                ),
                rule("apps", &["deployments", "replicasets", "statefulsets"], &read),
                rule("batch", &["jobs", "cronjobs"], &read),
                rule("", &["persistentvolumeclaims", "resourcequotas"], &read),
                rule("discovery.k8s.io", &["endpointslices"], &read),
                rule("networking.k8s.io", &["networkpolicies"], &read),
                rule("gateway.networking.k8s.io", &["httproutes"], &read),
            ],
        ),
        role(
            INSIDER,
            vec![
                rule("", &["pods/exec", "pods/portforward"], &["create"]),
                // What a workload is told; whoever is inside sees it anyway. Which there are is not listed.
                rule("", &["secrets"], &["get"]),
            ],
        ),
        role(
            READER,
            vec![
                rule("fairway.dev", &["teams", "projects", "templates", "resourceclasses"], &read),
                rule("", &["namespaces"], &read),
            ],
        ),
    ];
    roles.into_iter().chain(bindings()).collect()
}

/// Who has which of them everywhere.
fn bindings() -> [Value; 2] {
    [
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": "fairway-administrators" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": ADMINISTRATORS }],
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": READER },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": READER },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated" }],
        }),
    ]
}

/// The way to the hub's own routes, each of which asks for rights of its own. Git says who it is only when it is asked,
/// so nobody in particular gets as far as that question.
pub fn hub_roles() -> Vec<Value> {
    let api_group = "rbac.authorization.k8s.io";
    let group = |name: &str| json!({ "apiGroup": api_group, "kind": "Group", "name": name });
    let of = |name: &str, paths: &[&str], groups: Vec<Value>| {
        let api_version = format!("{api_group}/v1");
        let verbs = ["get", "head", "post", "put", "patch", "delete"];
        [
            json!({
                "apiVersion": api_version, "kind": "ClusterRole", "metadata": { "name": name },
                "rules": [{ "nonResourceURLs": paths, "verbs": verbs }],
            }),
            json!({
                "apiVersion": api_version, "kind": "ClusterRoleBinding", "metadata": { "name": name },
                "roleRef": { "apiGroup": api_group, "kind": "ClusterRole", "name": name },
                "subjects": groups,
            }),
        ]
    };
    let [known, unknown] = ["system:authenticated", "system:unauthenticated"].map(group);
    let hub = of("fairway-hub", &["/hub/v1/*", "/v2", "/v2/*"], vec![known.clone()]);
    let git = of("fairway-git", &["/git/*"], vec![known, unknown]);
    hub.into_iter().chain(git).collect()
}

/// The Templates that come with the platform.
pub fn templates() -> Vec<Template> {
    let folders = template::builtin_names().filter_map(template::builtin);
    folders.filter_map(|it| template::manifest(&it).0).collect()
}

/// The ResourceClasses that come with the platform.
pub fn resource_classes() -> Vec<ResourceClass> {
    resource::builtin()
}

/// The Team of a laptop, whose only member is its user.
pub fn sandbox_team(user: &str) -> Team {
    let members = Members { users: vec![user.to_owned()], groups: Vec::new() };
    let display_name = Some("Sandbox".to_owned());
    Team::new(SANDBOX, TeamSpec { display_name, members, ..TeamSpec::default() })
}

/// The Project of a laptop.
pub fn sandbox_project() -> Project {
    let description = Some("A place to try things out, made at the first start".to_owned());
    Project::new(SANDBOX, ProjectSpec { team_name: SANDBOX.to_owned(), description })
}

/// The Environments of a laptop: what is to reach production proves itself in staging.
pub fn sandbox_environments() -> Vec<Environment> {
    let environment = |name: &str, tier, from: Option<&str>| {
        let spec = EnvironmentSpec { tier, promotes_from: from.map(str::to_owned), ..EnvironmentSpec::default() };
        let mut it = Environment::new(name, spec);
        it.metadata.namespace = Some(SANDBOX.to_owned());
        it
    };
    vec![environment("staging", Tier::Staging, None), environment("production", Tier::Production, Some("staging"))]
}

#[cfg(test)]
mod tests;
