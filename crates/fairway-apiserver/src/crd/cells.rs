//! The row of a custom resource in a Table.

use fairway_schema::jsonpath::JsonPath;
use jiff::Timestamp;
use serde_json::{Value, json};

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
        Some(Ok(then)) => json!(age(then, now)),
        Some(Err(_)) => json!("<invalid>"),
        None => Value::Null,
    }
}

/// How long ago something was, as kubectl shows it: two units while they say something, then one.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    let pair = |big: i64, unit: &str, small: i64, smaller: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{smaller}") }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        _ if seconds < 120 => format!("{seconds}s"),
        _ if minutes < 10 => pair(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => pair(days, "d", hours % 24, "h"),
        _ if days < 2 * 365 => format!("{days}d"),
        _ if days < 8 * 365 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}
