//! Objects as bytes: how they are kept, and how they are served without being parsed.
//!
//! Kept is `{"metadata":{…},…}`: metadata first, without apiVersion, kind and metadata.resourceVersion. Those three
//! differ by the version asked for and by the write, and are spliced in at the front when the object is served.

mod meta;

use std::io::Write as _;

use bytes::Bytes;
use fairway_store::{Labels, Revision};
use serde_json::{Map, Value};

use crate::{Origin, Resource};

pub(crate) use meta::{Meta, OwnerReference, meta, meta_mut, text_at};

/// What every kept object starts with.
const OPENING: &[u8] = b"{\"metadata\":{";

/// The bytes under which an object is kept.
pub(crate) fn encode(object: &Value) -> Bytes {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(OPENING);
    if let Some(metadata) = object.get("metadata").and_then(Value::as_object) {
        write_members(&mut out, metadata, |key| key != "resourceVersion", true);
    }
    out.push(b'}');
    if let Some(object) = object.as_object() {
        write_members(&mut out, object, |key| !matches!(key, "apiVersion" | "kind" | "metadata"), false);
    }
    out.push(b'}');
    Bytes::from(out)
}

/// Writes members of an object; the first of them is preceded by a comma unless it is the first of its object.
fn write_members(out: &mut Vec<u8>, map: &Map<String, Value>, keep: impl Fn(&str) -> bool, mut first: bool) {
    for (key, value) in map.iter().filter(|(key, _)| keep(key)) {
        if !first {
            out.push(b',');
        }
        first = false;
        // Writing to memory does not fail, nor does serializing a `Value`.
        let _ = serde_json::to_writer(&mut *out, key);
        out.push(b':');
        let _ = serde_json::to_writer(&mut *out, value);
    }
}

/// Adds what an object says of itself when it is served.
pub(crate) fn complete(resource: &Resource, object: &mut Value, revision: Option<Revision>) {
    if let Value::Object(map) = object {
        map.insert("apiVersion".to_owned(), Value::String(api_version(resource)));
        map.insert("kind".to_owned(), Value::String(resource.kind.to_string()));
        if let Some(revision) = revision {
            meta_mut(object).insert("resourceVersion".to_owned(), Value::String(revision.to_string()));
        }
    }
}

/// The object behind kept bytes as it is kept.
pub(crate) fn parse(value: &[u8]) -> Value {
    // The bytes were written by `encode`; a store that gives others back has lost them, and null is refused later.
    serde_json::from_slice(value).unwrap_or_else(|error| {
        tracing::error!(%error, "a kept object is not JSON");
        Value::Null
    })
}

/// `apps/v1`, or `v1` for the core group.
pub(crate) fn api_version(resource: &Resource) -> String {
    if resource.group.is_empty() {
        resource.version.to_string()
    } else {
        format!("{}/{}", resource.group, resource.version)
    }
}

/// The labels of an object, as the store wants them.
pub(crate) fn labels(object: &Value) -> Labels {
    let Some(labels) = object.pointer("/metadata/labels").and_then(Value::as_object) else { return Labels::default() };
    labels.iter().filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into()))).collect()
}

/// What precedes the members of metadata of every object of one resource.
#[derive(Debug, Clone)]
pub(crate) struct Splice {
    /// `{"kind":"Pod","apiVersion":"v1","metadata":{`
    whole: Box<[u8]>,
    /// The same inside a list: objects of built-in kinds do not repeat what their list says.
    item: Box<[u8]>,
}

impl Splice {
    pub(crate) fn new(resource: &Resource) -> Self {
        let (kind, version) = (quoted(&resource.kind), quoted(&api_version(resource)));
        if resource.origin == Origin::BuiltIn {
            let whole = format!("{{\"kind\":{kind},\"apiVersion\":{version},\"metadata\":{{");
            return Self { whole: whole.into_bytes().into(), item: OPENING.into() };
        }
        let whole: Box<[u8]> =
            format!("{{\"apiVersion\":{version},\"kind\":{kind},\"metadata\":{{").into_bytes().into();
        Self { item: whole.clone(), whole }
    }

    /// Appends an object on its own.
    pub(crate) fn write(&self, out: &mut Vec<u8>, value: &[u8], revision: Option<Revision>) {
        splice(out, &self.whole, value, revision);
    }

    /// Appends an object as an item of a list.
    pub(crate) fn write_item(&self, out: &mut Vec<u8>, value: &[u8], revision: Revision) {
        splice(out, &self.item, value, Some(revision));
    }
}

fn splice(out: &mut Vec<u8>, opening: &[u8], value: &[u8], revision: Option<Revision>) {
    let rest = value.strip_prefix(OPENING).unwrap_or(b"}}");
    out.extend_from_slice(opening);
    if let Some(revision) = revision {
        // Writing to memory does not fail.
        let _ = write!(out, "\"resourceVersion\":\"{revision}\"");
        if rest.first() != Some(&b'}') {
            out.push(b',');
        }
    }
    out.extend_from_slice(rest);
}

/// A string as JSON.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
