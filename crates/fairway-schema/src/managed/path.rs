//! How one step and one way into an object are named.

use std::fmt;

use serde_json::Value;

/// One step on the way to a field.
///
/// Keys and values hold canonical JSON (sorted names, no spaces, whole numbers without a fraction), so two steps are
/// equal exactly when they lead to the same place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathElement {
    /// A field of an object.
    Field(Box<str>),
    /// The item of a list whose key fields have these values: `{"name":"c"}`.
    Key(Box<str>),
    /// The item of a set that has this value.
    Value(Box<str>),
    /// The item of a list at this place.
    Index(i64),
}

impl PathElement {
    /// A field of an object.
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// The list item with these key fields.
    pub fn key(fields: serde_json::Map<String, Value>) -> Self {
        Self::Key(canonical(&Value::Object(fields)).into())
    }

    /// The set item with this value.
    pub fn value(value: &Value) -> Self {
        Self::Value(canonical(value).into())
    }
}

impl fmt::Display for PathElement {
    /// As conflict messages show it: `.spec`, `[name="c",port=80]`, `[="x"]`, `[0]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(text) => match serde_json::from_str(text) {
                Ok(Value::Object(fields)) => {
                    let shown: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    write!(f, "[{}]", shown.join(","))
                }
                _ => write!(f, "[{text}]"),
            },
        }
    }
}

/// A way into an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<PathElement>);

impl Path {
    /// The path that leads through these fields.
    pub fn of_fields(names: &[&str]) -> Self {
        Self(names.iter().map(|name| PathElement::field(name)).collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| step.fmt(f))
    }
}

/// JSON in the one form that equal values share.
pub(super) fn canonical(value: &Value) -> String {
    whole(value).to_string()
}

/// The value with `80.0` written as `80`.
fn whole(value: &Value) -> Value {
    match value {
        Value::Number(number) => as_whole(number).map_or_else(|| value.clone(), Value::from),
        Value::Array(items) => Value::Array(items.iter().map(whole).collect()),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), whole(value))).collect(),
        _ => value.clone(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn as_whole(number: &serde_json::Number) -> Option<i64> {
    /// Above this a double no longer tells neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64()?;
    (number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT).then_some(float as i64)
}

/// Whether two values are the same; `1` and `1.0` are.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => left == right,
    }
}
