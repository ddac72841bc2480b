//! From the fields on the wire to the tree that the same object's JSON would give, with budgets.

use base64::Engine as _;
use serde_json::{Map, Number, Value};

use super::messages::{Field, Form, Message, find};
use super::wire::{Fields, Payload};

/// How deep messages may nest.
const DEPTH: usize = 100;
/// How many values a body may hold, as in JSON.
const VALUES: usize = 500_000;
/// An object takes as much memory as so many plain values.
const OBJECT: usize = 6;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadMessage {
    #[error("the bytes are not such a message")]
    Malformed,
    #[error("the body breaks the limit of {limit} {what}")]
    KeepBudget { what: &'static str, limit: usize },
}

type Read<T> = Result<T, ReadMessage>;

/// Reads one body.
pub(super) struct Reader {
    values: usize,
    depth: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self { values: VALUES, depth: DEPTH }
    }
}

impl Reader {
    /// A message as an object. Fields that the table does not name are left out, as in a server of that version.
    pub(super) fn message(&mut self, message: &Message, bytes: &[u8]) -> Read<Map<String, Value>> {
        self.spend(OBJECT)?;
        let broken = ReadMessage::KeepBudget { what: "levels of nesting", limit: DEPTH };
        self.depth = self.depth.checked_sub(1).ok_or(broken)?;
        let mut object = Map::new();
        for field in Fields::of(bytes) {
            let (number, payload) = field.ok_or(ReadMessage::Malformed)?;
            if let Some(field) = message.field(number) {
                self.add(&mut object, field, payload)?;
            }
        }
        self.depth += 1;
        Ok(object)
    }

    fn add(&mut self, object: &mut Map<String, Value>, field: &Field, payload: Payload<'_>) -> Read<()> {
        match &field.form {
            Form::List(form) => {
                let value = self.value(form, payload)?;
                let list = object.entry(field.name).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().ok_or(ReadMessage::Malformed)?.push(value);
            }
            Form::Map(form) => {
                let (key, value) = self.entry(form, payload)?;
                let map = object.entry(field.name).or_insert_with(|| Value::Object(Map::new()));
                map.as_object_mut().ok_or(ReadMessage::Malformed)?.insert(key, value);
            }
            form => match self.value(form, payload)? {
                Value::Object(fields) if field.embedded => object.extend(fields),
                // A time that is not set has no fields.
                Value::Null => {}
                value if is_zero(&value) && !field.keeps_zero => {
                    object.remove(field.name);
                }
                value => {
                    object.insert(field.name.to_owned(), value);
                }
            },
        }
        Ok(())
    }

    fn value(&mut self, form: &Form, payload: Payload<'_>) -> Read<Value> {
        self.spend(1)?;
        match form {
            Form::Message(name) => {
                let message = find(name).ok_or(ReadMessage::Malformed)?;
                Ok(Value::Object(self.message(message, payload.bytes().ok_or(ReadMessage::Malformed)?)?))
            }
            Form::Either(name) => {
                let message = find(name).ok_or(ReadMessage::Malformed)?;
                Ok(either(self.message(message, payload.bytes().ok_or(ReadMessage::Malformed)?)?))
            }
            Form::Wrapped(form) => {
                let mut list = Vec::new();
                for field in Fields::of(payload.bytes().ok_or(ReadMessage::Malformed)?) {
                    let (_, payload) = field.ok_or(ReadMessage::Malformed)?;
                    list.push(self.value(form, payload)?);
                }
                Ok(Value::Array(list))
            }
            Form::Json => self.json(payload),
            plain => scalar(plain, payload).ok_or(ReadMessage::Malformed),
        }
    }

    /// One entry of a map: key 1, value 2. Of a value that is zero there may be no bytes.
    fn entry(&mut self, form: &Form, payload: Payload<'_>) -> Read<(String, Value)> {
        let (mut key, mut value) = (String::new(), None);
        for field in Fields::of(payload.bytes().ok_or(ReadMessage::Malformed)?) {
            match field.ok_or(ReadMessage::Malformed)? {
                (1, text) => text_of(text).ok_or(ReadMessage::Malformed)?.clone_into(&mut key),
                (2, payload) => value = Some(self.value(form, payload)?),
                _ => {}
            }
        }
        let missing = if matches!(form, Form::Whole | Form::Switch) { Payload::Number(0) } else { Payload::Bytes(&[]) };
        Ok((key, value.map_or_else(|| self.value(form, missing), Ok)?))
    }

    /// JSON inside of the message, in its first field.
    fn json(&mut self, payload: Payload<'_>) -> Read<Value> {
        let mut raw: &[u8] = &[];
        for field in Fields::of(payload.bytes().ok_or(ReadMessage::Malformed)?) {
            if let (1, payload) = field.ok_or(ReadMessage::Malformed)? {
                raw = payload.bytes().ok_or(ReadMessage::Malformed)?;
            }
        }
        if raw.is_empty() {
            return Ok(Value::Null);
        }
        // What it can hold is bounded by its bytes, and no value is less than two of them.
        self.spend(raw.len() / 2)?;
        fairway_schema::decode_json(raw, None).map(|it| it.value).map_err(|_| ReadMessage::Malformed)
    }

    fn spend(&mut self, values: usize) -> Read<()> {
        let broken = ReadMessage::KeepBudget { what: "values", limit: VALUES };
        self.values = self.values.checked_sub(values).ok_or(broken)?;
        Ok(())
    }
}

/// Text, if the payload is that.
pub(super) fn text_of(payload: Payload<'_>) -> Option<&str> {
    std::str::from_utf8(payload.bytes()?).ok()
}

/// What fits in no more than a few bytes and needs no budget.
fn scalar(form: &Form, payload: Payload<'_>) -> Option<Value> {
    Some(match form {
        Form::Text => text_of(payload)?.into(),
        // Two's complement, as the wire has it.
        Form::Whole => payload.number()?.cast_signed().into(),
        Form::Switch => (payload.number()? != 0).into(),
        Form::Bytes => base64::prelude::BASE64_STANDARD.encode(payload.bytes()?).into(),
        Form::Float => float(f64::from_bits(payload.number()?))?,
        Form::Time => time(payload.bytes()?, 0)?,
        Form::MicroTime => time(payload.bytes()?, 6)?,
        Form::Quantity => text_of(numbered(payload.bytes()?, 1, Payload::Bytes(b"0"))?)?.into(),
        Form::NumberOrText => number_or_text(payload.bytes()?)?,
        _ => return None,
    })
}

/// The last field of that number, or what it is where there is none.
fn numbered<'a>(bytes: &'a [u8], number: u64, mut otherwise: Payload<'a>) -> Option<Payload<'a>> {
    for field in Fields::of(bytes) {
        let (at, payload) = field?;
        if at == number {
            otherwise = payload;
        }
    }
    Some(otherwise)
}

fn whole(bytes: &[u8], number: u64) -> Option<i64> {
    Some(numbered(bytes, number, Payload::Number(0))?.number()?.cast_signed())
}

/// A number without a fraction is written without one.
fn float(number: f64) -> Option<Value> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and of no more than 53 bits")]
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return Some((number as i64).into());
    }
    Number::from_f64(number).map(Value::Number)
}

/// Seconds 1, nanoseconds 2; without either no time is set.
fn time(bytes: &[u8], digits: u8) -> Option<Value> {
    if bytes.is_empty() {
        return Some(Value::Null);
    }
    let time = jiff::Timestamp::new(whole(bytes, 1)?, i32::try_from(whole(bytes, 2)?).ok()?).ok()?;
    let form = if digits == 0 { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S.%6fZ" };
    Some(time.strftime(form).to_string().into())
}

/// Which of both 1, number 2, text 3.
fn number_or_text(bytes: &[u8]) -> Option<Value> {
    Some(match whole(bytes, 1)? {
        1 => text_of(numbered(bytes, 3, Payload::Bytes(b""))?)?.into(),
        _ => whole(bytes, 2)?.into(),
    })
}

/// A schema, or what may stand in its place: several of them, names, or whether anything is allowed.
fn either(mut message: Map<String, Value>) -> Value {
    let meant = ["schema", "jSONSchemas", "property"].into_iter().find_map(|it| message.remove(it));
    meant.unwrap_or_else(|| Value::Bool(message.remove("allows").is_some()))
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(truth) => !truth,
        _ => false,
    }
}
