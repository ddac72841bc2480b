//! The messages that are read: the fields of each built-in kind, by the numbers that they have on the wire.
//!
//! `data/builtin-messages.tsv` has a line for each message: its name, as schemas are named, and for each field
//! `number name form`. A form is what Go says about the field beside its type, one sign, and the type:
//!
//! | sign | in Go | a value that is zero |
//! |---|---|---|
//! | `?` | a pointer | was set: it is kept |
//! | `!` | no `omitempty` | is written in JSON: it is kept |
//! | none | `omitempty` | is not written in JSON: it is left out |
//! | `<` | embedded: its fields stand in the message around it | |
//!
//! Types are `s` text, `n` whole number, `f` number, `b` truth, `y` bytes, `m…` a message, `*…` several, `%…` a map,
//! `L…` a message of nothing but several, and those that have a JSON form of their own: `T` time, `U` time with
//! microseconds, `Q` quantity, `I` number or text, `R` JSON, `A…` a message of which one field is meant.

use std::collections::HashMap;
use std::sync::LazyLock;

static TABLE: &str = include_str!("../../data/builtin-messages.tsv");

/// Made when the first body in protobuf comes: a server that is never sent one pays nothing.
static MESSAGES: LazyLock<HashMap<&'static str, Message>> = LazyLock::new(|| {
    let message = |line: &'static str| {
        let mut parts = line.split('\t');
        Some((parts.next()?, Message { fields: parts.filter_map(field).collect() }))
    };
    TABLE.lines().filter_map(message).collect()
});

/// A message: its fields, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Message {
    fields: Vec<Field>,
}

/// One field of a message.
#[derive(Debug)]
pub(super) struct Field {
    number: u64,
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// Whether it is written in JSON also where it is zero.
    pub(super) keeps_zero: bool,
    /// Whether its own fields stand in the message around it.
    pub(super) embedded: bool,
}

/// What a field holds.
#[derive(Debug)]
pub(super) enum Form {
    Text,
    Whole,
    Float,
    Switch,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    NumberOrText,
    Json,
    Message(&'static str),
    /// A message of which one field is meant.
    Either(&'static str),
    List(Box<Form>),
    /// A message whose first field is the list.
    Wrapped(Box<Form>),
    Map(Box<Form>),
}

impl Message {
    pub(super) fn field(&self, number: u64) -> Option<&Field> {
        let at = self.fields.binary_search_by_key(&number, |it| it.number).ok()?;
        self.fields.get(at)
    }
}

/// The message of a schema's name: `io.k8s.api.core.v1.Pod`.
pub(super) fn find(name: &str) -> Option<&'static Message> {
    MESSAGES.get(name)
}

fn field(text: &'static str) -> Option<Field> {
    let mut parts = text.split(' ');
    let (number, name, form) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
    let of_type = form.trim_start_matches(['?', '!', '<']);
    Some(Field {
        number,
        name,
        form: self::form(of_type)?,
        keeps_zero: form.starts_with(['?', '!']),
        embedded: form.starts_with('<'),
    })
}

fn form(text: &'static str) -> Option<Form> {
    let rest = text.get(1..)?;
    let of = |make: fn(Box<Form>) -> Form| form(rest).map(|it| make(Box::new(it)));
    Some(match text.as_bytes().first()? {
        b's' => Form::Text,
        b'n' => Form::Whole,
        b'f' => Form::Float,
        b'b' => Form::Switch,
        b'y' => Form::Bytes,
        b'T' => Form::Time,
        b'U' => Form::MicroTime,
        b'Q' => Form::Quantity,
        b'I' => Form::NumberOrText,
        b'R' => Form::Json,
        b'm' => Form::Message(rest),
        b'A' => Form::Either(rest),
        b'*' => of(Form::List)?,
        b'L' => of(Form::Wrapped)?,
        b'%' => of(Form::Map)?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
