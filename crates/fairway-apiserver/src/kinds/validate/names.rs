//! Checks of single values that many kinds share. Each takes where the value stands and adds what is wrong.

use std::net::IpAddr;

use fairway_schema::{Cause, names};
use serde_json::{Value, json};

use crate::kinds::tree::text;

pub(super) const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
pub(super) const IMMUTABLE: &str = "field is immutable";
pub(super) const PORT_RANGE: &str = "must be between 1 and 65535, inclusive";

/// Adds one cause for each text that a rule of [`names`] gave.
pub(super) fn say(at: &str, value: &Value, wrong: Vec<String>, causes: &mut Vec<Cause>) {
    causes.extend(wrong.iter().map(|it| Cause::invalid(at, value, it)));
}

/// Requires a string, and that it keeps a naming rule.
pub(super) fn required_name(
    at: &str,
    value: &Value,
    rule: fn(&str) -> Vec<String>,
    detail: &str,
    causes: &mut Vec<Cause>,
) {
    match text(value) {
        "" => causes.push(Cause::required(at, detail)),
        name => say(at, value, rule(name), causes),
    }
}

/// Requires a string.
pub(super) fn required(at: &str, value: &Value, causes: &mut Vec<Cause>) {
    if text(value).is_empty() {
        causes.push(Cause::required(at, ""));
    }
}

/// A number that is missing or at least zero.
pub(super) fn not_negative(at: &str, value: &Value, causes: &mut Vec<Cause>) {
    if value.as_i64().is_some_and(|it| it < 0) {
        causes.push(Cause::invalid(at, value, NOT_NEGATIVE));
    }
}

/// A port number.
pub(super) fn port_number(at: &str, value: &Value, causes: &mut Vec<Cause>) {
    if !value.as_i64().is_some_and(|it| (1..=65_535).contains(&it)) {
        causes.push(Cause::invalid(at, value, PORT_RANGE));
    }
}

/// A port by number or by name.
pub(super) fn port(at: &str, value: &Value, causes: &mut Vec<Cause>) {
    match value {
        Value::String(name) => say(at, value, port_name(name), causes),
        _ => port_number(at, value, causes),
    }
}

/// The name of a port: an IANA service name.
pub(super) fn port_name(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() > 15 {
        wrong.push("must be no more than 15 characters".to_owned());
    }
    if !name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-') {
        wrong.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !name.bytes().any(|it| it.is_ascii_lowercase()) {
        wrong.push("must contain at least one letter (a-z)".to_owned());
    }
    if name.contains("--") {
        wrong.push("must not contain consecutive hyphens".to_owned());
    }
    if name.starts_with('-') || name.ends_with('-') {
        wrong.push("must not begin or end with a hyphen".to_owned());
    }
    wrong
}

/// One of a closed set of words.
pub(super) fn one_of(at: &str, value: &Value, allowed: &[&str], causes: &mut Vec<Cause>) {
    if !allowed.contains(&text(value)) {
        causes.push(Cause::not_supported(at, value, allowed));
    }
}

/// As [`one_of`], where missing has its own words.
pub(super) fn required_one_of(at: &str, value: &Value, allowed: &[&str], causes: &mut Vec<Cause>) {
    if text(value).is_empty() {
        causes.push(Cause::required(at, ""));
    } else {
        one_of(at, value, allowed, causes);
    }
}

pub(super) const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

/// An IP address as text.
pub(super) fn address(at: &str, value: &Value, causes: &mut Vec<Cause>) -> Option<IpAddr> {
    let parsed = text(value).parse().ok();
    if parsed.is_none() {
        causes.push(Cause::invalid(at, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    }
    parsed
}

/// Label keys and values.
pub(super) fn labels(at: &str, labels: &Value, causes: &mut Vec<Cause>) {
    for (key, value) in crate::kinds::tree::entries(labels) {
        say(at, &json!(key), names::qualified_name(key), causes);
        say(at, value, names::label_value(text(value)), causes);
    }
}

/// A `metav1.LabelSelector`.
pub(super) fn label_selector(at: &str, selector: &Value, causes: &mut Vec<Cause>) {
    labels(&format!("{at}.matchLabels"), &selector["matchLabels"], causes);
    for (index, it) in crate::kinds::tree::items(&selector["matchExpressions"]).iter().enumerate() {
        let at = format!("{at}.matchExpressions[{index}]");
        let values = crate::kinds::tree::items(&it["values"]);
        match text(&it["operator"]) {
            "In" | "NotIn" if values.is_empty() => {
                let detail = "must be specified when `operator` is 'In' or 'NotIn'";
                causes.push(Cause::required(format!("{at}.values"), detail));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                causes.push(Cause::forbidden(format!("{at}.values"), detail));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => {
                causes.push(Cause::invalid(format!("{at}.operator"), &it["operator"], "not a valid selector operator"));
            }
        }
        say(&format!("{at}.key"), &it["key"], names::qualified_name(text(&it["key"])), causes);
        for (index, value) in values.iter().enumerate() {
            say(&format!("{at}.values[{index}]"), value, names::label_value(text(value)), causes);
        }
    }
}

/// Whether a label selector selects everything: no requirement in it.
pub(super) fn selects_all(selector: &Value) -> bool {
    crate::kinds::tree::entries(&selector["matchLabels"]).next().is_none()
        && crate::kinds::tree::items(&selector["matchExpressions"]).is_empty()
}
