//! Roles and their bindings.

use fairway_schema::{Cause, names};
use serde_json::Value;

use super::names::{one_of, say};
use crate::kinds::tree::{items, text};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn rules(object: &Value, namespaced: bool, causes: &mut Vec<Cause>) {
    for (index, rule) in items(&object["rules"]).iter().enumerate() {
        let at = |field: &str| format!("rules[{index}].{field}");
        if items(&rule["verbs"]).is_empty() {
            causes.push(Cause::required(at("verbs"), "verbs must contain at least one value"));
        }
        let none = |field: &str| items(&rule[field]).is_empty();
        if !none("nonResourceURLs") {
            let urls = &rule["nonResourceURLs"];
            if namespaced {
                let detail = "namespaced rules cannot apply to non-resource URLs";
                causes.push(Cause::invalid(at("nonResourceURLs"), urls, detail));
            }
            if !none("apiGroups") || !none("resources") || !none("resourceNames") {
                let detail = "rules cannot apply to both regular resources and non-resource URLs";
                causes.push(Cause::invalid(at("nonResourceURLs"), urls, detail));
            }
            continue;
        }
        if none("apiGroups") {
            causes.push(Cause::required(at("apiGroups"), "resource rules must supply at least one api group"));
        }
        if none("resources") {
            causes.push(Cause::required(at("resources"), "resource rules must supply at least one resource"));
        }
    }
}

pub(super) fn binding(object: &Value, namespaced: bool, causes: &mut Vec<Cause>) {
    let role = &object["roleRef"];
    one_of("roleRef.apiGroup", &role["apiGroup"], &[GROUP], causes);
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    one_of("roleRef.kind", &role["kind"], kinds, causes);
    match text(&role["name"]) {
        "" => causes.push(Cause::required("roleRef.name", "")),
        name => say("roleRef.name", &role["name"], names::path_segment(name), causes),
    }
    for (index, it) in items(&object["subjects"]).iter().enumerate() {
        subject(&format!("subjects[{index}]"), it, namespaced, causes);
    }
}

fn subject(at: &str, subject: &Value, namespaced: bool, causes: &mut Vec<Cause>) {
    let name = text(&subject["name"]);
    if name.is_empty() {
        causes.push(Cause::required(format!("{at}.name"), ""));
    }
    match text(&subject["kind"]) {
        "ServiceAccount" => {
            if !name.is_empty() {
                say(&format!("{at}.name"), &subject["name"], names::dns_subdomain(name), causes);
            }
            if !text(&subject["apiGroup"]).is_empty() {
                causes.push(Cause::not_supported(format!("{at}.apiGroup"), &subject["apiGroup"], &[""]));
            }
            if !namespaced && text(&subject["namespace"]).is_empty() {
                causes.push(Cause::required(format!("{at}.namespace"), ""));
            }
        }
        "User" | "Group" => one_of(&format!("{at}.apiGroup"), &subject["apiGroup"], &[GROUP], causes),
        _ => {
            let kinds = ["ServiceAccount", "User", "Group"];
            causes.push(Cause::not_supported(format!("{at}.kind"), &subject["kind"], &kinds));
        }
    }
}
