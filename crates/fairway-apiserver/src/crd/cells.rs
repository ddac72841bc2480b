//! The row of a custom resource in a Table.

use fairway_schema::jsonpath::JsonPath;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kinds::human_duration;
use crate::{Column, Resource};

/// One cell for each column of the resource, Name first.
pub fn cells(resource: &Resource, object: &Value, now: Timestamp) -> Vec<Value> {
    resource.columns.iter().map(|it| cell(it, object, now)).collect()
}

fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    let Some(path) = &column.json_path else { return object["metadata"]["name"].clone() };
    let Ok(path) = JsonPath::parse(path) else { return Value::Null };
    let found = path.find(object);
    let Some(first) = found.first() else { return Value::Null };
    match &*column.r#type {
        "integer" => first.as_i64().or_else(|| whole(first)).map_or(Value::Null, Value::from),
        "number" => {
            if first.is_number() {
                (*first).clone()
            } else {
                Value::Null
            }
        }
        "boolean" => first.as_bool().map_or(Value::Null, Value::Bool),
        "date" => date(first, now),
        _ => Value::String(found.iter().map(|it| shown(it)).collect::<Vec<_>>().join(" ")),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only numbers that are whole and small are cast")]
fn whole(value: &Value) -> Option<i64> {
    value.as_f64().filter(|it| it.fract() == 0.0 && it.abs() < 9e15).map(|it| it as i64)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn date(value: &Value, now: Timestamp) -> Value {
    match value.as_str().map(str::parse::<Timestamp>) {
        Some(Ok(then)) => json!(human_duration(now.as_second() - then.as_second())),
        Some(Err(_)) => json!("<invalid>"),
        None => Value::Null,
    }
}
