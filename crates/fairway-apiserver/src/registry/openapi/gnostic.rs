//! OpenAPI v2 in protobuf: the messages of gnostic's `openapi.v2.Document`, as far as our documents use them.

use serde_json::{Map, Value};

/// A message: what its fields are called in JSON, their numbers and forms.
struct Message {
    fields: &'static [(&'static str, u64, Form)],
    /// The number of the field for `x-…`; 0 where there is none.
    extensions: u64,
}

/// What a field holds.
enum Form {
    Text,
    Texts,
    Flag,
    Whole,
    Number,
    /// Any value, as YAML.
    Any,
    Anys,
    Message(&'static Message),
    Messages(&'static Message),
    /// Messages by name: each a message of name 1 and value 2, in a message of nothing else but them.
    Named(u64, &'static Message),
    /// A message of which field 1 is meant.
    In1(&'static Message),
    /// One text or several, in a message.
    Types,
    /// A schema 1, or whether anything is allowed 2.
    Additional,
    /// In the body 1, or 2 elsewhere: in the query 3, in the path 4.
    Parameters,
}

use Form::{Additional, Any, Anys, Flag, In1, Messages, Named, Number, Parameters, Text, Texts, Types, Whole};

static DOCUMENT: Message = Message {
    fields: &[
        ("swagger", 1, Text),
        ("info", 2, Form::Message(&INFO)),
        ("paths", 8, Named(2, &PATH_ITEM)),
        ("definitions", 9, Named(1, &SCHEMA)),
    ],
    extensions: 16,
};

static INFO: Message = Message { fields: &[("title", 1, Text), ("version", 2, Text)], extensions: 7 };

static PATH_ITEM: Message = Message {
    fields: &[
        ("get", 2, Form::Message(&OPERATION)),
        ("put", 3, Form::Message(&OPERATION)),
        ("post", 4, Form::Message(&OPERATION)),
        ("delete", 5, Form::Message(&OPERATION)),
        ("patch", 8, Form::Message(&OPERATION)),
        ("parameters", 9, Parameters),
    ],
    extensions: 10,
};

static OPERATION: Message = Message {
    fields: &[
        ("description", 3, Text),
        ("operationId", 5, Text),
        ("produces", 6, Texts),
        ("consumes", 7, Texts),
        ("parameters", 8, Parameters),
        ("responses", 9, Named(1, &RESPONSE_VALUE)),
    ],
    extensions: 13,
};

/// The answer itself, rather than a reference to one.
static RESPONSE_VALUE: Message = Message { fields: &[("", 1, Form::Message(&RESPONSE))], extensions: 0 };

static RESPONSE: Message = Message { fields: &[("description", 1, Text), ("schema", 2, In1(&SCHEMA))], extensions: 5 };

static BODY: Message = Message {
    fields: &[
        ("description", 1, Text),
        ("name", 2, Text),
        ("in", 3, Text),
        ("required", 4, Flag),
        ("schema", 5, Form::Message(&SCHEMA)),
    ],
    extensions: 6,
};

static IN_QUERY: Message = Message {
    fields: &[
        ("required", 1, Flag),
        ("in", 2, Text),
        ("description", 3, Text),
        ("name", 4, Text),
        ("type", 6, Text),
        ("uniqueItems", 20, Flag),
    ],
    extensions: 23,
};

static IN_PATH: Message = Message {
    fields: &[("required", 1, Flag), ("in", 2, Text), ("description", 3, Text), ("name", 4, Text), ("type", 5, Text)],
    extensions: 22,
};

static SCHEMA: Message = Message {
    fields: &[
        ("$ref", 1, Text),
        ("format", 2, Text),
        ("title", 3, Text),
        ("description", 4, Text),
        ("default", 5, Any),
        ("multipleOf", 6, Number),
        ("maximum", 7, Number),
        ("exclusiveMaximum", 8, Flag),
        ("minimum", 9, Number),
        ("exclusiveMinimum", 10, Flag),
        ("maxLength", 11, Whole),
        ("minLength", 12, Whole),
        ("pattern", 13, Text),
        ("maxItems", 14, Whole),
        ("minItems", 15, Whole),
        ("uniqueItems", 16, Flag),
        ("maxProperties", 17, Whole),
        ("minProperties", 18, Whole),
        ("required", 19, Texts),
        ("enum", 20, Anys),
        ("additionalProperties", 21, Additional),
        ("type", 22, Types),
        ("items", 23, In1(&SCHEMA)),
        ("allOf", 24, Messages(&SCHEMA)),
        ("properties", 25, Named(1, &SCHEMA)),
        ("example", 30, Any),
    ],
    extensions: 31,
};

/// A document of version 2 in protobuf.
pub(crate) fn encode(document: &Value) -> Vec<u8> {
    message(&DOCUMENT, document)
}

fn message(message: &Message, value: &Value) -> Vec<u8> {
    let mut into = Vec::new();
    for (name, number, form) in message.fields {
        // A field without a name is the value itself.
        match if name.is_empty() { Some(value) } else { value.get(name) } {
            Some(Value::Null) | None => {}
            Some(it) => field(&mut into, *number, form, it),
        }
    }
    let extensions = value.as_object().into_iter().flatten().filter(|it| it.0.starts_with("x-"));
    for (name, it) in extensions.filter(|_| message.extensions > 0) {
        bytes(&mut into, message.extensions, &named(name, &any(it)));
    }
    into
}

fn field(into: &mut Vec<u8>, number: u64, form: &Form, value: &Value) {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    match form {
        Text => bytes(into, number, text(value).as_bytes()),
        Texts => list.iter().for_each(|it| bytes(into, number, text(it).as_bytes())),
        Flag => whole(into, number, value.as_bool().unwrap_or_default().into()),
        Whole => whole(into, number, value.as_u64().unwrap_or_default()),
        Number => float(into, number, value.as_f64().unwrap_or_default()),
        Any => bytes(into, number, &any(value)),
        Anys => list.iter().for_each(|it| bytes(into, number, &any(it))),
        Form::Message(of) => bytes(into, number, &message(of, value)),
        Messages(of) => list.iter().for_each(|it| bytes(into, number, &message(of, it))),
        Named(inner, of) => bytes(into, number, &by_name(*inner, of, value.as_object())),
        In1(of) => bytes(into, number, &one(1, &message(of, value))),
        Types if list.is_empty() => bytes(into, number, &one(1, text(value).as_bytes())),
        Types => bytes(into, number, &list.iter().flat_map(|it| one(1, text(it).as_bytes())).collect::<Vec<_>>()),
        Additional => bytes(into, number, &additional(value)),
        Parameters => list.iter().for_each(|it| bytes(into, number, &one(1, &parameter(it)))),
    }
}

fn by_name(number: u64, of: &Message, values: Option<&Map<String, Value>>) -> Vec<u8> {
    let values = values.into_iter().flatten();
    values.flat_map(|(name, it)| one(number, &named(name, &message(of, it)))).collect()
}

fn named(name: &str, value: &[u8]) -> Vec<u8> {
    [one(1, name.as_bytes()), one(2, value)].concat()
}

fn additional(value: &Value) -> Vec<u8> {
    let mut into = Vec::new();
    match value.as_bool() {
        Some(allowed) => whole(&mut into, 2, allowed.into()),
        None => bytes(&mut into, 1, &message(&SCHEMA, value)),
    }
    into
}

fn parameter(value: &Value) -> Vec<u8> {
    match text(&value["in"]) {
        "body" => one(1, &message(&BODY, value)),
        "query" => one(2, &one(3, &message(&IN_QUERY, value))),
        _ => one(2, &one(4, &message(&IN_PATH, value))),
    }
}

/// JSON is YAML.
fn any(value: &Value) -> Vec<u8> {
    one(2, value.to_string().as_bytes())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn one(number: u64, content: &[u8]) -> Vec<u8> {
    let mut into = Vec::with_capacity(content.len() + 6);
    bytes(&mut into, number, content);
    into
}

fn bytes(into: &mut Vec<u8>, number: u64, content: &[u8]) {
    varint(into, number << 3 | 2);
    varint(into, content.len() as u64);
    into.extend_from_slice(content);
}

fn whole(into: &mut Vec<u8>, number: u64, value: u64) {
    varint(into, number << 3);
    varint(into, value);
}

fn float(into: &mut Vec<u8>, number: u64, value: f64) {
    varint(into, number << 3 | 1);
    into.extend_from_slice(&value.to_le_bytes());
}

fn varint(into: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests;
