//! What happens to the JSON of a built-in kind when Kubernetes reads it into a typed object and writes it back:
//! nulls and empty collections vanish, quantities and times take their canonical form, unknown fields are dropped,
//! and a value of the wrong type is an error of the request (400), not of a field (422).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairway_schema::{Additional, Schema, Type};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Brings the body of a built-in kind into the form in which it is kept. The error is the text that follows
/// `Deployment in version "v1" cannot be handled as a Deployment: `.
pub(super) fn normalize(schema: &Schema, object: &mut Value) -> Result<(), String> {
    let mut walk = Walk { path: Vec::new(), owner: schema };
    walk.node(schema, object)
}

/// Where we are, in the words of Go's decoder: the innermost struct, and the fields from the root on.
struct Walk<'a> {
    path: Vec<String>,
    owner: &'a Schema,
}

impl<'a> Walk<'a> {
    fn node(&mut self, schema: &'a Schema, value: &mut Value) -> Result<(), String> {
        if schema.format.as_deref() == Some("quantity") {
            return quantity(value);
        }
        match (schema.r#type, &*value) {
            (Type::Any, _) => Ok(()),
            (Type::IntOrString, Value::String(_)) => Ok(()),
            (Type::IntOrString, Value::Number(it)) if it.is_i64() => Ok(()),
            (Type::Object, Value::Object(_)) => self.object(schema, value),
            (Type::Array, Value::Array(_)) => self.list(schema, value),
            (Type::String, Value::String(text)) => {
                let canonical = string(schema, text)?;
                if let Some(canonical) = canonical {
                    *value = Value::String(canonical);
                }
                Ok(())
            }
            (Type::Boolean, Value::Bool(_)) => Ok(()),
            (Type::Number, Value::Number(_)) => Ok(()),
            (Type::Integer, Value::Number(it)) if fits(schema, it.as_i64()) => Ok(()),
            _ => Err(self.mismatch(schema, value)),
        }
    }

    fn object(&mut self, schema: &'a Schema, value: &mut Value) -> Result<(), String> {
        let Value::Object(map) = value else { return Ok(()) };
        if schema.preserve_unknown {
            return Ok(());
        }
        map.retain(|key, it| !it.is_null() && known(schema, key));
        let outer = self.owner;
        for (key, it) in map.iter_mut() {
            let below: &Schema = match (schema.properties.get(key.as_str()), &schema.additional) {
                (Some(link), _) => link,
                (None, Additional::Of(link)) => link,
                (None, _) => continue,
            };
            let field = schema.properties.contains_key(key.as_str());
            if field {
                self.owner = schema;
                self.path.push(key.clone());
            }
            self.node(below, it)?;
            if field {
                self.path.pop();
            }
        }
        self.owner = outer;
        map.retain(|key, it| !vanishes(schema, key, it));
        Ok(())
    }

    fn list(&mut self, schema: &'a Schema, value: &mut Value) -> Result<(), String> {
        let (Value::Array(list), Some(item)) = (value, &schema.items) else { return Ok(()) };
        for it in list {
            if it.is_null() {
                *it = zero(item);
            }
            self.node(item, it)?;
        }
        Ok(())
    }

    fn mismatch(&self, schema: &Schema, value: &Value) -> String {
        let found = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(it) if schema.r#type == Type::Integer => format!("number {it}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let wanted = go_type(schema);
        if self.path.is_empty() {
            return format!("json: cannot unmarshal {found} into Go value of type {wanted}");
        }
        let owner = self.owner.name.as_deref().map_or("", |it| it.rsplit('.').next().unwrap_or(it));
        format!("json: cannot unmarshal {found} into Go struct field {owner}.{} of type {wanted}", self.path.join("."))
    }
}

fn known(schema: &Schema, key: &str) -> bool {
    schema.properties.contains_key(key) || !matches!(schema.additional, Additional::Denied)
}

/// Empty lists and maps that Go leaves out. Structs stay: `emptyDir: {}` says something.
fn vanishes(schema: &Schema, key: &str, value: &Value) -> bool {
    let Some(field) = schema.properties.get(key) else { return false };
    let empty = match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty() && matches!(field.additional, Additional::Of(_)),
        _ => false,
    };
    empty && !schema.required.iter().any(|it| &**it == key)
}

fn fits(schema: &Schema, number: Option<i64>) -> bool {
    number.is_some_and(|it| schema.format.as_deref() != Some("int32") || i32::try_from(it).is_ok())
}

/// What Go makes of `null` in a list.
fn zero(schema: &Schema) -> Value {
    match schema.r#type {
        Type::Object => json!({}),
        Type::Array => json!([]),
        Type::String => json!(""),
        Type::Integer | Type::Number | Type::IntOrString => json!(0),
        Type::Boolean => json!(false),
        Type::Any => Value::Null,
    }
}

fn go_type(schema: &Schema) -> String {
    match (schema.r#type, schema.format.as_deref()) {
        (Type::String, Some("byte")) => "[]uint8".to_owned(),
        (Type::String, Some("date-time")) => "v1.Time".to_owned(),
        (Type::String, _) => "string".to_owned(),
        (Type::Integer, Some(width)) => width.to_owned(),
        (Type::Integer, None) => "int64".to_owned(),
        (Type::Number, _) => "float64".to_owned(),
        (Type::Boolean, _) => "bool".to_owned(),
        (Type::IntOrString, _) => "intstr.IntOrString".to_owned(),
        (Type::Array, _) => format!("[]{}", schema.items.as_ref().map_or_else(String::new, |it| go_type(it))),
        (Type::Object, _) => match (&schema.additional, schema.name.as_deref()) {
            (Additional::Of(value), _) => format!("map[string]{}", go_type(value)),
            (_, Some(name)) => {
                name.rsplitn(3, '.').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(".")
            }
            _ => "struct".to_owned(),
        },
        (Type::Any, _) => "interface {}".to_owned(),
    }
}

/// Checks a string's format; gives its canonical form where that may differ.
fn string(schema: &Schema, text: &str) -> Result<Option<String>, String> {
    match schema.format.as_deref() {
        Some("byte") => match STANDARD.decode(text) {
            Ok(_) => Ok(None),
            Err(error) => Err(illegal_base64(text, &error)),
        },
        Some("date-time") => time(schema, text).map(Some),
        _ => Ok(None),
    }
}

fn illegal_base64(text: &str, error: &base64::DecodeError) -> String {
    let at = match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => *at,
        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => text.len() / 4 * 4,
    };
    format!("illegal base64 data at input byte {at}")
}

fn time(schema: &Schema, text: &str) -> Result<String, String> {
    let micro = schema.name.as_deref().is_some_and(|it| it.ends_with(".MicroTime"));
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let parsed: Timestamp =
        text.parse().map_err(|_| format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\""))?;
    let format = if micro { "%Y-%m-%dT%H:%M:%S.%6fZ" } else { "%Y-%m-%dT%H:%M:%SZ" };
    Ok(parsed.strftime(format).to_string())
}

const NOT_A_QUANTITY: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

fn quantity(value: &mut Value) -> Result<(), String> {
    let text = match &*value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(NOT_A_QUANTITY.to_owned()),
    };
    let parsed: fairway_schema::quantity::Quantity = text.parse().map_err(|_| NOT_A_QUANTITY.to_owned())?;
    *value = Value::String(parsed.to_string());
    Ok(())
}

#[cfg(test)]
mod tests;
