//! Where the schema, subresources and columns of a version stand in a definition.

use fairway_schema::{Cause, Link, compile};
use serde_json::Value;

/// The versions of a definition.
pub(super) fn versions(definition: &Value) -> &[Value] {
    definition["spec"]["versions"].as_array().map_or(&[], Vec::as_slice)
}

/// The path under which a part of a version is spoken of. What all versions have in common is spoken of once, as if
/// it stood at the top: that is how the API server has always kept it.
pub(super) fn path(definition: &Value, index: usize, part: &str, common: &str) -> String {
    let versions = versions(definition);
    let same = versions.windows(2).all(|it| it[0].get(part) == it[1].get(part));
    if same { format!("spec.{common}") } else { format!("spec.versions[{index}].{part}") }
}

/// Compiles the schema of a version.
pub(super) fn compile(definition: &Value, index: usize) -> (Link, Vec<Cause>) {
    let at = format!("{}.openAPIV3Schema", path(definition, index, "schema", "validation"));
    compile::structural(&versions(definition)[index]["schema"]["openAPIV3Schema"], &at)
}

/// Whether a schema holds rules in CEL, at any depth.
pub(super) fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(name, value)| match name.as_str() {
            "x-kubernetes-validations" => value.as_array().is_some_and(|it| !it.is_empty()),
            "default" | "example" | "enum" => false,
            _ => has_rules(value),
        }),
        Value::Array(list) => list.iter().any(has_rules),
        _ => false,
    }
}
