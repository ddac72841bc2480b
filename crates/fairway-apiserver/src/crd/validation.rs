//! What is wrong with a definition.

mod names;
mod versions;

use fairway_schema::{Cause, names as rules};
use serde_json::{Value, json};

use super::schemas;

/// Everything that is wrong with a definition, after its defaults are set.
pub fn validate(definition: &Value) -> Vec<Cause> {
    let spec = &definition["spec"];
    let mut causes = Vec::new();
    check_name(definition, &mut causes);
    check_approval(definition, &mut causes);
    check_group(spec, &mut causes);
    let scopes = ["Cluster", "Namespaced"];
    match spec["scope"].as_str().unwrap_or_default() {
        "" => causes.push(Cause::required("spec.scope", "")),
        scope if scopes.contains(&scope) => {}
        _ => causes.push(Cause::not_supported("spec.scope", &spec["scope"], &scopes)),
    }
    if spec["preserveUnknownFields"] == true {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema \
                      instead";
        causes.push(Cause::invalid("spec.preserveUnknownFields", &json!(true), detail));
    }
    names::check(&spec["names"], &mut causes);
    versions::check(definition, &mut causes);
    check_conversion(definition, &mut causes);
    causes
}

/// What is wrong with a change of a definition; what is wrong with the new one itself, [`validate`] says.
pub fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut fixed = |path: &str, new: &Value, old: &Value| {
        if new != old {
            causes.push(Cause::invalid(path, new, "field is immutable"));
        }
    };
    let (spec, before) = (&new["spec"], &old["spec"]);
    fixed("spec.group", &spec["group"], &before["group"]);
    let conditions = old["status"]["conditions"].as_array();
    let established = |it: &Value| it["type"] == "Established" && it["status"] == "True";
    if conditions.is_some_and(|it| it.iter().any(established)) {
        fixed("spec.scope", &spec["scope"], &before["scope"]);
        fixed("spec.names.kind", &spec["names"]["kind"], &before["names"]["kind"]);
    }
    fixed("spec.names.plural", &spec["names"]["plural"], &before["names"]["plural"]);
    for (index, stored) in old["status"]["storedVersions"].as_array().into_iter().flatten().enumerate() {
        if !schemas::versions(new).iter().any(|it| it["name"] == *stored) {
            let at = format!("status.storedVersions[{index}]");
            let name = stored.as_str().unwrap_or_default();
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in \
                 spec.versions until a storage migration ensures no data remains persisted in {name} and removes \
                 {name} from status.storedVersions"
            );
            causes.push(Cause::invalid(at, stored, &detail));
        }
    }
    causes
}

fn check_name(definition: &Value, causes: &mut Vec<Cause>) {
    let spec = &definition["spec"];
    let part = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let wanted = format!("{}.{}", part(&spec["names"]["plural"]), part(&spec["group"]));
    let name = part(&definition["metadata"]["name"]);
    if name != wanted {
        let detail = r#"must be spec.names.plural+"."+spec.group"#;
        causes.push(Cause::invalid("metadata.name", &json!(name), detail));
    }
}

/// Groups of the Kubernetes project need its approval.
fn check_approval(definition: &Value, causes: &mut Vec<Cause>) {
    const ANNOTATION: &str = "api-approved.kubernetes.io";
    const HELP: &str = "see https://github.com/kubernetes/enhancements/pull/1111";
    let group = definition["spec"]["group"].as_str().unwrap_or_default();
    let ours = |domain: &str| group == domain || group.ends_with(&format!(".{domain}"));
    if !ours("k8s.io") && !ours("kubernetes.io") {
        return;
    }
    let at = format!("metadata.annotations[{ANNOTATION}]");
    match definition["metadata"]["annotations"][ANNOTATION].as_str().unwrap_or_default() {
        "" => {
            let detail = format!("protected groups must have approval annotation {ANNOTATION:?}, {HELP}");
            causes.push(Cause::required(at, &detail));
        }
        text if text.starts_with("unapproved") => {}
        text if text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty()) => {}
        text => {
            let detail = format!(
                "protected groups must have approval annotation {ANNOTATION:?} with either a URL or a reason \
                 starting with \"unapproved\", {HELP}"
            );
            causes.push(Cause::invalid(at, &json!(text), &detail));
        }
    }
}

fn check_group(spec: &Value, causes: &mut Vec<Cause>) {
    let group = spec["group"].as_str().unwrap_or_default();
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
        return;
    }
    for why in rules::dns_subdomain(group) {
        causes.push(Cause::invalid("spec.group", &json!(group), &why));
    }
    if !group.contains('.') {
        causes.push(Cause::invalid("spec.group", &json!(group), "should be a domain with at least one dot"));
    }
}

/// Webhooks are not called, and objects are never served in a version they were not converted to.
fn check_conversion(definition: &Value, causes: &mut Vec<Cause>) {
    let at = "spec.conversion.strategy";
    let strategy = &definition["spec"]["conversion"]["strategy"];
    let served = schemas::versions(definition).iter().filter(|it| it["served"] == true).count();
    match strategy.as_str().unwrap_or_default() {
        "" => causes.push(Cause::required(at, "")),
        "None" => {}
        "Webhook" if served > 1 => {
            let detail = "this server does not call conversion webhooks: serve one version only, or set None";
            causes.push(Cause::forbidden(at, detail));
        }
        "Webhook" => {}
        _ => causes.push(Cause::not_supported(at, strategy, &["None", "Webhook"])),
    }
}
