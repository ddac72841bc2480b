//! Services, endpoints, ingresses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{NONE, Row, UNSET, joined, pairs};
use crate::kinds::tree::{items, text};

pub(super) fn service(row: &Row<'_>) -> Vec<Value> {
    let kind = text(row.at("/spec/type"));
    vec![
        json!(kind),
        row.or("/spec/clusterIP", NONE),
        json!(external(row, kind)),
        ports(row),
        row.age(),
        json!(pairs(row.at("/spec/selector"))),
    ]
}

fn external(row: &Row<'_>, kind: &str) -> String {
    let given: Vec<&str> = row.items("/spec/externalIPs").iter().map(text).collect();
    match kind {
        "ExternalName" => text(row.at("/spec/externalName")).to_owned(),
        "LoadBalancer" => {
            let ingress = row.items("/status/loadBalancer/ingress").iter();
            let mut all: BTreeSet<&str> =
                ingress.map(|it| if it["ip"].is_string() { text(&it["ip"]) } else { text(&it["hostname"]) }).collect();
            all.extend(given);
            if all.is_empty() { "<pending>".to_owned() } else { all.into_iter().collect::<Vec<_>>().join(",") }
        }
        _ if given.is_empty() => NONE.to_owned(),
        _ => given.join(","),
    }
}

fn ports(row: &Row<'_>) -> Value {
    joined(row.items("/spec/ports").iter().map(|it| {
        let (port, protocol) = (it["port"].as_i64().unwrap_or(0), text(&it["protocol"]));
        match it["nodePort"].as_i64() {
            Some(node) if node > 0 => format!("{port}:{node}/{protocol}"),
            _ => format!("{port}/{protocol}"),
        }
    }))
}

const SHOWN: usize = 3;

/// The first few of a list, and how many more there are.
fn shortened(all: Vec<String>) -> String {
    match all.len() {
        0 => NONE.to_owned(),
        count if count > SHOWN => format!("{} + {} more...", all[..SHOWN].join(","), count - SHOWN),
        _ => all.join(","),
    }
}

pub(super) fn endpoints(row: &Row<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for subset in row.items("/subsets") {
        for address in items(&subset["addresses"]) {
            let ip = text(&address["ip"]);
            match items(&subset["ports"]) {
                [] => all.push(ip.to_owned()),
                ports => all.extend(ports.iter().map(|it| format!("{ip}:{}", it["port"]))),
            }
        }
    }
    vec![json!(shortened(all)), row.age()]
}

pub(super) fn endpoint_slice(row: &Row<'_>) -> Vec<Value> {
    let ports = row.items("/ports").iter().map(|it| it["port"].as_i64().map_or("*".to_owned(), |it| it.to_string()));
    let ports: Vec<String> = ports.collect();
    let ports = if ports.is_empty() { UNSET.to_owned() } else { shortened(ports) };
    let addresses = row.items("/endpoints").iter().flat_map(|it| items(&it["addresses"]));
    let addresses: Vec<String> = addresses.map(|it| text(it).to_owned()).collect();
    let addresses = if addresses.is_empty() { UNSET.to_owned() } else { shortened(addresses) };
    vec![row.or("/addressType", ""), json!(ports), json!(addresses), row.age()]
}

pub(super) fn ingress(row: &Row<'_>) -> Vec<Value> {
    let hosts: BTreeSet<&str> =
        row.items("/spec/rules").iter().map(|it| text(&it["host"])).filter(|it| !it.is_empty()).collect();
    let hosts: Vec<String> = hosts.into_iter().map(str::to_owned).collect();
    let hosts = if hosts.is_empty() { "*".to_owned() } else { shortened(hosts) };
    let addresses = row.items("/status/loadBalancer/ingress").iter();
    let addresses: Vec<&str> =
        addresses.map(|it| if it["ip"].is_string() { text(&it["ip"]) } else { text(&it["hostname"]) }).collect();
    let ports = if row.items("/spec/tls").is_empty() { "80" } else { "80, 443" };
    vec![row.or("/spec/ingressClassName", NONE), json!(hosts), json!(addresses.join(",")), json!(ports), row.age()]
}

pub(super) fn ingress_class(row: &Row<'_>) -> Vec<Value> {
    let parameters = row.at("/spec/parameters");
    let shown = if parameters.is_null() {
        NONE.to_owned()
    } else {
        let group = text(&parameters["apiGroup"]);
        let dot = if group.is_empty() { "" } else { "." };
        format!("{}{dot}{group}/{}", text(&parameters["kind"]), text(&parameters["name"]))
    };
    vec![row.or("/spec/controller", ""), json!(shown), row.age()]
}
