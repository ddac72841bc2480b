//! What has to be in the cluster before a gateway can read it.

use serde_json::{Value, json};

use crate::gateway::Named;

/// The CustomResourceDefinitions of `HTTPRoute` and `Gateway`, as YAML: our part of the Gateway API. Not needed where the
/// API's own are installed.
pub const DEFINITIONS: [&str; 2] = [include_str!("../crds/httproutes.yaml"), include_str!("../crds/gateways.yaml")];

/// The rules of a ClusterRole for the identity that the gateway's client acts as.
pub fn rules() -> Value {
    let read = ["get", "list", "watch"];
    json!([
        { "apiGroups": ["gateway.networking.k8s.io"], "resources": ["gateways", "httproutes"], "verbs": read },
        { "apiGroups": ["gateway.networking.k8s.io"], "resources": ["httproutes/status"], "verbs": ["get", "patch"] },
        { "apiGroups": [""], "resources": ["services", "namespaces"], "verbs": read },
        { "apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read },
    ])
}

/// A `Gateway` object with one HTTP listener, open to the routes of every namespace.
pub fn open_gateway(name: &Named, class: &str, port: u16) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": { "namespace": name.namespace, "name": name.name },
        "spec": {
            "gatewayClassName": class,
            "listeners": [{
                "name": "http",
                "port": port,
                "protocol": "HTTP",
                "allowedRoutes": { "namespaces": { "from": "All" } },
            }],
        },
    })
}

#[cfg(test)]
mod tests;
