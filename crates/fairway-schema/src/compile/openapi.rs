//! `components.schemas` of an OpenAPI v3 document, whose schemas refer to each other by name.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{self, Children};
use crate::model::{Link, Schema, Type};

const PREFIX: &str = "#/components/schemas/";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/// Why a document cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileSchema {
    #[error("schema {name:?} is not an object")]
    ReadSchema { name: String },
    #[error("a property refers to {reference:?}, which is not among the schemas")]
    FollowReference { reference: String },
}

/// Compiles every schema of `components.schemas`, by its full name (`io.k8s.api.core.v1.Pod`).
pub fn openapi(components: &Map<String, Value>) -> Result<BTreeMap<String, Link>, CompileSchema> {
    let named: BTreeMap<String, Link> = components.keys().map(|it| (it.clone(), Link::empty())).collect();
    for (name, node) in components {
        named[name].fill(component(name, node, &|it| named.get(it).cloned())?);
    }
    Ok(named)
}

/// Compiles one schema of `components.schemas`; `find` gives those it refers to, which need not be compiled yet.
pub fn component(name: &str, node: &Value, find: &dyn Fn(&str) -> Option<Link>) -> Result<Schema, CompileSchema> {
    let node = node.as_object().ok_or_else(|| CompileSchema::ReadSchema { name: name.to_owned() })?;
    let mut schema = node::compile(node, &mut Compiler { find })?;
    schema.name = Some(name.into());
    if name == QUANTITY {
        schema.format = Some("quantity".into());
    }
    // A type without fields is raw JSON in Go, not an object that may hold nothing.
    schema.preserve_unknown |= is_raw(&schema);
    Ok(schema)
}

struct Compiler<'a> {
    find: &'a dyn Fn(&str) -> Option<Link>,
}

impl Children for Compiler<'_> {
    type Error = CompileSchema;

    fn child(&mut self, node: &Value) -> Result<Link, CompileSchema> {
        let Some(map) = node.as_object() else { return Ok(Link::new(Schema::default())) };
        let Some(reference) = reference(map) else {
            let mut schema = node::compile(map, self)?;
            schema.preserve_unknown |= is_raw(&schema);
            return Ok(Link::new(schema));
        };
        let target = reference.strip_prefix(PREFIX).and_then(|it| (self.find)(it));
        let target = target.ok_or_else(|| CompileSchema::FollowReference { reference: reference.to_owned() })?;
        if map.len() == 1 {
            return Ok(target);
        }
        // A reference with something beside it is a copy, made when there is something to copy.
        let beside = map.clone();
        Ok(Link::lazy(move || {
            let mut schema = Schema::clone(&target);
            node::annotate(&mut schema, &beside);
            schema
        }))
    }
}

/// `{"$ref": …}`, or `{"allOf": [{"$ref": …}], …}`, which is how OpenAPI v3 says something beside a reference.
fn reference(node: &Map<String, Value>) -> Option<&str> {
    if let Some(reference) = node.get("$ref") {
        return reference.as_str();
    }
    match node.get("allOf")?.as_array()?.as_slice() {
        [only] => only.get("$ref")?.as_str(),
        _ => None,
    }
}

fn is_raw(schema: &Schema) -> bool {
    matches!(schema.r#type, Type::Any | Type::Object)
        && schema.properties.is_empty()
        && matches!(schema.additional, crate::model::Additional::Denied)
        && schema.format.is_none()
}
