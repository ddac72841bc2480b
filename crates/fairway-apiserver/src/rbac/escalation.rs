//! Nobody gives away what they do not have: checks on writes of roles and bindings.

use std::collections::HashMap;

use fairway_schema::Cause;
use serde_json::{Value, json};

use super::rules::{Rule, quoted};
use super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GROUP, ROLE_BINDINGS, ROLES, Rbac, is_master};
use crate::authorization::{Attributes, Authorize, Write};
use crate::{ApiError, Identity};

/// A write whose rules fall into more single rights than this is refused: checking it would cost too much.
const MOST_PARTS: usize = 20_000;
/// The same for the words in its rules; the longest role of a fresh cluster has about five hundred.
const MOST_WORDS: usize = 20_000;
/// What an update may change without giving anybody a right. Labels are not among it: they aggregate.
const HARMLESS: [&str; 5] = ["finalizers", "generation", "managedFields", "ownerReferences", "resourceVersion"];

#[cfg(test)]
mod tests;

/// Allows the write, or says what stands against it. Writes of other kinds are none of its business.
pub(crate) fn guard(rbac: &Rbac, identity: &Identity, write: &Write<'_>) -> Result<(), ApiError> {
    match write.storage {
        ROLES | CLUSTER_ROLES => guard_role(rbac, identity, write),
        ROLE_BINDINGS | CLUSTER_ROLE_BINDINGS => {
            same_role(write)?;
            guard_binding(rbac, identity, write)
        }
        _ => Ok(()),
    }
}

fn guard_role(rbac: &Rbac, identity: &Identity, write: &Write<'_>) -> Result<(), ApiError> {
    if is_master(identity) || unchanged(write) {
        return Ok(());
    }
    let plural = plural(write.storage);
    if rbac.authorize(identity, &question("escalate", plural, write.namespace, write.name)).is_allowed() {
        return Ok(());
    }
    hold_all(rbac, identity, write, &read_rules(write.new)?)?;
    let aggregation = |it: &Value| it.get("aggregationRule").filter(|it| !it.is_null()).cloned();
    let new = aggregation(write.new);
    if new.is_some() && new != write.old.and_then(aggregation) {
        hold_all(rbac, identity, write, &Rule::everything()).map_err(|_| {
            ApiError::forbidden(
                GROUP,
                plural,
                write.name,
                "must have cluster-admin privileges to use the aggregationRule",
            )
        })?;
    }
    Ok(())
}

fn guard_binding(rbac: &Rbac, identity: &Identity, write: &Write<'_>) -> Result<(), ApiError> {
    if is_master(identity) || unchanged(write) {
        return Ok(());
    }
    let role_ref = &write.new["roleRef"];
    let role = role_ref["name"].as_str().unwrap_or_default();
    let roles = if role_ref["kind"] == "ClusterRole" { "clusterroles" } else { "roles" };
    if rbac.authorize(identity, &question("bind", roles, write.namespace, role)).is_allowed() {
        return Ok(());
    }
    hold_all(rbac, identity, write, &rbac.role_rules(write.namespace, role_ref)?)
}

/// A binding keeps its role for life; whoever wants another makes another binding.
fn same_role(write: &Write<'_>) -> Result<(), ApiError> {
    let Some(old) = write.old else { return Ok(()) };
    let (is, was) = (&write.new["roleRef"], &old["roleRef"]);
    if is == was {
        return Ok(());
    }
    let kind = if write.storage == ROLE_BINDINGS { "RoleBinding" } else { "ClusterRoleBinding" };
    // The field names are those of Go, as the real server shows them.
    let shown = json!({ "APIGroup": is["apiGroup"], "Kind": is["kind"], "Name": is["name"] });
    let cause = Cause::invalid("roleRef", &shown, "cannot change roleRef");
    Err(ApiError::invalid(GROUP, kind, write.name, &[cause]))
}

/// Whether an update does no more than garbage collection needs, which is free to whoever may update.
fn unchanged(write: &Write<'_>) -> bool {
    write.old.is_some_and(|old| lasting(old) == lasting(write.new))
}

fn lasting(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !HARMLESS.contains(&field.as_str()));
    }
    object
}

fn read_rules(role: &Value) -> Result<Vec<Rule>, ApiError> {
    match role.get("rules") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(rules) => serde_json::from_value(rules.clone())
            .map_err(|error| ApiError::bad_request(format!("the rules cannot be read: {error}"))),
    }
}

/// 403 with the missing rights unless the identity has all of these itself, in the namespace of the write.
fn hold_all(rbac: &Rbac, identity: &Identity, write: &Write<'_>, wanted: &[Rule]) -> Result<(), ApiError> {
    let held = rbac.rules(identity, write.namespace).unwrap_or_default();
    let refuse = |why: &str| Err(ApiError::forbidden(GROUP, plural(write.storage), write.name, why));
    let costly = || refuse("its rules name too many combinations to check; split the role into smaller ones");
    if wanted.iter().map(Rule::words).sum::<usize>() > MOST_WORDS {
        return costly();
    }
    let unmet: Vec<&Rule> = wanted.iter().filter(|it| !held.rules.iter().any(|mine| mine.covers(it))).collect();
    if unmet.iter().fold(0_usize, |sum, it| sum.saturating_add(it.parts())) > MOST_PARTS {
        return costly();
    }
    let parts = unmet.into_iter().flat_map(Rule::taken_apart);
    let missing: Vec<Rule> = parts.filter(|it| !held.rules.iter().any(|mine| mine.covers(it))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut shown: Vec<String> = compact(missing).iter().map(ToString::to_string).collect();
    shown.sort();
    shown.dedup();
    let Identity { user, groups, .. } = identity;
    let mut why = format!(
        "user {user:?} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        quoted(groups),
        shown.join("\n")
    );
    if !held.problems.is_empty() {
        why = format!("{why}; resolution errors: [{}]", held.problems.join(", "));
    }
    refuse(&why)
}

/// Joins the verbs of single rights to the same thing.
fn compact(parts: Vec<Rule>) -> Vec<Rule> {
    let mut places: HashMap<Rule, usize> = HashMap::new();
    let mut joined: Vec<Rule> = Vec::new();
    for part in parts {
        if part.resources.is_empty() {
            joined.push(part);
            continue;
        }
        let mut what = part.clone();
        what.verbs.clear();
        match places.get(&what) {
            Some(at) => joined[*at].verbs.extend(part.verbs),
            None => {
                places.insert(what, joined.len());
                joined.push(part);
            }
        }
    }
    for rule in &mut joined {
        let mut seen = std::collections::HashSet::new();
        rule.verbs.retain(|it| seen.insert(it.clone()));
    }
    joined
}

fn question<'a>(verb: &'a str, resource: &'a str, namespace: &'a str, name: &'a str) -> Attributes<'a> {
    Attributes { verb, group: GROUP, resource, namespace, name, is_resource: true, ..Attributes::default() }
}

fn plural(storage: &str) -> &str {
    storage.rsplit('/').next().unwrap_or(storage)
}
