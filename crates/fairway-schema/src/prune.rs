//! Fields that a schema does not know.

use serde_json::Value;

use crate::model::{Additional, Schema, Type};
use crate::path::Path;

/// How many paths are reported, of however many fields.
const MAX_UNKNOWN: usize = 100;

/// Removes every field the schema does not know; returns the paths of the first hundred, sorted.
pub fn prune(schema: &Schema, value: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    remove(schema, value, &Path::Root(""), &mut unknown);
    unknown.sort_unstable();
    unknown
}

/// The paths of the first hundred fields the schema does not know, sorted: what [`prune`] would remove.
pub fn unknown_fields(schema: &Schema, value: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    find(schema, value, &Path::Root(""), &mut unknown);
    unknown.sort_unstable();
    unknown
}

/// What a schema says about a field of that name.
pub(crate) enum Known<'a> {
    /// It has a schema.
    As(&'a Schema),
    /// Anything may stand there.
    Free,
    /// There is no such field.
    No,
}

/// Looks a field up. Where no object was expected there is nothing to look up: validation will say so.
pub(crate) fn known<'a>(schema: &'a Schema, name: &str) -> Known<'a> {
    match (schema.properties.get(name), &schema.additional) {
        (Some(property), _) => Known::As(property),
        (None, Additional::Of(each)) => Known::As(each),
        (None, Additional::Anything) => Known::Free,
        (None, Additional::Denied) if schema.preserve_unknown || !holds_fields(schema) => Known::Free,
        (None, Additional::Denied) => Known::No,
    }
}

fn holds_fields(schema: &Schema) -> bool {
    matches!(schema.r#type, Type::Object | Type::Any)
}

fn remove(schema: &Schema, value: &mut Value, path: &Path<'_>, unknown: &mut Vec<String>) {
    match value {
        Value::Object(object) => object.retain(|name, value| {
            let at = Path::Field(path, name);
            match known(schema, name) {
                Known::As(schema) => remove(schema, value, &at, unknown),
                Known::Free => {}
                Known::No => report(&at, unknown),
            }
            !matches!(known(schema, name), Known::No)
        }),
        Value::Array(list) => {
            let Some(items) = &schema.items else { return };
            for (index, value) in list.iter_mut().enumerate() {
                remove(items, value, &Path::Index(path, index), unknown);
            }
        }
        _ => {}
    }
}

fn report(at: &Path<'_>, unknown: &mut Vec<String>) {
    if unknown.len() < MAX_UNKNOWN {
        unknown.push(at.to_string());
    }
}

fn find(schema: &Schema, value: &Value, path: &Path<'_>, unknown: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let at = Path::Field(path, name);
                match known(schema, name) {
                    Known::As(schema) => find(schema, value, &at, unknown),
                    Known::Free => {}
                    Known::No => report(&at, unknown),
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = &schema.items else { return };
            for (index, value) in list.iter().enumerate() {
                find(items, value, &Path::Index(path, index), unknown);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
