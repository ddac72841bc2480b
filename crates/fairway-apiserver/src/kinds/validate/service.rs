//! Services.

use std::collections::BTreeSet;

use fairway_schema::{Cause, names};
use serde_json::Value;

use super::names::{PROTOCOLS, address, labels, one_of, port, port_number, required_one_of, say};
use crate::kinds::tree::{items, text};

pub(super) fn service(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let kind = text(&spec["type"]);
    let headless = spec["clusterIP"] == "None";
    if items(&spec["ports"]).is_empty() && !headless && kind != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    if kind == "LoadBalancer" && headless {
        let detail = "may not be set to 'None' for LoadBalancer services";
        causes.push(Cause::invalid("spec.clusterIPs[0]", &spec["clusterIP"], detail));
    }
    if kind == "ExternalName" {
        external(spec, causes);
    }
    ports(spec, causes);
    labels("spec.selector", &spec["selector"], causes);
    required_one_of("spec.sessionAffinity", &spec["sessionAffinity"], &["ClientIP", "None"], causes);
    addresses(spec, causes);
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    required_one_of("spec.type", &spec["type"], &kinds, causes);
    if !spec["internalTrafficPolicy"].is_null() {
        one_of("spec.internalTrafficPolicy", &spec["internalTrafficPolicy"], &["Cluster", "Local"], causes);
    }
    if !spec["externalTrafficPolicy"].is_null() {
        if kind == "ClusterIP" || kind == "ExternalName" {
            let detail = "may only be set for externally-accessible services";
            let at = "spec.externalTrafficPolicy";
            causes.push(Cause::invalid(at, &spec["externalTrafficPolicy"], detail));
        } else {
            one_of("spec.externalTrafficPolicy", &spec["externalTrafficPolicy"], &["Cluster", "Local"], causes);
        }
    }
}

fn external(spec: &Value, causes: &mut Vec<Cause>) {
    if !text(&spec["clusterIP"]).is_empty() {
        let detail = "may not be set for ExternalName services";
        causes.push(Cause::forbidden("spec.clusterIPs[0]", detail));
    }
    let name = text(&spec["externalName"]);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        causes.push(Cause::required("spec.externalName", ""));
    } else {
        say("spec.externalName", &spec["externalName"], names::dns_subdomain(name), causes);
    }
}

fn ports(spec: &Value, causes: &mut Vec<Cause>) {
    let list = items(&spec["ports"]);
    let (mut taken, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    for (index, it) in list.iter().enumerate() {
        let at = format!("spec.ports[{index}]");
        match text(&it["name"]) {
            "" if list.len() > 1 => causes.push(Cause::required(format!("{at}.name"), "")),
            "" => {}
            name => {
                say(&format!("{at}.name"), &it["name"], names::dns_label(name), causes);
                if !taken.insert(name) {
                    causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
                }
            }
        }
        port_number(&format!("{at}.port"), &it["port"], causes);
        required_one_of(&format!("{at}.protocol"), &it["protocol"], PROTOCOLS, causes);
        port(&format!("{at}.targetPort"), &it["targetPort"], causes);
        if it["nodePort"].as_i64().is_some_and(|it| it != 0) && spec["type"] == "ClusterIP" {
            let detail = "may not be used when `type` is 'ClusterIP'";
            causes.push(Cause::forbidden(format!("{at}.nodePort"), detail));
        }
        if !pairs.insert((text(&it["protocol"]), it["port"].as_i64())) {
            causes.push(Cause::duplicate(at, it));
        }
    }
}

fn addresses(spec: &Value, causes: &mut Vec<Cause>) {
    let list = items(&spec["clusterIPs"]);
    if let (Some(first), false) = (list.first(), spec["clusterIP"].is_null())
        && *first != spec["clusterIP"]
    {
        causes.push(Cause::invalid("spec.clusterIPs", &spec["clusterIPs"], "first value must match `clusterIP`"));
    }
    let single = [spec["clusterIP"].clone()];
    let all = if list.is_empty() { &single[..] } else { list };
    for (index, it) in all.iter().enumerate() {
        if matches!(text(it), "" | "None") {
            continue;
        }
        address(&format!("spec.clusterIPs[{index}]"), it, causes);
    }
}

/// The address of a Service stays while it is one with an address.
pub(super) fn update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let external = |it: &Value| it["spec"]["type"] == "ExternalName";
    if external(new) || external(old) {
        return;
    }
    let (after, before) = (&new["spec"]["clusterIP"], &old["spec"]["clusterIP"]);
    if !text(before).is_empty() && after != before {
        causes.push(Cause::invalid("spec.clusterIPs[0]", after, "may not change once set"));
    }
}
