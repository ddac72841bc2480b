//! The formats that are checked; others are ignored, as Kubernetes does.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;
use serde_json::{Number, json};

use super::type_cause;
use crate::cause::Cause;
use crate::model::{Schema, Type};
use crate::path::Path;
use crate::quantity::Quantity;

pub(super) fn check_text(schema: &Schema, text: &str, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let Some(format) = schema.format.as_deref() else { return };
    let good = match (schema.r#type, format) {
        (Type::String, _) => is_text(format, text),
        (Type::Any, "quantity") => text.parse::<Quantity>().is_ok(),
        _ => true,
    };
    if !good {
        causes.push(type_cause(path, text, format));
    }
}

fn is_text(format: &str, text: &str) -> bool {
    match format {
        "date" => text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10,
        "date-time" | "datetime" => is_time(text),
        "duration" => is_duration(text),
        "email" => is_email(text),
        "hostname" => is_hostname(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "uri" => is_uri(text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "k8s-short-name" => crate::names::dns_label(text).is_empty(),
        "k8s-long-name" => crate::names::dns_subdomain(text).is_empty(),
        other => EXPRESSIONS.iter().find(|it| it.0 == other).is_none_or(|it| it.1.is_match(text)),
    }
}

/// Formats that an expression decides.
static EXPRESSIONS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    [
        ("mac", r"^(([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})$"),
        ("uuid", r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        ("uuid3", r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        ("uuid4", r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        ("uuid5", r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        ("bsonobjectid", r"^[0-9a-fA-F]{24}$"),
        ("ssn", r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$"),
        ("hexcolor", r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
        ("rgbcolor", r"^rgb\(\s*([0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])\s*(,\s*([0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])\s*){2}\)$"),
    ]
    .into_iter()
    .map(|(name, expression)| (name, Regex::new(expression).expect("the expressions above compile")))
    .collect()
});

/// RFC 3339, with or without an offset.
fn is_time(text: &str) -> bool {
    let shaped = text.len() >= 19 && matches!(text.as_bytes()[10], b'T' | b't');
    shaped && (text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok())
}

/// Go's durations (`1h30m`), or a number and a word (`3 days`).
fn is_duration(text: &str) -> bool {
    static GO: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*)$")
            .expect("the expression compiles")
    });
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        let units = "ns|nano|nanoseconds?|us|µs|micro|microseconds?|ms|milli|milliseconds?|s|sec|seconds?|m|min|\
                     minutes?|h|hr|hours?|d|days?|w|weeks?";
        Regex::new(&format!(r"^([0-9]+\s*({units})\s*)+$")).expect("the expression compiles")
    });
    GO.is_match(text) || WORDS.is_match(text)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let atom = |it: char| it.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(it);
    let plain = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..") && local.chars().all(atom);
    !local.is_empty() && (quoted || plain) && !domain.is_empty() && !domain.contains(char::is_whitespace)
}

fn is_hostname(text: &str) -> bool {
    let label = |it: &str| {
        !it.is_empty()
            && it.len() <= 63
            && it.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
            && !it.starts_with('-')
            && !it.ends_with('-')
    };
    !text.is_empty() && text.len() <= 255 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let plain = !length.is_empty() && length.len() <= 3 && length.bytes().all(|it| it.is_ascii_digit());
    let Some(length) = length.parse::<u8>().ok().filter(|_| plain) else { return false };
    (address.parse::<Ipv4Addr>().is_ok() && length <= 32) || (address.parse::<Ipv6Addr>().is_ok() && length <= 128)
}

/// An absolute URI, or a path that starts at the root.
fn is_uri(text: &str) -> bool {
    let clean = !text.contains(|it: char| it.is_control() || it == ' ') && percent_encoded(text);
    let scheme = text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|it: char| it.is_ascii_alphabetic())
            && scheme.chars().all(|it| it.is_ascii_alphanumeric() || "+-.".contains(it))
    });
    clean && (scheme || text.starts_with('/'))
}

fn percent_encoded(text: &str) -> bool {
    let hex = |it: Option<&u8>| it.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, it)| *it != b'%' || (hex(bytes.get(at + 1)) && hex(bytes.get(at + 2))))
}

pub(super) fn check_number(schema: &Schema, number: &Number, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let Some(format) = schema.format.as_deref() else { return };
    let Some(float) = number.as_f64() else { return };
    let within = |low: f64, high: f64| (low..=high).contains(&float);
    let good = match (schema.r#type, format) {
        (Type::Integer, "int32") => within(f64::from(i32::MIN), f64::from(i32::MAX)),
        (Type::Integer, "int64") => number.is_i64() || (!number.is_u64() && within(-9.3e18, 9.2e18)),
        (Type::Integer, "uint32") => within(0.0, f64::from(u32::MAX)),
        (Type::Integer, "uint64") => float >= 0.0,
        (Type::Number, "float") => within(f64::from(f32::MIN), f64::from(f32::MAX)),
        (Type::String | Type::Any, _) => return,
        _ => true,
    };
    if !good {
        let kind = if schema.r#type == Type::Integer { "integer" } else { "number" };
        let detail = format!("Checked value must be of type {kind} with format {format} in {path}");
        causes.push(Cause::invalid("<nil>", &json!(""), &detail));
    }
}
