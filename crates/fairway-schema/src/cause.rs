//! What is wrong with an object, field by field, in the words Kubernetes clients match.

use std::fmt;

use serde_json::Value;

use crate::go_text;

/// One thing that is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The `reason` of the status cause.
    pub reason: CauseReason,
    /// The path of the field: `spec.containers[0].name`.
    pub field: String,
    /// The text after the path: `Invalid value: "x": must be …`.
    pub message: String,
}

/// The reasons of `metav1.StatusCause`, as field errors use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CauseReason {
    FieldValueRequired,
    FieldValueInvalid,
    FieldValueNotSupported,
    FieldValueDuplicate,
    FieldValueForbidden,
    FieldValueNotFound,
    FieldValueTooLong,
    FieldValueTooMany,
    FieldValueTypeInvalid,
    InternalError,
}

impl CauseReason {
    /// The wire form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FieldValueRequired => "FieldValueRequired",
            Self::FieldValueInvalid => "FieldValueInvalid",
            Self::FieldValueNotSupported => "FieldValueNotSupported",
            Self::FieldValueDuplicate => "FieldValueDuplicate",
            Self::FieldValueForbidden => "FieldValueForbidden",
            Self::FieldValueNotFound => "FieldValueNotFound",
            Self::FieldValueTooLong => "FieldValueTooLong",
            Self::FieldValueTooMany => "FieldValueTooMany",
            Self::FieldValueTypeInvalid => "FieldValueTypeInvalid",
            Self::InternalError => "InternalError",
        }
    }
}

impl Cause {
    fn of(reason: CauseReason, field: impl Into<String>, message: String) -> Self {
        Self { reason, field: field.into(), message }
    }

    /// A field that must be there is not.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self::of(CauseReason::FieldValueRequired, field, message)
    }

    /// A value breaks a rule.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::of(CauseReason::FieldValueInvalid, field, format!("Invalid value: {}: {detail}", shown(value)))
    }

    /// A value has the wrong JSON type. The detail says both.
    pub fn wrong_type(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::of(CauseReason::FieldValueTypeInvalid, field, format!("Invalid value: {}: {detail}", shown(value)))
    }

    /// A value is not one of those allowed.
    pub fn not_supported(field: impl Into<String>, value: &Value, allowed: &[&str]) -> Self {
        let allowed = allowed.iter().map(|it| format!("{it:?}")).collect::<Vec<_>>().join(", ");
        let message = format!("Unsupported value: {}: supported values: {allowed}", shown(value));
        Self::of(CauseReason::FieldValueNotSupported, field, message)
    }

    /// A value stands twice where it may stand once.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::of(CauseReason::FieldValueDuplicate, field, format!("Duplicate value: {}", shown(value)))
    }

    /// A field may not be set here.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::of(CauseReason::FieldValueForbidden, field, format!("Forbidden: {detail}"))
    }

    /// A value names something that is not there.
    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self::of(CauseReason::FieldValueNotFound, field, format!("Not found: {}", shown(value)))
    }

    /// A string is too long.
    pub fn too_long(field: impl Into<String>, limit: u64) -> Self {
        Self::of(
            CauseReason::FieldValueTooLong,
            field,
            format!("Too long: may not be more than {}", counted(limit, "byte")),
        )
    }

    /// A list has too many items.
    pub fn too_many(field: impl Into<String>, count: u64, limit: u64) -> Self {
        let message = format!("Too many: {count}: must have at most {}", counted(limit, "item"));
        Self::of(CauseReason::FieldValueTooMany, field, message)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// `1 byte`, `2 bytes`.
fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// A value as Go prints it in a field error: strings quoted, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => go_text::quoted(text),
        other => go_text::json(other),
    }
}
