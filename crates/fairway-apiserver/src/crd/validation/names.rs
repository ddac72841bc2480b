//! The names of a defined resource.

use fairway_schema::{Cause, names as rules};
use serde_json::{Value, json};

pub(super) fn check(names: &Value, causes: &mut Vec<Cause>) {
    for field in ["plural", "singular", "kind", "listKind"] {
        let name = names[field].as_str().unwrap_or_default();
        let at = format!("spec.names.{field}");
        if name.is_empty() {
            causes.push(Cause::required(at, ""));
            continue;
        }
        let mixed = field == "kind" || field == "listKind";
        let judged = if mixed { name.to_lowercase() } else { name.to_owned() };
        for why in rules::dns_1035_label(&judged) {
            let why = if mixed { format!("may have mixed case, but should otherwise match: {why}") } else { why };
            causes.push(Cause::invalid(at.clone(), &json!(name), &why));
        }
    }
    for field in ["shortNames", "categories"] {
        for (index, name) in names[field].as_array().into_iter().flatten().enumerate() {
            for why in rules::dns_1035_label(name.as_str().unwrap_or_default()) {
                causes.push(Cause::invalid(format!("spec.names.{field}[{index}]"), name, &why));
            }
        }
    }
    if names["kind"].is_string() && names["kind"] == names["listKind"] {
        causes.push(Cause::invalid("spec.names.listKind", &names["listKind"], "kind and listKind may not be the same"));
    }
}
