//! Bodies in protobuf, for the few kinds that kubectl makes in it without being asked: JSON is what this server speaks.
//!
//! Go writes every plain field, also when it is empty; what is empty is left out, as it would be in JSON.

mod messages;
mod wire;

use serde_json::{Map, Value};

use crate::ApiError;
use messages::{Field, Form, message};
use wire::{Payload, fields};

/// The content type.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// What every body starts with.
const MAGIC: &[u8] = b"k8s\0";
/// How deep messages may nest.
const DEPTH: usize = 16;

/// The object in a body, with its apiVersion and kind.
pub(crate) fn decode(body: &[u8]) -> Result<Value, ApiError> {
    let broken = || ApiError::bad_request("the body is not protobuf as Kubernetes writes it");
    let envelope = body.strip_prefix(MAGIC).ok_or_else(broken)?;
    let envelope = read(messages::UNKNOWN, envelope, DEPTH).ok_or_else(broken)?;
    let text = |pointer: &str| envelope.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("/typeMeta/apiVersion"), text("/typeMeta/kind"));
    let Some(fields) = message(kind) else {
        let message = format!(
            "the body holds a {kind} of {version} in protobuf, which this server reads only for a few kinds: send JSON \
             or YAML, for example with `kubectl create -f` or `kubectl apply -f`"
        );
        return Err(ApiError::new(415, "UnsupportedMediaType", message));
    };
    let raw = raw_of(body.strip_prefix(MAGIC).unwrap_or_default()).ok_or_else(broken)?;
    let mut object = read(fields, raw, DEPTH).ok_or_else(broken)?;
    if let Value::Object(map) = &mut object {
        map.insert("apiVersion".to_owned(), version.into());
        map.insert("kind".to_owned(), kind.into());
    }
    Ok(object)
}

/// The bytes of the object inside the envelope; none if they are empty.
fn raw_of(envelope: &[u8]) -> Option<&[u8]> {
    let found = fields(envelope)?.into_iter().rev().find(|it| it.0 == 2);
    match found {
        Some((_, Payload::Bytes(raw))) => Some(raw),
        Some(_) => None,
        None => Some(&[]),
    }
}

/// A message as an object: fields that the table does not name are left out.
fn read(table: &[Field], bytes: &[u8], depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut object = Map::new();
    for (number, payload) in fields(bytes)? {
        let Some(field) = table.iter().find(|it| it.number == number) else { continue };
        add(&mut object, field, payload, depth)?;
    }
    Some(Value::Object(object))
}

fn add(object: &mut Map<String, Value>, field: &Field, payload: Payload<'_>, depth: usize) -> Option<()> {
    let name = field.name.to_owned();
    match (&field.form, payload) {
        (Form::Text, Payload::Bytes(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            if !text.is_empty() {
                object.insert(name, text.into());
            }
        }
        (Form::Number, Payload::Number(number)) => {
            // Two's complement, as the wire has it.
            object.insert(name, number.cast_signed().into());
        }
        (Form::Switch, Payload::Number(number)) => {
            object.insert(name, (number != 0).into());
        }
        (Form::Message(table), Payload::Bytes(bytes)) => {
            let value = read(table, bytes, depth)?;
            if value.as_object().is_some_and(|it| !it.is_empty()) {
                object.insert(name, value);
            }
        }
        (Form::Texts, Payload::Bytes(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            object.entry(name).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()?.push(text.into());
        }
        (Form::Messages(table), Payload::Bytes(bytes)) => {
            let value = read(table, bytes, depth)?;
            object.entry(name).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()?.push(value);
        }
        (Form::TextMap | Form::ByteMap, Payload::Bytes(bytes)) => {
            let (key, value) = entry(bytes, matches!(field.form, Form::ByteMap))?;
            object.entry(name).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?.insert(key, value);
        }
        _ => return None,
    }
    Some(())
}

/// One entry of a map: key 1, value 2. Bytes are base64 in JSON.
fn entry(bytes: &[u8], raw: bool) -> Option<(String, Value)> {
    use base64::Engine as _;
    let (mut key, mut value) = (String::new(), Value::from(""));
    for (number, payload) in fields(bytes)? {
        match (number, payload) {
            (1, Payload::Bytes(bytes)) => std::str::from_utf8(bytes).ok()?.clone_into(&mut key),
            (2, Payload::Bytes(bytes)) if raw => value = base64::prelude::BASE64_STANDARD.encode(bytes).into(),
            (2, Payload::Bytes(bytes)) => value = std::str::from_utf8(bytes).ok()?.into(),
            _ => return None,
        }
    }
    Some((key, value))
}

#[cfg(test)]
mod tests;
