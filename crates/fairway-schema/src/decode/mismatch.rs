//! Values of the wrong type in objects of built-in kinds, in the words of Go's decoder: the whole body is refused
//! with the first one.

use serde_json::Value;

use crate::model::{Additional, Schema, Type};
use crate::quantity::Quantity;

/// The first value that cannot be decoded into its field. `root` is the kind: `ConfigMap`.
pub fn mismatch(schema: &Schema, root: &str, value: &Value) -> Option<String> {
    walk(schema, value, &Place { owner: root, path: String::new() })
}

/// The innermost named type, and the field names from the root to here.
struct Place<'a> {
    owner: &'a str,
    path: String,
}

fn walk(schema: &Schema, value: &Value, place: &Place<'_>) -> Option<String> {
    match (schema.r#type, value) {
        (_, Value::Null) => None,
        (Type::Any, _) if schema.format.as_deref() == Some("quantity") => quantity(value),
        (Type::Any, _) => None,
        (Type::Object, Value::Object(object)) => {
            let owner = if schema.properties.is_empty() { None } else { short_name(schema) };
            let owner = owner.unwrap_or(place.owner);
            object.iter().find_map(|(name, value)| {
                let (below, path) = match (schema.properties.get(name.as_str()), &schema.additional) {
                    (Some(property), _) => (property, join(&place.path, name)),
                    (None, Additional::Of(each)) => (each, place.path.clone()),
                    _ => return None,
                };
                walk(below, value, &Place { owner, path })
            })
        }
        (Type::Array, Value::Array(list)) => {
            let items = schema.items.as_ref()?;
            list.iter().find_map(|value| walk(items, value, &Place { owner: place.owner, path: place.path.clone() }))
        }
        (Type::String, Value::String(text)) => string(schema, text),
        (Type::Boolean, Value::Bool(_)) | (Type::Number, Value::Number(_)) => None,
        (Type::Integer, Value::Number(number)) if fits(schema, number) => None,
        (Type::IntOrString, Value::Number(number)) if number.is_i64() => None,
        (Type::IntOrString, Value::String(_)) => None,
        _ => Some(explain(schema, value, place)),
    }
}

fn explain(schema: &Schema, value: &Value, place: &Place<'_>) -> String {
    let given = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if matches!(schema.r#type, Type::Integer) => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    };
    let wanted = go_type(schema);
    if place.path.is_empty() {
        return format!("json: cannot unmarshal {given} into Go value of type {wanted}");
    }
    format!("json: cannot unmarshal {given} into Go struct field {}.{} of type {wanted}", place.owner, place.path)
}

/// `int32`, `map[string]string`, `[]v1.Container`.
fn go_type(schema: &Schema) -> String {
    if let Some(name) = &schema.name {
        let mut parts = name.rsplit('.');
        let (last, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        return format!("{package}.{last}");
    }
    match schema.r#type {
        Type::Any => "interface {}".to_owned(),
        Type::Object => match &schema.additional {
            Additional::Of(each) => format!("map[string]{}", go_type(each)),
            _ => "map[string]interface {}".to_owned(),
        },
        Type::Array => format!("[]{}", schema.items.as_ref().map_or_else(String::new, |it| go_type(it))),
        Type::String if schema.format.as_deref() == Some("byte") => "[]uint8".to_owned(),
        Type::String => "string".to_owned(),
        Type::Integer => schema.format.as_deref().unwrap_or("int64").to_owned(),
        Type::Number => "float64".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::IntOrString => "intstr.IntOrString".to_owned(),
    }
}

fn short_name(schema: &Schema) -> Option<&str> {
    schema.name.as_deref()?.rsplit('.').next()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn fits(schema: &Schema, number: &serde_json::Number) -> bool {
    match (schema.format.as_deref(), number.as_i64()) {
        (Some("int32"), Some(value)) => i32::try_from(value).is_ok(),
        (_, value) => value.is_some(),
    }
}

fn quantity(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => other.to_string(),
    };
    text.parse::<Quantity>().err().map(|it| it.to_string())
}

fn string(schema: &Schema, text: &str) -> Option<String> {
    match schema.format.as_deref() {
        Some("date-time") if text.parse::<jiff::Timestamp>().is_err() => {
            Some(format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""))
        }
        Some("byte") => {
            use base64::Engine as _;
            let broken = base64::engine::general_purpose::STANDARD.decode(text).err()?;
            let at = match broken {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                _ => text.len(),
            };
            Some(format!("illegal base64 data at input byte {at}"))
        }
        _ => None,
    }
}
