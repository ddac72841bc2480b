//! Who acts inside the platform: every controller under its own ServiceAccount, with the rights it asked for.

use std::sync::Arc;

use fairway_apiserver::{ApiService, Identity};
use fairway_controller::{MAKE, READ, rule};
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::Client;
use serde_json::{Value, json};

/// Where the accounts of the platform's own parts are.
pub(super) const NAMESPACE: &str = "fairway-system";
/// The agent's account.
pub(super) const AGENT: &str = "agent";
/// The node's account.
pub(super) const NODE: &str = "node";
/// The gateway's account.
pub(super) const GATEWAY: &str = "gateway";

/// Hands out clients that act as one account.
#[derive(Clone)]
pub(super) struct Accounts {
    service: ApiService,
}

impl Accounts {
    pub(super) fn new(service: ApiService) -> Self {
        Self { service }
    }

    /// A client of a part's own account.
    pub(super) fn client(&self, name: &str) -> Client {
        self.as_identity(Identity::service_account(NAMESPACE, name))
    }

    /// A client that may do everything: to set up what all others stand on, and for nothing else.
    pub(super) fn bootstrap(&self) -> Client {
        self.as_identity(Identity {
            user: "system:apiserver".to_owned(),
            groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
            ..Identity::default()
        })
    }

    /// For parts that make their clients themselves.
    pub(super) fn clients(&self) -> Arc<dyn Fn(&'static str) -> Client + Send + Sync> {
        let own = self.clone();
        Arc::new(move |name| own.client(name))
    }

    fn as_identity(&self, identity: Identity) -> Client {
        Client::new(self.service.clone().with_identity(identity), "default")
    }
}

/// The account, role and binding of every part.
pub(super) fn objects() -> Vec<Value> {
    let controllers = fairway_workloads::rights().into_iter().chain(fairway_controllers::rights());
    let controllers = controllers.map(|it| (it.name, it.rules));
    let gateway = serde_json::from_value(fairway_gateway::rules()).expect("the gateway's rules are rules");
    let own = [(AGENT, agent()), (NODE, fairway_node::rules()), (GATEWAY, gateway)];
    controllers.chain(own).flat_map(|(name, rules)| account(name, &rules)).collect()
}

fn account(name: &str, rules: &[PolicyRule]) -> [Value; 3] {
    let role = format!("fairway:{name}");
    let group = "rbac.authorization.k8s.io";
    [
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name, "namespace": NAMESPACE } }),
        json!({
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": { "name": role }, "rules": rules,
        }),
        json!({
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": { "name": role },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": role },
            "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": NAMESPACE }],
        }),
    ]
}

/// The kinds that bundles hold.
fn agent() -> Vec<PolicyRule> {
    vec![
        rule("", &["configmaps", "persistentvolumeclaims", "services", "serviceaccounts"], MAKE),
        rule("apps", &["deployments", "statefulsets"], MAKE),
        rule("batch", &["cronjobs", "jobs"], MAKE),
        rule("networking.k8s.io", &["networkpolicies"], MAKE),
        rule("gateway.networking.k8s.io", &["httproutes"], MAKE),
        rule("", &["pods", "events"], READ),
        // What a version that is given up printed last.
        rule("", &["pods/log"], &["get"]),
        rule("discovery.k8s.io", &["endpointslices"], READ),
    ]
}
