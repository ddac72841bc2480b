//! EndpointSlices, NetworkPolicies and Ingresses.

use std::net::IpAddr;

use fairway_schema::{Cause, names};
use serde_json::{Value, json};

use super::names::{PROTOCOLS, address, label_selector, one_of, port, port_name, required, required_one_of, say};
use crate::kinds::tree::{items, text};

const MOST_ENDPOINTS: usize = 1000;
const MOST_ADDRESSES: usize = 100;

pub(super) fn endpoint_slice(object: &Value, causes: &mut Vec<Cause>) {
    required_one_of("addressType", &object["addressType"], &["FQDN", "IPv4", "IPv6"], causes);
    let family = text(&object["addressType"]);
    let endpoints = items(&object["endpoints"]);
    if endpoints.len() > MOST_ENDPOINTS {
        causes.push(Cause::too_many("endpoints", endpoints.len() as u64, MOST_ENDPOINTS as u64));
        return;
    }
    for (index, it) in endpoints.iter().enumerate() {
        let at = format!("endpoints[{index}].addresses");
        let addresses = items(&it["addresses"]);
        if addresses.is_empty() {
            causes.push(Cause::required(&at, "must contain at least 1 address"));
        } else if addresses.len() > MOST_ADDRESSES {
            causes.push(Cause::too_many(&at, addresses.len() as u64, MOST_ADDRESSES as u64));
        }
        for (index, it) in addresses.iter().enumerate() {
            endpoint_address(&format!("{at}[{index}]"), it, family, causes);
        }
    }
    for (index, it) in items(&object["ports"]).iter().enumerate() {
        let at = format!("ports[{index}]");
        if !text(&it["name"]).is_empty() {
            say(&format!("{at}.name"), &it["name"], names::dns_label(text(&it["name"])), causes);
        }
        one_of(&format!("{at}.protocol"), &it["protocol"], PROTOCOLS, causes);
    }
}

fn endpoint_address(at: &str, value: &Value, family: &str, causes: &mut Vec<Cause>) {
    if family == "FQDN" {
        say(at, value, names::dns_subdomain(text(value)), causes);
        return;
    }
    let Some(address) = address(at, value, causes) else { return };
    let right = if family == "IPv4" { address.is_ipv4() } else { address.is_ipv6() };
    if !right {
        causes.push(Cause::invalid(at, value, &format!("must be an {family} address")));
    }
    if address.is_loopback() {
        causes.push(Cause::invalid(at, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
    }
    if address.is_unspecified() {
        causes.push(Cause::invalid(at, value, "may not be unspecified (0.0.0.0 or ::)"));
    }
}

pub(super) fn network_policy(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    label_selector("spec.podSelector", &spec["podSelector"], causes);
    for (side, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in items(&spec[side]).iter().enumerate() {
            let at = format!("spec.{side}[{index}]");
            for (index, it) in items(&rule["ports"]).iter().enumerate() {
                policy_port(&format!("{at}.ports[{index}]"), it, causes);
            }
            for (index, it) in items(&rule[peers]).iter().enumerate() {
                peer(&format!("{at}.{peers}[{index}]"), it, causes);
            }
        }
    }
    for (index, it) in items(&spec["policyTypes"]).iter().enumerate() {
        one_of(&format!("spec.policyTypes[{index}]"), it, &["Egress", "Ingress"], causes);
    }
}

fn policy_port(at: &str, rule: &Value, causes: &mut Vec<Cause>) {
    if !rule["protocol"].is_null() {
        one_of(&format!("{at}.protocol"), &rule["protocol"], PROTOCOLS, causes);
    }
    let (from, to) = (&rule["port"], &rule["endPort"]);
    match from {
        Value::Null => {}
        Value::String(name) => say(&format!("{at}.port"), from, port_name(name), causes),
        _ => port(&format!("{at}.port"), from, causes),
    }
    if to.is_null() {
        return;
    }
    let detail = match (from.as_i64(), to.as_i64()) {
        (None, _) if from.is_string() => "may not be specified when `port` is non-numeric",
        (None, _) => "must also specify `port`",
        (Some(from), Some(to)) if to < from => "must be greater than or equal to `port`",
        _ => return,
    };
    causes.push(Cause::invalid(format!("{at}.endPort"), to, detail));
}

fn peer(at: &str, peer: &Value, causes: &mut Vec<Cause>) {
    let (pods, namespaces, block) = (peer.get("podSelector"), peer.get("namespaceSelector"), peer.get("ipBlock"));
    if let Some(it) = pods {
        label_selector(&format!("{at}.podSelector"), it, causes);
    }
    if let Some(it) = namespaces {
        label_selector(&format!("{at}.namespaceSelector"), it, causes);
    }
    if pods.is_none() && namespaces.is_none() && block.is_none() {
        causes.push(Cause::required(at, "must specify a peer"));
    }
    let Some(block) = block else { return };
    if pods.is_some() || namespaces.is_some() {
        causes.push(Cause::forbidden(at, "may not specify both ipBlock and another peer"));
    }
    let at = format!("{at}.ipBlock");
    let whole = range(&format!("{at}.cidr"), &block["cidr"], causes);
    for (index, it) in items(&block["except"]).iter().enumerate() {
        let at = format!("{at}.except[{index}]");
        let part = range(&at, it, causes);
        if let (Some(whole), Some(part)) = (whole, part)
            && !(part.1 > whole.1 && contains(whole, part.0))
        {
            let detail = format!("must be a strict subset of `cidr`: {}", text(&block["cidr"]));
            causes.push(Cause::invalid(at, it, &detail));
        }
    }
}

fn range(at: &str, value: &Value, causes: &mut Vec<Cause>) -> Option<(IpAddr, u32)> {
    let given = text(value);
    if given.is_empty() {
        causes.push(Cause::required(at, ""));
        return None;
    }
    let parsed = given.split_once('/').and_then(|(address, bits)| {
        let address: IpAddr = address.parse().ok()?;
        let bits: u32 = bits.parse().ok()?;
        (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, bits))
    });
    if parsed.is_none() {
        causes.push(Cause::invalid(at, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"));
    }
    parsed
}

fn contains((network, bits): (IpAddr, u32), address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(network) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(network) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

pub(super) fn ingress(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if items(&spec["rules"]).is_empty() && spec["defaultBackend"].is_null() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", &json!([]), detail));
    }
    if !spec["defaultBackend"].is_null() {
        backend("spec.defaultBackend", &spec["defaultBackend"], causes);
    }
    for (index, rule) in items(&spec["rules"]).iter().enumerate() {
        for (path_index, it) in items(&rule["http"]["paths"]).iter().enumerate() {
            let at = format!("spec.rules[{index}].http.paths[{path_index}]");
            let kinds = ["Exact", "ImplementationSpecific", "Prefix"];
            match text(&it["pathType"]) {
                "" => causes.push(Cause::required(format!("{at}.pathType"), "pathType must be specified")),
                "ImplementationSpecific" => {}
                known if kinds.contains(&known) => {
                    if !text(&it["path"]).starts_with('/') {
                        causes.push(Cause::invalid(format!("{at}.path"), &it["path"], "must be an absolute path"));
                    }
                }
                _ => causes.push(Cause::not_supported(format!("{at}.pathType"), &it["pathType"], &kinds)),
            }
            backend(&format!("{at}.backend"), &it["backend"], causes);
        }
    }
}

fn backend(at: &str, backend: &Value, causes: &mut Vec<Cause>) {
    match (backend.get("service"), backend.get("resource")) {
        (Some(service), None) => {
            required(&format!("{at}.service.name"), &service["name"], causes);
            if service["port"]["number"].is_null() && service["port"]["name"].is_null() {
                causes.push(Cause::required(at, "port name or number is required"));
            }
        }
        (None, Some(_)) => {}
        (Some(_), Some(_)) => {
            causes.push(Cause::invalid(at, &json!(""), "cannot set both resource and service backends"));
        }
        (None, None) => causes.push(Cause::required(at, "resource or service backend is required")),
    }
}
