//! Kinds with few rules.

use fairway_schema::Cause;
use fairway_schema::quantity::Quantity;
use serde_json::{Value, json};

use super::names::{PROTOCOLS, address, label_selector, not_negative, one_of, port_number, required, required_one_of};
use crate::Resource;
use crate::kinds::tree::{blank, entries, items, text};

pub(super) fn lease(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|it| it <= 0) {
        causes.push(Cause::invalid(
            "spec.leaseDurationSeconds",
            &spec["leaseDurationSeconds"],
            "must be greater than 0",
        ));
    }
    not_negative("spec.leaseTransitions", &spec["leaseTransitions"], causes);
}

/// An event stands in the namespace of what it is about; about things without one, in `default`.
pub(super) fn event(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    let field = if resource.group.is_empty() { "involvedObject" } else { "regarding" };
    let about = text(&object[field]["namespace"]);
    let namespace = text(&object["metadata"]["namespace"]);
    let fits = if about.is_empty() { matches!(namespace, "default" | "kube-system") } else { about == namespace };
    if !fits {
        let detail = "does not match event.namespace";
        causes.push(Cause::invalid("involvedObject.namespace", &json!(about), detail));
    }
    if !resource.group.is_empty() {
        required("reportingController", &object["reportingController"], causes);
        required("reportingInstance", &object["reportingInstance"], causes);
        required("action", &object["action"], causes);
        required("reason", &object["reason"], causes);
        one_of("type", &object["type"], &["Normal", "Warning"], causes);
    }
}

pub(super) fn endpoints(object: &Value, causes: &mut Vec<Cause>) {
    for (index, subset) in items(&object["subsets"]).iter().enumerate() {
        let at = format!("subsets[{index}]");
        for list in ["addresses", "notReadyAddresses"] {
            for (index, it) in items(&subset[list]).iter().enumerate() {
                address(&format!("{at}.{list}[{index}].ip"), &it["ip"], causes);
            }
        }
        let ports = items(&subset["ports"]);
        for (index, it) in ports.iter().enumerate() {
            let at = format!("{at}.ports[{index}]");
            if ports.len() > 1 && blank(&it["name"]) {
                causes.push(Cause::required(format!("{at}.name"), ""));
            }
            port_number(&format!("{at}.port"), &it["port"], causes);
            required_one_of(&format!("{at}.protocol"), &it["protocol"], PROTOCOLS, causes);
        }
    }
}

pub(super) fn claim(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if items(&spec["accessModes"]).is_empty() {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    let modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    for it in items(&spec["accessModes"]) {
        one_of("spec.accessModes", it, &modes, causes);
    }
    if blank(&spec["resources"]["requests"]["storage"]) {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
}

/// A claim may grow once it is bound; all else stays.
pub(super) fn claim_update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let bound = old["status"]["phase"] == "Bound";
    let unnamed = blank(&old["spec"]["volumeName"]);
    let fixed = |it: &Value| -> Vec<(String, Value)> {
        let is_free = |key: &str| match key {
            "resources" | "volumeAttributesClassName" => bound,
            "volumeName" => unnamed,
            _ => false,
        };
        entries(&it["spec"]).filter(|(key, _)| !is_free(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    if fixed(new) != fixed(old) {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
                      bound claims";
        causes.push(Cause::forbidden("spec", detail));
    }
    let size = |it: &Value| text(it).parse::<Quantity>().ok();
    let [wanted, before, there] = [
        size(&new["spec"]["resources"]["requests"]["storage"]),
        size(&old["spec"]["resources"]["requests"]["storage"]),
        size(&old["status"]["capacity"]["storage"]),
    ];
    let smaller =
        |than: Option<Quantity>| wanted.zip(than).is_some_and(|(wanted, than)| wanted.minus(than).is_negative());
    if smaller(before) && (smaller(there) || wanted == there) {
        causes.push(Cause::forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
    }
}

pub(super) fn disruption_budget(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", spec, detail));
    }
    for field in ["minAvailable", "maxUnavailable"] {
        not_negative(&format!("spec.{field}"), &spec[field], causes);
    }
    label_selector("spec.selector", &spec["selector"], causes);
}

pub(super) fn storage_class(object: &Value, causes: &mut Vec<Cause>) {
    required("provisioner", &object["provisioner"], causes);
    one_of("reclaimPolicy", &object["reclaimPolicy"], &["Delete", "Retain"], causes);
    one_of("volumeBindingMode", &object["volumeBindingMode"], &["Immediate", "WaitForFirstConsumer"], causes);
}
