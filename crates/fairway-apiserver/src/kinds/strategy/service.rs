//! Services keep the addresses they were given.

use serde_json::Value;

use super::{keep, set};
use crate::kinds::tree::{blank, child, items, items_mut};

/// An update that does not mention what the server allocated keeps it.
pub(super) fn update(new: &mut Value, old: &Value) {
    if new["spec"]["type"] == "ExternalName" {
        return;
    }
    let (spec, before) = (child(new, "spec"), &old["spec"]);
    if old["spec"]["type"] != "ExternalName" {
        if blank(&spec["clusterIP"]) && items(&spec["clusterIPs"]).is_empty() {
            keep(spec, before, &["clusterIP", "clusterIPs"]);
        } else if items(&spec["clusterIPs"]).is_empty() && spec["clusterIP"] == before["clusterIP"] {
            keep(spec, before, &["clusterIPs"]);
        }
        for field in ["ipFamilies", "ipFamilyPolicy"] {
            if spec[field].is_null() {
                keep(spec, before, &[field]);
            }
        }
    }
    node_ports(spec, before);
}

fn node_ports(spec: &mut Value, before: &Value) {
    if spec["type"] != "NodePort" && spec["type"] != "LoadBalancer" {
        return;
    }
    for port in items_mut(spec.get_mut("ports")) {
        let same = |it: &&Value| it["port"] == port["port"] && it["protocol"] == port["protocol"];
        if let Some(known) = items(&before["ports"]).iter().find(same)
            && port["nodePort"].is_null()
        {
            let number = known.get("nodePort").cloned();
            set(port, "nodePort", number);
        }
    }
}
