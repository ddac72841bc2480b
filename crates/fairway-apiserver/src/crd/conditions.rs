//! The status of a definition: which names it got, and whether its resources are served.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::schemas::{compile, has_rules, versions};
use crate::{Origin, Resource};

/// Writes the status of a definition, given every resource that is served now, its own among them or not. Says
/// whether its resources are to be served.
pub fn settle(definition: &mut Value, served: &[Resource], now: Timestamp) -> bool {
    let structural = (0..versions(definition).len()).flat_map(|it| compile(definition, it).1).next();
    let conflict = conflict(definition, served);
    let rules = versions(definition).iter().any(|it| has_rules(&it["schema"]));
    let established = condition_of(definition, "Established") == Some("True");
    let names = definition["spec"]["names"].clone();
    let storage = versions(definition).iter().find(|it| it["storage"] == true).map(|it| it["name"].clone());
    let Some(status) = status(definition) else { return false };

    let stored = status.entry("storedVersions").or_insert_with(|| json!([]));
    if let (Some(list), Some(storage)) = (stored.as_array_mut(), storage)
        && !list.contains(&storage)
    {
        list.push(storage);
    }
    if conflict.is_none() || !status.contains_key("acceptedNames") {
        let accepted = if conflict.is_none() { names } else { json!({ "plural": "", "kind": "" }) };
        status.insert("acceptedNames".into(), accepted);
    }
    let mut set = |kind: &str, holds: bool, reason: &str, message: &str| {
        set_condition(status, kind, holds, reason, message, now);
    };
    match &conflict {
        None => set("NamesAccepted", true, "NoConflicts", "no conflicts found"),
        Some((reason, name)) => set("NamesAccepted", false, reason, &format!("{name:?} is already in use")),
    }
    // Once established it stays so: the objects are there, whatever becomes of its names.
    let serve = (conflict.is_none() || established) && structural.is_none();
    match serve {
        true => set("Established", true, "InitialNamesAccepted", "the initial names have been accepted"),
        false if conflict.is_some() => set("Established", false, "NotAccepted", "not all names are accepted"),
        false => set("Established", false, "NonStructuralSchema", "a schema cannot be used"),
    }
    match &structural {
        Some(cause) => set("NonStructuralSchema", true, "Violations", &cause.to_string()),
        None => remove_condition(status, "NonStructuralSchema"),
    }
    if rules {
        let message = "x-kubernetes-validations are kept and published, but this server does not evaluate them";
        set_condition(status, "RulesNotEvaluated", true, "CelNotAvailable", message, now);
    } else {
        remove_condition(status, "RulesNotEvaluated");
    }
    serve
}

/// The first name that another resource of the group has, and the reason that says which.
fn conflict(definition: &Value, served: &[Resource]) -> Option<(&'static str, String)> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let own = definition["metadata"]["name"].as_str().unwrap_or_default();
    let foreign = |it: &&Resource| match &it.origin {
        Origin::Custom { crd } => &**crd != own,
        Origin::BuiltIn => true,
    };
    let group = spec["group"].as_str().unwrap_or_default();
    let others: Vec<&Resource> = served.iter().filter(|it| &*it.group == group).filter(foreign).collect();
    let named = |name: &str| {
        others.iter().any(|it| {
            [&it.plural, &it.singular].iter().any(|taken| &***taken == name)
                || it.short_names.iter().any(|taken| &**taken == name)
        })
    };
    let kind = |name: &str| others.iter().any(|it| &*it.kind == name || &*it.list_kind == name);
    let text = |field: &str| names[field].as_str().unwrap_or_default().to_owned();
    let short = names["shortNames"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let taken_short: Vec<&str> = short.filter(|it| named(it)).collect();
    if named(&text("plural")) {
        Some(("PluralConflict", text("plural")))
    } else if !text("singular").is_empty() && named(&text("singular")) {
        Some(("SingularConflict", text("singular")))
    } else if let Some(name) = taken_short.first() {
        Some(("ShortNamesConflict", (*name).to_owned()))
    } else if kind(&text("kind")) {
        Some(("KindConflict", text("kind")))
    } else if !text("listKind").is_empty() && kind(&text("listKind")) {
        Some(("ListKindConflict", text("listKind")))
    } else {
        None
    }
}

fn status(definition: &mut Value) -> Option<&mut Map<String, Value>> {
    let fields = definition.as_object_mut()?;
    let status = fields.entry("status").or_insert_with(|| json!({}));
    if !status.is_object() {
        *status = json!({});
    }
    status.as_object_mut()
}

fn condition_of<'a>(definition: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = definition["status"]["conditions"].as_array()?;
    conditions.iter().find(|it| it["type"] == kind)?["status"].as_str()
}

/// The time of a condition is that of its last change of status; nothing changes when nothing changed.
fn set_condition(
    status: &mut Map<String, Value>,
    kind: &str,
    holds: bool,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if conditions.is_null() {
        *conditions = json!([]);
    }
    let Some(list) = conditions.as_array_mut() else { return };
    let wanted = if holds { "True" } else { "False" };
    let found = list.iter().position(|it| it["type"] == kind);
    let before = found.and_then(|at| list.get(at)).filter(|it| it["status"] == wanted);
    let since = before.and_then(|it| it["lastTransitionTime"].as_str()).map_or_else(|| written(now), ToOwned::to_owned);
    let condition = json!({
        "type": kind, "status": wanted, "reason": reason, "message": message, "lastTransitionTime": since,
    });
    match found.and_then(|at| list.get_mut(at)) {
        Some(place) => *place = condition,
        None => list.push(condition),
    }
}

fn remove_condition(status: &mut Map<String, Value>, kind: &str) {
    if let Some(list) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        list.retain(|it| it["type"] != kind);
    }
}

/// As `metav1.Time` is written: seconds, UTC.
fn written(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
