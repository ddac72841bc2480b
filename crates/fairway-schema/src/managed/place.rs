//! What the schema makes of the value at one place: a scalar, a list or a map, owned whole or item by item.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::path::PathElement;
use crate::compile::object_meta;
use crate::{Additional, ListType, MapType, Schema, Type};

/// Where a walk stands.
#[derive(Clone, Copy)]
pub(super) enum Place<'s> {
    /// At the root of an object, which has `apiVersion`, `kind` and `metadata` whatever its schema says.
    Root(&'s Schema),
    /// At a place the schema describes.
    At(&'s Schema),
    /// Where nothing is declared: maps are owned field by field, lists whole.
    Deduced,
    /// Inside a list where nothing is declared: everything is owned whole.
    Whole,
}

/// How a value is walked.
#[derive(Clone, Copy)]
pub(super) enum Atom<'s> {
    Scalar(Scalar),
    List(List<'s>),
    Map(Fields<'s>),
}

/// What a scalar may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Any,
    String,
    Number,
    Boolean,
}

/// A list.
#[derive(Clone, Copy)]
pub(super) struct List<'s> {
    pub(super) relation: ListType,
    keys: &'s [Box<str>],
    pub(super) items: Place<'s>,
}

/// An object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'s> {
    pub(super) whole: bool,
    declared: Option<&'s Schema>,
    /// Whether it is a Kubernetes object of its own.
    is_object: bool,
    /// What fields that are not declared are; none where they may not be.
    rest: Option<Place<'s>>,
}

impl<'s> Place<'s> {
    /// How this value is walked here.
    pub(super) fn atom(self, value: &Value) -> Atom<'s> {
        match self {
            Self::Root(schema) => Atom::Map(fields(schema, true)),
            Self::At(schema) => described(schema, value),
            Self::Deduced => undeclared(value, false),
            Self::Whole => undeclared(value, true),
        }
    }
}

impl Atom<'_> {
    /// Whether both are walked in the same way.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

fn described<'s>(schema: &'s Schema, value: &Value) -> Atom<'s> {
    match schema.r#type {
        Type::Object => Atom::Map(fields(schema, schema.embedded_resource)),
        Type::Array => Atom::List(List {
            relation: schema.list_type,
            keys: &schema.list_map_keys,
            items: schema.items.as_ref().map_or(Place::Whole, |it| Place::At(it)),
        }),
        Type::String => Atom::Scalar(Scalar::String),
        Type::Integer | Type::Number => Atom::Scalar(Scalar::Number),
        Type::Boolean => Atom::Scalar(Scalar::Boolean),
        Type::IntOrString => Atom::Scalar(Scalar::Any),
        Type::Any if !schema.properties.is_empty() && value.is_object() => {
            Atom::Map(fields(schema, schema.embedded_resource))
        }
        Type::Any => undeclared(value, !schema.preserve_unknown),
    }
}

fn undeclared<'s>(value: &Value, whole: bool) -> Atom<'s> {
    match value {
        Value::Array(_) => Atom::List(List { relation: ListType::Atomic, keys: &[], items: Place::Whole }),
        Value::Object(_) | Value::Null => {
            let rest = Some(if whole { Place::Whole } else { Place::Deduced });
            Atom::Map(Fields { whole, declared: None, is_object: false, rest })
        }
        _ => Atom::Scalar(Scalar::Any),
    }
}

fn fields(schema: &Schema, is_object: bool) -> Fields<'_> {
    // An object without any declared field is free-form.
    let free = schema.preserve_unknown || schema.properties.is_empty();
    let rest = match &schema.additional {
        Additional::Of(link) => Some(Place::At(link)),
        Additional::Anything => Some(Place::Deduced),
        Additional::Denied => free.then_some(Place::Deduced),
    };
    Fields { whole: schema.map_type == MapType::Atomic, declared: Some(schema), is_object, rest }
}

impl<'s> Fields<'s> {
    /// The place of a field that the schema declares by name.
    pub(super) fn declared(&self, name: &str) -> Option<Place<'s>> {
        let found = self.declared.and_then(|schema| schema.properties.get(name));
        if self.is_object {
            match name {
                "metadata" if found.is_none_or(|it| it.properties.is_empty()) => return Some(Place::At(object_meta())),
                "apiVersion" | "kind" if found.is_none() => return Some(Place::At(&TEXT)),
                _ => {}
            }
        }
        found.map(|it| Place::At(it))
    }

    /// The place of any field that may be here; none for one that may not.
    pub(super) fn allowed(&self, name: &str) -> Option<Place<'s>> {
        self.declared(name).or(self.rest)
    }

    /// The place of any field. One that may not be here can still be found in an object that was stored before.
    pub(super) fn field(&self, name: &str) -> Place<'s> {
        self.allowed(name).unwrap_or(Place::Deduced)
    }
}

impl List<'_> {
    /// The step that names this item, or why none does.
    pub(super) fn step(&self, item: &Value) -> Result<PathElement, String> {
        match self.relation {
            ListType::Map => self.keyed(item),
            ListType::Set => match item {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
                _ => Ok(PathElement::value(item)),
            },
            ListType::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        }
    }

    fn keyed(&self, item: &Value) -> Result<PathElement, String> {
        let fields = match item {
            Value::Object(fields) => fields,
            Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
            _ => return Err("associative list with keys may not have non-map elements".to_owned()),
        };
        let mut found = Map::new();
        for key in self.keys {
            if let Some(value) = fields.get(&**key).or_else(|| self.default_of(key)) {
                found.insert(key.to_string(), value.clone());
            }
        }
        if found.is_empty() {
            let keys = self.keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(" ");
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{keys}] (and doesn't have default values for any key fields)"
            ));
        }
        Ok(PathElement::key(found))
    }

    fn default_of(&self, key: &str) -> Option<&Value> {
        match self.items {
            Place::At(items) => items.properties.get(key)?.default.as_ref(),
            _ => None,
        }
    }
}

static TEXT: LazyLock<Schema> = LazyLock::new(|| Schema { r#type: Type::String, ..Schema::default() });
