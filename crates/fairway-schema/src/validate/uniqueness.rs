//! Lists that are sets or maps hold nothing twice.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::cause::Cause;
use crate::model::{ListType, Schema};
use crate::path::Path;
use crate::prune::{Known, known};

pub(super) fn check(schema: &Schema, value: &Value, path: &Path<'_>, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if let Known::As(schema) = known(schema, name) {
                    check(schema, value, &Path::Field(path, name), causes);
                }
            }
        }
        Value::Array(list) => {
            match schema.list_type {
                ListType::Atomic => {}
                ListType::Set => report(list.iter().cloned(), path, causes),
                ListType::Map => report(list.iter().map(|it| identity(schema, it)), path, causes),
            }
            let Some(items) = &schema.items else { return };
            for (index, value) in list.iter().enumerate() {
                check(items, value, &Path::Index(path, index), causes);
            }
        }
        _ => {}
    }
}

/// The fields that name an item of a list of type map.
fn identity(schema: &Schema, item: &Value) -> Value {
    let keys = schema.list_map_keys.iter();
    let named = keys.filter_map(|key| Some((key.to_string(), item.get(&**key)?.clone())));
    Value::Object(named.collect::<Map<_, _>>())
}

fn report(items: impl Iterator<Item = Value>, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let mut seen = HashSet::new();
    for (index, item) in items.enumerate() {
        if !seen.insert(item.to_string()) {
            causes.push(Cause::duplicate(Path::Index(path, index).to_string(), &item));
        }
    }
}

/// The first item that was there before.
pub(super) fn first_repeated(list: &[Value]) -> Option<usize> {
    let mut seen = HashSet::new();
    list.iter().position(|it| !seen.insert(it.to_string()))
}
