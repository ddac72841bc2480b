//! The schema tree that everything else walks, compiled once from OpenAPI v3 (built-in kinds) or from a
//! CustomResourceDefinition.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::pattern::Pattern;

/// One node of a schema.
#[derive(Debug, Default, Clone)]
pub struct Schema {
    /// The name of the type where it has one: `io.k8s.api.core.v1.Container`.
    pub name: Option<Box<str>>,
    /// What JSON type a value must have.
    pub r#type: Type,
    /// `int32`, `date-time`, `byte`, `quantity` …
    pub format: Option<Box<str>>,
    /// The field's documentation, for `kubectl explain`.
    pub description: Option<Box<str>>,
    /// Whether `null` is a value.
    pub nullable: bool,
    /// The known fields of an object.
    pub properties: BTreeMap<Box<str>, Link>,
    /// The fields an object must have.
    pub required: Vec<Box<str>>,
    /// What fields beside `properties` an object may have.
    pub additional: Additional,
    /// The schema of each item of a list.
    pub items: Option<Link>,
    /// The value that is set where none was given.
    pub default: Option<Value>,
    /// The only values allowed, if not empty.
    pub enumeration: Vec<Value>,
    /// Rules about values that few nodes have.
    pub rules: Option<Box<Rules>>,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`.
    pub embedded_resource: bool,
    /// How two versions of a list are merged (server-side apply).
    pub list_type: ListType,
    /// Which fields name an item of a list of type map.
    pub list_map_keys: Vec<Box<str>>,
    /// How two versions of an object are merged (server-side apply).
    pub map_type: MapType,
    /// `merge`, `replace`, `retainKeys` (strategic merge patch; `x-kubernetes-patch-strategy`, comma separated there).
    pub patch_strategy: Vec<Box<str>>,
    /// Which field names an item of a list (strategic merge patch).
    pub patch_merge_key: Option<Box<str>>,
    /// `x-kubernetes-validations`, kept as they came.
    pub validations: Vec<Value>,
}

/// Rules about a value beyond its type.
#[derive(Debug, Default, Clone)]
pub struct Rules {
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub exclusive_minimum: bool,
    pub exclusive_maximum: bool,
    pub multiple_of: Option<f64>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub pattern: Option<Pattern>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub unique_items: bool,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
    pub all_of: Vec<Link>,
    pub any_of: Vec<Link>,
    pub one_of: Vec<Link>,
    pub not: Option<Link>,
}

/// The JSON type a schema asks for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// No type was given: anything goes.
    #[default]
    Any,
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    /// `x-kubernetes-int-or-string`.
    IntOrString,
}

/// What an object may hold beside its known fields.
#[derive(Debug, Default, Clone)]
pub enum Additional {
    /// Nothing.
    #[default]
    Denied,
    /// Values of one schema under any name: a map.
    Of(Link),
    /// Anything (`additionalProperties: true`).
    Anything,
}

/// `x-kubernetes-list-type`; without it a list is atomic.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum ListType {
    #[default]
    Atomic,
    Set,
    Map,
}

/// `x-kubernetes-map-type`; without it an object is granular.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum MapType {
    #[default]
    Granular,
    Atomic,
}

/// A way to another schema. Schemas may refer to themselves (a JSON schema describes JSON schemas), so a link is
/// made first and filled later, or makes its schema when it is first followed. Following one that was neither filled
/// nor given a maker is a bug of the compiler that made it.
#[derive(Clone)]
pub struct Link(Arc<Slot>);

struct Slot {
    schema: OnceLock<Schema>,
    make: Option<Make>,
}

type Make = Box<dyn Fn() -> Schema + Send + Sync>;

impl Link {
    /// A link to a schema that is already known.
    pub fn new(schema: Schema) -> Self {
        Self(Arc::new(Slot { schema: OnceLock::from(schema), make: None }))
    }

    /// A link that [`Link::fill`] completes.
    pub fn empty() -> Self {
        Self(Arc::new(Slot { schema: OnceLock::new(), make: None }))
    }

    /// A link that makes its schema when it is first followed: most of Kubernetes' schemas are never needed. `make`
    /// must not follow the link itself.
    pub fn lazy(make: impl Fn() -> Schema + Send + Sync + 'static) -> Self {
        Self(Arc::new(Slot { schema: OnceLock::new(), make: Some(Box::new(make)) }))
    }

    /// Sets what the link leads to; a second call changes nothing.
    pub fn fill(&self, schema: Schema) {
        let _ = self.0.schema.set(schema);
    }
}

impl Deref for Link {
    type Target = Schema;

    fn deref(&self) -> &Schema {
        match &self.0.make {
            Some(make) => self.0.schema.get_or_init(make),
            None => self.0.schema.get().expect("a schema link is filled before it is followed"),
        }
    }
}

impl fmt::Debug for Link {
    /// Names the type only: a schema may contain itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({:?})", self.0.schema.get().map(|it| it.r#type))
    }
}
