//! Bodies in protobuf: newer kubectl and typed Go clients send built-in kinds in it without being asked. They are read
//! into the tree that their JSON would give; JSON is what this server answers.

mod messages;
mod read;
mod wire;

use serde_json::Value;

use crate::{ApiError, kinds};
use read::{Reader, text_of};
use wire::Fields;

/// The content type.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// What every body starts with.
const MAGIC: &[u8] = b"k8s\0";

/// What is around every object: what it is, and its bytes.
#[derive(Default)]
struct Envelope<'a> {
    version: &'a str,
    kind: &'a str,
    raw: &'a [u8],
}

/// The object in a body, with its apiVersion and kind.
pub(crate) fn decode(body: &[u8]) -> Result<Value, ApiError> {
    let broken = || ApiError::bad_request("the body is not protobuf as Kubernetes writes it");
    let Envelope { version, kind, raw } = body.strip_prefix(MAGIC).and_then(envelope).ok_or_else(broken)?;
    let (group, of_group) = version.split_once('/').unwrap_or(("", version));
    let Some(message) = kinds::schema_name(group, of_group, kind).and_then(messages::find) else {
        let message = format!(
            "the body holds a {kind} of {version} in protobuf, which this server reads only for built-in kinds: send \
             JSON or YAML"
        );
        return Err(ApiError::new(415, "UnsupportedMediaType", message));
    };
    let mut object = Reader::default().message(message, raw).map_err(|it| match it {
        read::ReadMessage::Malformed => broken(),
        broken @ read::ReadMessage::KeepBudget { .. } => ApiError::bad_request(broken.to_string()),
    })?;
    object.insert("apiVersion".to_owned(), version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

/// Reads what is around an object; the last of a field that stands twice counts, as everywhere in protobuf.
fn envelope(bytes: &[u8]) -> Option<Envelope<'_>> {
    let mut found = Envelope::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, meta) => {
                for field in Fields::of(meta.bytes()?) {
                    match field? {
                        (1, text) => found.version = text_of(text)?,
                        (2, text) => found.kind = text_of(text)?,
                        _ => {}
                    }
                }
            }
            (2, raw) => found.raw = raw.bytes()?,
            _ => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests;
