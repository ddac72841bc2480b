//! What happens to a custom resource between decoding and storage, and on the way back.

use fairway_schema::{Additional, Cause, Path, Schema, names, prune, validate};
use serde_json::{Map, Value, json};

use crate::{Resource, kinds};

/// Prunes and defaults an object that is to be written. What is wrong is that its defaults are too many.
pub fn complete(resource: &Resource, object: &mut Value) -> Vec<Cause> {
    prune(&resource.schema, object);
    match fairway_schema::default_within(&resource.schema, object) {
        Ok(()) => check_metadata(object),
        Err(error) => vec![Cause::invalid("<nil>", &json!(""), &error.to_string())],
    }
}

/// Everything that is wrong with an object that is complete: after the server has put back what the writer may not
/// change, for a status that is ignored is not judged. The object's own metadata (labels, finalizers …) is judged with
/// that of every other kind, not here.
pub fn check(resource: &Resource, object: &mut Value) -> Vec<Cause> {
    let mut causes = without_metadata(object, |rest| validate::validate(&resource.schema, rest, ""));
    check_embedded(&resource.schema, object, &Path::Root(""), true, &mut causes);
    causes
}

/// Brings a stored object to what its schema says today: the schema may have changed since it was written.
pub fn read(resource: &Resource, object: &mut Value) {
    prune(&resource.schema, object);
    fairway_schema::default(&resource.schema, object);
}

/// Metadata is typed whatever the schema says.
fn check_metadata(object: &mut Value) -> Vec<Cause> {
    let Some(metadata) = object.get_mut("metadata") else { return Vec::new() };
    let wrong = kinds::normalize_metadata(metadata).err();
    wrong.map(|why| Cause::invalid("metadata", metadata, &why)).into_iter().collect()
}

/// A schema may ask for a shape of the names in `metadata`, and of nothing else there.
fn without_metadata<T>(object: &mut Value, act: impl Fn(&Value) -> T) -> T {
    let whole = object.get("metadata").cloned();
    if let (Some(Value::Object(metadata)), Some(fields)) = (&whole, object.as_object_mut()) {
        let names = metadata.iter().filter(|(name, _)| *name == "name" || *name == "generateName");
        let names: Map<String, Value> = names.map(|(name, value)| (name.clone(), value.clone())).collect();
        fields.insert("metadata".into(), Value::Object(names));
    }
    let result = act(object);
    if let (Some(whole), Some(fields)) = (whole, object.as_object_mut()) {
        fields.insert("metadata".into(), whole);
    }
    result
}

/// Objects inside the object have metadata with the usual rules.
fn check_embedded(schema: &Schema, value: &Value, path: &Path<'_>, root: bool, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(object) => {
            if schema.embedded_resource && !root {
                check_labels(object, path, causes);
            }
            for (name, value) in object {
                let below = match (schema.properties.get(name.as_str()), &schema.additional) {
                    (Some(property), _) => property,
                    (None, Additional::Of(each)) => each,
                    _ => continue,
                };
                check_embedded(below, value, &Path::Field(path, name), false, causes);
            }
        }
        Value::Array(list) => {
            let Some(items) = &schema.items else { return };
            for (index, value) in list.iter().enumerate() {
                check_embedded(items, value, &Path::Index(path, index), false, causes);
            }
        }
        _ => {}
    }
}

fn check_labels(object: &Map<String, Value>, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let metadata_at = Path::Field(path, "metadata");
    let metadata = object.get("metadata").unwrap_or(&Value::Null);
    for (field, values) in [("labels", true), ("annotations", false)] {
        let at = Path::Field(&metadata_at, field);
        for (key, value) in metadata[field].as_object().into_iter().flatten() {
            let lower = if values { key.clone() } else { key.to_lowercase() };
            for why in names::qualified_name(&lower) {
                causes.push(Cause::invalid(at.to_string(), &json!(key), &why));
            }
            let value = value.as_str().unwrap_or_default();
            for why in if values { names::label_value(value) } else { Vec::new() } {
                causes.push(Cause::invalid(at.to_string(), &json!(value), &why));
            }
        }
    }
}
