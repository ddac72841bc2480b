//! Everything that makes pods from a template.

use fairway_schema::Cause;
use fairway_schema::selector::LabelSelector;
use serde_json::{Value, json};

use super::names::{label_selector, not_negative, one_of, required_one_of, selects_all};
use super::pod;
use crate::kinds::tree::{entries, items, text};

pub(super) fn deployment(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    not_negative("spec.replicas", &spec["replicas"], causes);
    selected_template(spec, "deployment", causes);
    rolling(&spec["strategy"], "spec.strategy", &["Recreate", "RollingUpdate"], causes);
    not_negative("spec.minReadySeconds", &spec["minReadySeconds"], causes);
    not_negative("spec.revisionHistoryLimit", &spec["revisionHistoryLimit"], causes);
    not_negative("spec.progressDeadlineSeconds", &spec["progressDeadlineSeconds"], causes);
    let deadline = &spec["progressDeadlineSeconds"];
    if deadline.as_i64().is_some_and(|it| it <= spec["minReadySeconds"].as_i64().unwrap_or(0)) {
        let detail = "must be greater than minReadySeconds";
        causes.push(Cause::invalid("spec.progressDeadlineSeconds", deadline, detail));
    }
}

pub(super) fn replica_set(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    not_negative("spec.replicas", &spec["replicas"], causes);
    not_negative("spec.minReadySeconds", &spec["minReadySeconds"], causes);
    selected_template(spec, "deployment", causes);
}

pub(super) fn stateful_set(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let policies = ["OrderedReady", "Parallel"];
    required_one_of("spec.podManagementPolicy", &spec["podManagementPolicy"], &policies, causes);
    let strategy = &spec["updateStrategy"];
    required_one_of("spec.updateStrategy.type", &strategy["type"], &["RollingUpdate", "OnDelete"], causes);
    not_negative("spec.updateStrategy.rollingUpdate.partition", &strategy["rollingUpdate"]["partition"], causes);
    not_negative("spec.replicas", &spec["replicas"], causes);
    not_negative("spec.minReadySeconds", &spec["minReadySeconds"], causes);
    selected_template(&with_claims(spec), "statefulset", causes);
}

/// Each claim is a volume of the set's pods under the same name, which containers mount like any other.
fn with_claims(spec: &Value) -> Value {
    let mut spec = spec.clone();
    let claims: Vec<Value> =
        items(&spec["volumeClaimTemplates"]).iter().map(|it| it["metadata"]["name"].clone()).collect();
    let known: Vec<Value> = items(&spec["template"]["spec"]["volumes"]).iter().map(|it| it["name"].clone()).collect();
    let new: Vec<Value> = claims.into_iter().filter(|it| it.is_string() && !known.contains(it)).collect();
    if new.is_empty() || !spec["template"]["spec"].is_object() {
        return spec;
    }
    let volumes = &mut spec["template"]["spec"]["volumes"];
    if !volumes.is_array() {
        *volumes = json!([]);
    }
    if let Some(volumes) = volumes.as_array_mut() {
        volumes.extend(new.into_iter().map(|name| json!({ "name": name, "emptyDir": {} })));
    }
    spec
}

pub(super) fn daemon_set(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    selected_template(spec, "daemonset", causes);
    not_negative("spec.minReadySeconds", &spec["minReadySeconds"], causes);
    let strategy = &spec["updateStrategy"];
    one_of("spec.updateStrategy.type", &strategy["type"], &["OnDelete", "RollingUpdate"], causes);
    not_negative("spec.revisionHistoryLimit", &spec["revisionHistoryLimit"], causes);
}

pub(super) fn replication_controller(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    not_negative("spec.minReadySeconds", &spec["minReadySeconds"], causes);
    if entries(&spec["selector"]).next().is_none() {
        causes.push(Cause::required("spec.selector", ""));
    }
    not_negative("spec.replicas", &spec["replicas"], causes);
    let labels = &spec["template"]["metadata"]["labels"];
    if entries(&spec["selector"]).any(|(key, value)| labels.get(key) != Some(value)) {
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, MISMATCH));
    }
    pod::template(&spec["template"], "spec.template", causes);
    only_always(&spec["template"], causes);
}

pub(super) fn job(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    for field in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        not_negative(&format!("{at}.{field}"), &spec[field], causes);
    }
    let template = &spec["template"];
    pod::template(template, &format!("{at}.template"), causes);
    let at = format!("{at}.template.spec.restartPolicy");
    match text(&template["spec"]["restartPolicy"]) {
        "Always" => causes.push(Cause::required(at, "valid values: \"OnFailure\", \"Never\"")),
        "OnFailure" | "Never" => {}
        _ => causes.push(Cause::not_supported(at, &template["spec"]["restartPolicy"], &["OnFailure", "Never"])),
    }
}

pub(super) fn cron_job(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    // The controller adds eleven characters to make the name of a Job.
    if text(&object["metadata"]["name"]).len() > MOST_OF_A_NAME {
        let detail = format!("must be no more than {MOST_OF_A_NAME} characters");
        causes.push(Cause::invalid("metadata.name", &object["metadata"]["name"], &detail));
    }
    schedule(&spec["schedule"], causes);
    time_zone(&spec["timeZone"], causes);
    required_one_of("spec.concurrencyPolicy", &spec["concurrencyPolicy"], &["Allow", "Forbid", "Replace"], causes);
    for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        not_negative(&format!("spec.{field}"), &spec[field], causes);
    }
    job(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", causes);
}

const MOST_OF_A_NAME: usize = 52;

/// A name that the database of time zones has.
fn time_zone(zone: &Value, causes: &mut Vec<Cause>) {
    let Some(name) = zone.as_str() else { return };
    let detail = match name {
        "" => "timeZone must be nil or non-empty string".to_owned(),
        "Local" => "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones".to_owned(),
        _ if jiff::tz::TimeZone::get(name).is_err() => format!("unknown time zone {name}"),
        _ => return,
    };
    causes.push(Cause::invalid("spec.timeZone", zone, &detail));
}

/// The shape of a schedule; what its fields mean is for the controller to say.
fn schedule(schedule: &Value, causes: &mut Vec<Cause>) {
    let given = text(schedule);
    if given.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
        return;
    }
    if given.contains("TZ") {
        let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        causes.push(Cause::invalid("spec.schedule", schedule, detail));
        return;
    }
    let fields: Vec<&str> = given.split_whitespace().collect();
    if !given.starts_with('@') && fields.len() != 5 {
        let detail = format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" "));
        causes.push(Cause::invalid("spec.schedule", schedule, &detail));
    }
}

const MISMATCH: &str = "`selector` does not match template `labels`";

/// A selector, and a template whose pods it selects.
fn selected_template(spec: &Value, kind: &str, causes: &mut Vec<Cause>) {
    let selector = &spec["selector"];
    if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else {
        label_selector("spec.selector", selector, causes);
        if selects_all(selector) {
            let detail = format!("empty selector is invalid for {kind}");
            causes.push(Cause::invalid("spec.selector", selector, &detail));
        }
    }
    let template = &spec["template"];
    let labels = &template["metadata"]["labels"];
    let matches = match LabelSelector::from_object(selector) {
        Ok(parsed) => !selector.is_null() && (parsed.is_empty() || parsed.matches_object(labels)),
        Err(_) => true, // said above
    };
    if !matches {
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, MISMATCH));
    }
    pod::template(template, "spec.template", causes);
    only_always(template, causes);
}

/// Pods that are kept alive restart always, and have no deadline.
fn only_always(template: &Value, causes: &mut Vec<Cause>) {
    let policy = &template["spec"]["restartPolicy"];
    if !matches!(text(policy), "" | "Always") {
        causes.push(Cause::not_supported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    if template["spec"]["activeDeadlineSeconds"].is_i64() {
        let detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
        causes.push(Cause::forbidden("spec.template.spec.activeDeadlineSeconds", detail));
    }
}

fn rolling(strategy: &Value, at: &str, types: &[&str], causes: &mut Vec<Cause>) {
    let update = &strategy["rollingUpdate"];
    match text(&strategy["type"]) {
        "Recreate" if !update.is_null() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            causes.push(Cause::forbidden(format!("{at}.rollingUpdate"), detail));
        }
        "RollingUpdate" if update.is_null() => {
            let detail = "this should be defaulted and never be nil";
            causes.push(Cause::required(format!("{at}.rollingUpdate"), detail));
        }
        "RollingUpdate" => {
            let (lost, extra) = (&update["maxUnavailable"], &update["maxSurge"]);
            let at = format!("{at}.rollingUpdate");
            share(&format!("{at}.maxUnavailable"), lost, causes);
            share(&format!("{at}.maxSurge"), extra, causes);
            if amount(lost) == Some(0) && amount(extra) == Some(0) {
                let detail = "may not be 0 when `maxSurge` is 0";
                causes.push(Cause::invalid(format!("{at}.maxUnavailable"), lost, detail));
            }
            if lost.is_string() && amount(lost).is_some_and(|it| it > 100) {
                causes.push(Cause::invalid(format!("{at}.maxUnavailable"), lost, "must not be greater than 100%"));
            }
        }
        "Recreate" => {}
        _ => required_one_of(&format!("{at}.type"), &strategy["type"], types, causes),
    }
}

/// A count or a percentage.
fn share(at: &str, value: &Value, causes: &mut Vec<Cause>) {
    match value {
        Value::String(_) if amount(value).is_none() => {
            let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or \
                          '93%', regex used for validation is '[0-9]+%')";
            causes.push(Cause::invalid(at, value, detail));
        }
        Value::Number(_) => not_negative(at, value, causes),
        _ => {}
    }
}

fn amount(value: &Value) -> Option<i64> {
    match value {
        Value::String(it) => it.strip_suffix('%').filter(|it| it.bytes().all(|it| it.is_ascii_digit()))?.parse().ok(),
        other => other.as_i64(),
    }
}

/// Fields of a StatefulSet's spec that may change.
pub(super) fn stateful_set_update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    const FREE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |spec: &Value| -> Vec<(String, Value)> {
        entries(spec).filter(|(key, _)| !FREE.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    if fixed(&new["spec"]) != fixed(&old["spec"]) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                      'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                      'minReadySeconds' are forbidden";
        causes.push(Cause::forbidden("spec", detail));
    }
}

/// What a pod may change once it is there: images, a shorter deadline, more tolerations.
pub(super) fn pod_update(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    for list in ["containers", "initContainers"] {
        if items(&new["spec"][list]).len() != items(&old["spec"][list]).len() {
            let detail = "pod updates may not add or remove containers";
            causes.push(Cause::forbidden(format!("spec.{list}"), detail));
            return;
        }
    }
    let known = items(&old["spec"]["tolerations"]);
    let kept = known.iter().all(|it| items(&new["spec"]["tolerations"]).contains(it));
    let mut allowed = new["spec"].clone();
    for list in ["containers", "initContainers"] {
        for (index, before) in items(&old["spec"][list]).iter().enumerate() {
            allowed[list][index]["image"] = before["image"].clone();
        }
    }
    for field in ["activeDeadlineSeconds", "tolerations"] {
        match old["spec"].get(field) {
            Some(before) => allowed[field] = before.clone(),
            None => _ = allowed.as_object_mut().and_then(|it| it.remove(field)),
        }
    }
    if allowed != old["spec"] || !kept {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,\
                      `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions \
                      to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it \
                      was previously negative)";
        causes.push(Cause::forbidden("spec", detail));
    }
    let (deadline, before) = (&new["spec"]["activeDeadlineSeconds"], &old["spec"]["activeDeadlineSeconds"]);
    if before.is_i64() && (deadline.is_null() || deadline.as_i64() > before.as_i64()) {
        let detail = match deadline.as_i64() {
            None => "must not update from a positive integer to nil value",
            Some(_) => "must be less than or equal to previous value",
        };
        let shown = if deadline.is_null() { json!(null) } else { deadline.clone() };
        causes.push(Cause::invalid("spec.activeDeadlineSeconds", &shown, detail));
    }
}
