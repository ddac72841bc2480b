//! The containers of a pod.

use std::collections::BTreeSet;

use fairway_schema::quantity::Quantity;
use fairway_schema::{Cause, names};
use serde_json::{Value, json};

use super::names::{
    PROTOCOLS, not_negative, one_of, port, port_name, port_number, required, required_name, required_one_of, say,
};
use super::{pod, volumes};
use crate::kinds::tree::{entries, items, text};

/// Containers and init containers; both share one space of names.
pub(super) fn all(spec: &Value, at: &str, volumes: &BTreeSet<&str>, causes: &mut Vec<Cause>) {
    let mut taken = BTreeSet::new();
    if items(&spec["containers"]).is_empty() {
        causes.push(Cause::required(format!("{at}.containers"), ""));
    }
    for list in ["containers", "initContainers"] {
        for (index, it) in items(&spec[list]).iter().enumerate() {
            let at = format!("{at}.{list}[{index}]");
            container(it, &at, volumes, causes);
            let name = text(&it["name"]);
            if !name.is_empty() && !taken.insert(name) {
                causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
            }
            let restarts = list == "containers" || it["restartPolicy"] == "Always";
            handlers(it, &at, restarts, causes);
        }
    }
}

fn container(container: &Value, at: &str, known: &BTreeSet<&str>, causes: &mut Vec<Cause>) {
    required_name(&format!("{at}.name"), &container["name"], names::dns_label, "", causes);
    image(&container["image"], &format!("{at}.image"), causes);
    let policies = ["FallbackToLogsOnError", "File"];
    required_one_of(
        &format!("{at}.terminationMessagePolicy"),
        &container["terminationMessagePolicy"],
        &policies,
        causes,
    );
    ports(container, at, causes);
    for (index, it) in items(&container["env"]).iter().enumerate() {
        variable(it, &format!("{at}.env[{index}]"), causes);
    }
    for (index, it) in items(&container["envFrom"]).iter().enumerate() {
        variables_from(it, &format!("{at}.envFrom[{index}]"), causes);
    }
    volumes::mounts(container, at, known, causes);
    let policies = ["Always", "IfNotPresent", "Never"];
    required_one_of(&format!("{at}.imagePullPolicy"), &container["imagePullPolicy"], &policies, causes);
    resources(&container["resources"], &format!("{at}.resources"), causes);
    pod::security(&container["securityContext"], &format!("{at}.securityContext"), causes);
}

fn image(image: &Value, at: &str, causes: &mut Vec<Cause>) {
    let given = text(image);
    if given.is_empty() {
        causes.push(Cause::required(at, ""));
    } else if given.trim() != given {
        causes.push(Cause::invalid(at, image, "must not have leading or trailing whitespace"));
    }
}

fn ports(container: &Value, at: &str, causes: &mut Vec<Cause>) {
    let mut taken = BTreeSet::new();
    for (index, it) in items(&container["ports"]).iter().enumerate() {
        let at = format!("{at}.ports[{index}]");
        let name = text(&it["name"]);
        if !name.is_empty() {
            let wrong = port_name(name);
            if wrong.is_empty() && !taken.insert(name) {
                causes.push(Cause::duplicate(format!("{at}.name"), &it["name"]));
            }
            say(&format!("{at}.name"), &it["name"], wrong, causes);
        }
        match it["containerPort"].as_i64() {
            None | Some(0) => causes.push(Cause::required(format!("{at}.containerPort"), "")),
            Some(_) => port_number(&format!("{at}.containerPort"), &it["containerPort"], causes),
        }
        if it["hostPort"].as_i64().is_some_and(|it| it != 0) {
            port_number(&format!("{at}.hostPort"), &it["hostPort"], causes);
        }
        required_one_of(&format!("{at}.protocol"), &it["protocol"], PROTOCOLS, causes);
    }
}

/// The names of environment variables: printable, and no `=`.
fn variable_name(name: &str) -> Vec<String> {
    if name.bytes().all(|it| (0x20..0x7f).contains(&it) && it != b'=') {
        return Vec::new();
    }
    let detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    vec![detail.to_owned()]
}

const SOURCES: [&str; 4] = ["configMapKeyRef", "fieldRef", "resourceFieldRef", "secretKeyRef"];

fn variable(variable: &Value, at: &str, causes: &mut Vec<Cause>) {
    required_name(&format!("{at}.name"), &variable["name"], variable_name, "", causes);
    let Some(from) = variable.get("valueFrom") else { return };
    let at = format!("{at}.valueFrom");
    let given = SOURCES.iter().filter(|it| from.get(**it).is_some()).count();
    let empty = json!("");
    if given == 0 {
        let detail = "must specify one of: `configMapKeyRef`, `fieldRef`, `resourceFieldRef` or `secretKeyRef`";
        causes.push(Cause::invalid(&at, &empty, detail));
    } else if given > 1 {
        causes.push(Cause::invalid(&at, &empty, "may not have more than one field specified at a time"));
    }
    if !text(&variable["value"]).is_empty() {
        causes.push(Cause::invalid(&at, &empty, "may not be specified when `value` is not empty"));
    }
    for source in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(it) = from.get(source) {
            required(&format!("{at}.{source}.name"), &it["name"], causes);
            required_name(&format!("{at}.{source}.key"), &it["key"], names::config_map_key, "", causes);
        }
    }
    if let Some(it) = from.get("fieldRef") {
        field(it, &format!("{at}.fieldRef"), causes);
    }
    if let Some(it) = from.get("resourceFieldRef") {
        required(&format!("{at}.resourceFieldRef.resource"), &it["resource"], causes);
    }
}

const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

fn field(reference: &Value, at: &str, causes: &mut Vec<Cause>) {
    let path = &reference["fieldPath"];
    let given = text(path);
    let keyed = |prefix: &str| given.strip_prefix(prefix).is_some_and(|it| it.starts_with("['") && it.ends_with("']"));
    if text(&reference["apiVersion"]).is_empty() {
        causes.push(Cause::required(format!("{at}.apiVersion"), ""));
    }
    if given.is_empty() {
        causes.push(Cause::required(format!("{at}.fieldPath"), ""));
    } else if !FIELDS.contains(&given) && !keyed("metadata.labels") && !keyed("metadata.annotations") {
        let detail = format!("error converting fieldPath: field label not supported: {given}");
        causes.push(Cause::invalid(format!("{at}.fieldPath"), path, &detail));
    }
}

fn variables_from(source: &Value, at: &str, causes: &mut Vec<Cause>) {
    let prefix = text(&source["prefix"]);
    if !prefix.is_empty() {
        say(&format!("{at}.prefix"), &source["prefix"], variable_name(prefix), causes);
    }
    let given: Vec<&str> = ["configMapRef", "secretRef"].into_iter().filter(|it| source.get(*it).is_some()).collect();
    for it in &given {
        required(&format!("{at}.{it}.name"), &source[*it]["name"], causes);
    }
    let empty = json!("");
    match given.len() {
        0 => causes.push(Cause::invalid(at, &empty, "must specify one of: `configMapRef` or `secretRef`")),
        1 => {}
        _ => causes.push(Cause::invalid(at, &empty, "may not have more than one field specified at a time")),
    }
}

fn resources(resources: &Value, at: &str, causes: &mut Vec<Cause>) {
    for (name, value) in entries(&resources["limits"]) {
        amount(name, value, &format!("{at}.limits[{name}]"), causes);
    }
    for (name, value) in entries(&resources["requests"]) {
        amount(name, value, &format!("{at}.requests[{name}]"), causes);
        let limit = &resources["limits"][name.as_str()];
        let (Some(request), Some(most)) = (quantity(value), quantity(limit)) else { continue };
        if request > most {
            let detail = format!("must be less than or equal to {name} limit of {}", text(limit));
            causes.push(Cause::invalid(format!("{at}.requests"), value, &detail));
        }
    }
}

fn quantity(value: &Value) -> Option<Quantity> {
    text(value).parse().ok()
}

fn amount(name: &str, value: &Value, at: &str, causes: &mut Vec<Cause>) {
    let shown = json!(name);
    say(at, &shown, names::qualified_name(name), causes);
    let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    if !standard && !name.contains('/') {
        causes.push(Cause::invalid(at, &shown, "must be a standard resource type or fully qualified"));
        causes.push(Cause::invalid(at, &shown, "must be a standard resource for containers"));
    }
    if quantity(value).is_some_and(|it| it.is_negative()) {
        causes.push(Cause::invalid(at, value, super::names::NOT_NEGATIVE));
    }
}

/// Probes and lifecycle hooks.
fn handlers(container: &Value, at: &str, restarts: bool, causes: &mut Vec<Cause>) {
    for name in ["postStart", "preStop"] {
        if let Some(it) = container["lifecycle"].get(name) {
            handler(it, &format!("{at}.lifecycle.{name}"), causes);
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(it) = container.get(name) else { continue };
        let at = format!("{at}.{name}");
        if !restarts {
            causes.push(Cause::forbidden(&at, "may not be set for init containers without restartPolicy=Always"));
            continue;
        }
        handler(it, &at, causes);
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            not_negative(&format!("{at}.{field}"), &it[field], causes);
        }
        if name != "readinessProbe" && it["successThreshold"].as_i64().is_some_and(|it| it != 1) {
            causes.push(Cause::invalid(format!("{at}.successThreshold"), &it["successThreshold"], "must be 1"));
        }
    }
}

fn handler(handler: &Value, at: &str, causes: &mut Vec<Cause>) {
    let given: Vec<&str> =
        ["exec", "httpGet", "tcpSocket", "grpc", "sleep"].into_iter().filter(|it| handler.get(*it).is_some()).collect();
    if given.is_empty() {
        causes.push(Cause::required(at, "must specify a handler type"));
    }
    for more in given.iter().skip(1) {
        causes.push(Cause::forbidden(format!("{at}.{more}"), "may not specify more than 1 handler type"));
    }
    for name in given.iter().take(1) {
        let (at, it) = (format!("{at}.{name}"), &handler[*name]);
        match *name {
            "exec" if items(&it["command"]).is_empty() => causes.push(Cause::required(format!("{at}.command"), "")),
            "httpGet" => {
                required(&format!("{at}.path"), &it["path"], causes);
                port(&format!("{at}.port"), &it["port"], causes);
                one_of(&format!("{at}.scheme"), &it["scheme"], &["HTTP", "HTTPS"], causes);
            }
            "tcpSocket" => port(&format!("{at}.port"), &it["port"], causes),
            "grpc" => port_number(&format!("{at}.port"), &it["port"], causes),
            _ => {}
        }
    }
}
