//! What is recorded: CloudEvents 1.0 attributes, and who did what to which object because of what.

use std::borrow::Cow;

use fairway_clock::Entropy;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chain::{Hash, Sequence, hex};

/// Data beyond this is left out and said to be: a record must never fail for its size.
const DATA_LIMIT: usize = 64 << 10;
/// And data that is nested deeper, which could not be read again.
const DEPTH_LIMIT: usize = 64;

/// The types of events that every ledger has.
pub mod types {
    /// An object was made.
    pub const OBJECT_CREATED: &str = "dev.fairway.object.created";
    /// An object was changed.
    pub const OBJECT_UPDATED: &str = "dev.fairway.object.updated";
    /// An object was removed.
    pub const OBJECT_DELETED: &str = "dev.fairway.object.deleted";
    /// A bundle's objects were applied.
    pub const BUNDLE_APPLIED: &str = "dev.fairway.bundle.applied";
    /// Somebody ran a command in a pod, or connected to its ports.
    pub const POD_ENTERED: &str = "dev.fairway.pod.entered";
    /// A write was refused.
    pub const REQUEST_REFUSED: &str = "dev.fairway.request.refused";
    /// Somebody logged in.
    pub const LOGIN: &str = "dev.fairway.login";
    /// Somebody was given a right.
    pub const ACCESS_GRANTED: &str = "dev.fairway.access.granted";
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unique, best from [`new_id`]; what later events name as their cause.
    pub id: String,
    /// Which part says so, `/apiserver`.
    pub source: String,
    /// One of [`types`], or another in reverse domain form.
    pub kind: String,
    /// What it is about, as people write it: `staging/deliveries/my-api`.
    pub subject: Option<String>,
    /// When; kept to the microsecond.
    pub time: Timestamp,
    /// Who did it.
    pub actor: String,
    /// The id of the event that led to it.
    pub cause: Option<String>,
    /// What was asked for, `create`.
    pub verb: String,
    /// The object it concerns.
    pub object: Option<ObjectRef>,
    /// More about it; small, and never a secret value. `Null` where there is nothing to say.
    pub data: Value,
}

/// An object at a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its API group; empty for the core group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty where it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID; empty where it is not known.
    pub uid: String,
    /// The revision that the event made or saw; 0 where there is none.
    pub revision: u64,
}

/// An event in its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place.
    pub sequence: Sequence,
    /// Over it and all before it.
    pub hash: Hash,
    /// What happened.
    pub event: Event,
}

/// The canonical form: CloudEvents JSON without spaces, keys in this (alphabetical) order. Extension attributes are
/// flat strings, as CloudEvents wants them.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    actor: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    cause: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "is_null", default)]
    data: Cow<'a, Value>,
    id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    objectgroup: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    objectkind: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    objectname: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    objectnamespace: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    objectrevision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    objectuid: Option<Cow<'a, str>>,
    sequence: String,
    source: Cow<'a, str>,
    specversion: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    subject: Option<Cow<'a, str>>,
    time: String,
    #[serde(rename = "type")]
    kind: Cow<'a, str>,
    verb: Cow<'a, str>,
}

/// An id for an event of this time: a UUID of version 7, random but for its beginning. Ids that grow with time keep
/// the ledger's indices together; with wholly random ones appending takes several times as long.
pub fn new_id(time: Timestamp, entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let milliseconds = u64::try_from(time.as_millisecond()).unwrap_or(0).to_be_bytes();
    bytes[..6].copy_from_slice(&milliseconds[2..]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

impl Event {
    /// Its canonical bytes at a place of the chain.
    pub(crate) fn to_body(&self, sequence: Sequence) -> Result<Vec<u8>, serde_json::Error> {
        let object = self.object.as_ref();
        let part = |of: fn(&ObjectRef) -> &String| object.map(|it| Cow::Borrowed(of(it).as_str()));
        let body = Body {
            actor: Cow::Borrowed(&self.actor),
            cause: self.cause.as_deref().map(Cow::Borrowed),
            data: bounded(&self.data),
            id: Cow::Borrowed(&self.id),
            objectgroup: part(|it| &it.group),
            objectkind: part(|it| &it.kind),
            objectname: part(|it| &it.name),
            objectnamespace: part(|it| &it.namespace),
            objectrevision: object.map(|it| it.revision.to_string()),
            objectuid: part(|it| &it.uid),
            sequence: sequence.to_string(),
            source: Cow::Borrowed(&self.source),
            specversion: Cow::Borrowed("1.0"),
            subject: self.subject.as_deref().map(Cow::Borrowed),
            time: time_to_text(self.time),
            kind: Cow::Borrowed(&self.kind),
            verb: Cow::Borrowed(&self.verb),
        };
        serde_json::to_vec(&body)
    }

    /// The event and its place, from its canonical bytes.
    pub(crate) fn from_body(body: &[u8]) -> Option<(Sequence, Self)> {
        let body: Body<'_> = serde_json::from_slice(body).ok()?;
        let sequence = body.sequence.parse().ok()?;
        let object = body.object()?;
        let event = Self {
            id: body.id.into_owned(),
            source: body.source.into_owned(),
            kind: body.kind.into_owned(),
            subject: body.subject.map(Cow::into_owned),
            time: body.time.parse().ok()?,
            actor: body.actor.into_owned(),
            cause: body.cause.map(Cow::into_owned),
            verb: body.verb.into_owned(),
            object,
            data: body.data.into_owned(),
        };
        Some((sequence, event))
    }
}

impl Body<'_> {
    /// The object, if there is one; none at all if it is only half there.
    #[expect(clippy::option_option, reason = "outside: is it readable, inside: is there one")]
    fn object(&self) -> Option<Option<ObjectRef>> {
        let Some(kind) = &self.objectkind else { return Some(None) };
        Some(Some(ObjectRef {
            group: self.objectgroup.as_deref()?.to_owned(),
            kind: kind.to_string(),
            namespace: self.objectnamespace.as_deref()?.to_owned(),
            name: self.objectname.as_deref()?.to_owned(),
            uid: self.objectuid.as_deref()?.to_owned(),
            revision: self.objectrevision.as_deref()?.parse().ok()?,
        }))
    }
}

#[expect(clippy::ptr_arg, reason = "serde gives it so")]
fn is_null(data: &Cow<'_, Value>) -> bool {
    data.is_null()
}

/// A time with all six digits of its microseconds, so that texts sort as times do.
pub(crate) fn time_to_text(time: Timestamp) -> String {
    format!("{time:.6}")
}

fn bounded(data: &Value) -> Cow<'_, Value> {
    if nested_deeper(data, DEPTH_LIMIT) {
        return Cow::Owned(serde_json::json!({ "omitted": format!("data is nested deeper than {DEPTH_LIMIT}") }));
    }
    let length = if data.is_null() { 0 } else { data.to_string().len() };
    if length <= DATA_LIMIT {
        return Cow::Borrowed(data);
    }
    Cow::Owned(serde_json::json!({ "omitted": format!("{length} bytes of data are over the limit of {DATA_LIMIT}") }))
}

fn nested_deeper(data: &Value, limit: usize) -> bool {
    let deeper = |it: &Value| limit == 0 || nested_deeper(it, limit - 1);
    match data {
        Value::Array(items) => items.iter().any(deeper),
        Value::Object(fields) => fields.values().any(deeper),
        _ => false,
    }
}
