//! Services. Addresses are allocated when the object is created; see [`crate::kinds::allocate_cluster_ip`].

use serde_json::{Value, json};

use crate::kinds::tree::{blank, child, entries, fill, items_mut, text};

pub(super) fn service(object: &mut Value) {
    let spec = child(object, "spec");
    fill(spec, "sessionAffinity", "None");
    fill(spec, "type", "ClusterIP");
    if spec["sessionAffinity"] == "ClientIP" {
        fill(child(child(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", 10_800);
    }
    for port in items_mut(spec.get_mut("ports")) {
        fill(port, "protocol", "TCP");
        if port["targetPort"].is_null() || port["targetPort"] == 0 || port["targetPort"] == "" {
            let same = port["port"].clone();
            port["targetPort"] = same;
        }
    }
    let kind = text(&spec["type"]).to_owned();
    if kind == "NodePort" || kind == "LoadBalancer" {
        fill(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", true);
    }
    if kind != "ExternalName" {
        fill(spec, "internalTrafficPolicy", "Cluster");
        families(spec);
    }
}

/// One address family: ours is IPv4. A Service without selector and address may have endpoints of both.
fn families(spec: &mut Value) {
    let headless = spec["clusterIP"] == "None" || spec["clusterIPs"][0] == "None";
    if headless && entries(&spec["selector"]).next().is_none() && spec["ipFamilyPolicy"].is_null() {
        fill(spec, "ipFamilies", json!(["IPv4", "IPv6"]));
        spec["ipFamilyPolicy"] = json!("RequireDualStack");
    }
    fill(spec, "ipFamilies", json!(["IPv4"]));
    fill(spec, "ipFamilyPolicy", "SingleStack");
    if !blank(&spec["clusterIP"]) {
        let only = json!([spec["clusterIP"]]);
        fill(spec, "clusterIPs", only);
    }
}
