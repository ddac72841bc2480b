//! Pods and pod templates.

use fairway_schema::{Cause, names};
use serde_json::{Value, json};

use super::container;
use super::names::{labels, one_of, required, required_one_of, say};
use super::volumes;
use crate::kinds::tree::{entries, items, text};

pub(super) fn pod(object: &Value, causes: &mut Vec<Cause>) {
    spec(&object["spec"], "spec", causes);
}

/// A template: `{metadata, spec}`.
pub(super) fn template(template: &Value, at: &str, causes: &mut Vec<Cause>) {
    labels(&format!("{at}.labels"), &template["metadata"]["labels"], causes);
    for (key, _) in entries(&template["metadata"]["annotations"]) {
        let wrong = names::qualified_name(&key.to_lowercase());
        say(&format!("{at}.annotations"), &json!(key), wrong, causes);
    }
    spec(&template["spec"], &format!("{at}.spec"), causes);
}

/// A pod's spec, at `spec` or `spec.template.spec`.
fn spec(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    let known = volumes::check(&spec["volumes"], &format!("{at}.volumes"), causes);
    container::all(spec, at, &known, causes);
    required_one_of(&format!("{at}.restartPolicy"), &spec["restartPolicy"], &["Always", "OnFailure", "Never"], causes);
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    one_of(&format!("{at}.dnsPolicy"), &spec["dnsPolicy"], &policies, causes);
    labels(&format!("{at}.nodeSelector"), &spec["nodeSelector"], causes);
    named(spec, at, causes);
    for (index, it) in items(&spec["imagePullSecrets"]).iter().enumerate() {
        required(&format!("{at}.imagePullSecrets[{index}].name"), &it["name"], causes);
    }
    numbers(spec, at, causes);
    security(&spec["securityContext"], &format!("{at}.securityContext"), causes);
    for (index, it) in items(&spec["tolerations"]).iter().enumerate() {
        toleration(&format!("{at}.tolerations[{index}]"), it, causes);
    }
}

/// Names of other things.
fn named(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    for (field, rule) in [
        ("serviceAccountName", names::dns_subdomain as fn(&str) -> Vec<String>),
        ("nodeName", names::dns_subdomain),
        ("hostname", names::dns_label),
        ("subdomain", names::dns_label),
        ("priorityClassName", names::dns_subdomain),
    ] {
        let name = text(&spec[field]);
        if !name.is_empty() {
            say(&format!("{at}.{field}"), &spec[field], rule(name), causes);
        }
    }
}

fn numbers(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    let deadline = &spec["activeDeadlineSeconds"];
    if deadline.as_i64().is_some_and(|it| !(1..=i64::from(i32::MAX)).contains(&it)) {
        let detail = "must be between 1 and 2147483647, inclusive";
        causes.push(Cause::invalid(format!("{at}.activeDeadlineSeconds"), deadline, detail));
    }
}

/// Users and groups, of a pod or a container.
pub(super) fn security(context: &Value, at: &str, causes: &mut Vec<Cause>) {
    for field in ["runAsUser", "runAsGroup", "fsGroup"] {
        if context[field].as_i64().is_some_and(|it| !(0..=i64::from(i32::MAX)).contains(&it)) {
            let detail = "must be between 0 and 2147483647, inclusive";
            causes.push(Cause::invalid(format!("{at}.{field}"), &context[field], detail));
        }
    }
}

fn toleration(at: &str, toleration: &Value, causes: &mut Vec<Cause>) {
    let key = text(&toleration["key"]);
    if !key.is_empty() {
        say(&format!("{at}.key"), &toleration["key"], names::qualified_name(key), causes);
    }
    let operator = text(&toleration["operator"]);
    if key.is_empty() && operator != "Exists" {
        let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        causes.push(Cause::invalid(format!("{at}.operator"), &json!(operator), detail));
    }
    let effect = text(&toleration["effect"]);
    if toleration["tolerationSeconds"].is_i64() && effect != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        causes.push(Cause::invalid(format!("{at}.effect"), &json!(effect), detail));
    }
    match operator {
        "" | "Equal" => {
            say(
                &format!("{at}.operator"),
                &toleration["value"],
                names::label_value(text(&toleration["value"])),
                causes,
            );
        }
        "Exists" if !text(&toleration["value"]).is_empty() => {
            let detail = "value must be empty when `operator` is 'Exists'";
            causes.push(Cause::invalid(format!("{at}.operator"), toleration, detail));
        }
        "Exists" => {}
        _ => causes.push(Cause::not_supported(format!("{at}.operator"), &toleration["operator"], &["Equal", "Exists"])),
    }
    if !effect.is_empty() {
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        one_of(&format!("{at}.effect"), &toleration["effect"], &effects, causes);
    }
}
