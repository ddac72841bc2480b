//! The schema of a CustomResourceDefinition.

use std::collections::HashMap;
use std::convert::Infallible;

use serde_json::{Map, Value};

use super::node::{self, Children};
use super::{checks, metadata, patterns};
use crate::cause::Cause;
use crate::model::{Link, Schema, Type};
use crate::path::Path;
use crate::pattern::Pattern;
use crate::{default, prune, validate};

/// Compiles an `openAPIV3Schema` and says what is wrong with it. `path` is where it stands in the definition
/// (`spec.validation.openAPIV3Schema`). The link may only be used when there are no causes.
pub fn structural(schema: &Value, path: &str) -> (Link, Vec<Cause>) {
    let Value::Object(node) = schema else {
        return (Link::new(Schema::default()), vec![Cause::required(path, "schemas are required")]);
    };
    let at = Path::Root(path);
    let mut causes = checks::check(node, &at);
    patterns::check(node, &at, &mut causes);
    let Ok(mut root) = node::compile(node, &mut InPlace::default());
    complete(&mut root);
    if causes.is_empty() {
        check_defaults(&root, node, &at, &mut causes);
    }
    (Link::new(root), causes)
}

/// Generators repeat one pattern hundreds of times; it is compiled once.
#[derive(Default)]
struct InPlace {
    patterns: HashMap<String, Pattern>,
}

impl Children for InPlace {
    type Error = Infallible;

    fn child(&mut self, node: &Value) -> Result<Link, Infallible> {
        let Value::Object(map) = node else { return Ok(Link::new(Schema::default())) };
        let mut schema = node::compile(map, self)?;
        if schema.embedded_resource {
            complete(&mut schema);
        }
        Ok(Link::new(schema))
    }

    fn pattern(&mut self, text: &str) -> Pattern {
        self.patterns.entry(text.to_owned()).or_insert_with(|| Pattern::new(text)).clone()
    }
}

/// Every object has these three, whether its schema says so or not.
fn complete(schema: &mut Schema) {
    for name in ["apiVersion", "kind"] {
        let known = schema.properties.entry(name.into());
        known.or_insert_with(|| Link::new(Schema { r#type: Type::String, ..Schema::default() }));
    }
    let mut metadata = metadata::object_meta().clone();
    // A schema may ask more of the two names, and of nothing else in there.
    if let Some(given) = schema.properties.get("metadata").filter(|it| !it.properties.is_empty()) {
        let mut narrowed = Schema::clone(&metadata);
        for (name, property) in &given.properties {
            narrowed.properties.insert(name.clone(), property.clone());
        }
        metadata = Link::new(narrowed);
    }
    schema.properties.insert("metadata".into(), metadata);
}

/// Each default must itself be a value its schema allows, with nothing that pruning would remove.
fn check_defaults(schema: &Schema, node: &Map<String, Value>, path: &Path<'_>, causes: &mut Vec<Cause>) {
    if let Some(given) = &schema.default {
        let at = Path::Field(path, "default");
        let mut value = given.clone();
        for unknown in prune(schema, &mut value) {
            causes.push(Cause::invalid(at.to_string(), given, &format!("must not hold the unknown field {unknown:?}")));
        }
        default(schema, &mut value);
        causes.extend(validate::validate(schema, &value, &at.to_string()));
    }
    let properties = Path::Field(path, "properties");
    for (name, property) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let (Some(link), Some(map)) = (schema.properties.get(name.as_str()), property.as_object()) {
            check_defaults(link, map, &Path::Key(&properties, name), causes);
        }
    }
    if let (Some(items), Some(Value::Object(map))) = (&schema.items, node.get("items")) {
        check_defaults(items, map, &Path::Field(path, "items"), causes);
    }
    if let (crate::Additional::Of(link), Some(Value::Object(map))) =
        (&schema.additional, node.get("additionalProperties"))
    {
        check_defaults(link, map, &Path::Field(path, "additionalProperties"), causes);
    }
}
