//! Bounds of text and numbers.

use serde_json::{Number, Value, json};

use super::{named, rule_cause};
use crate::cause::Cause;
use crate::model::Rules;
use crate::path::Path;

pub(super) fn check_text(rules: Option<&Rules>, text: &str, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let Some(rules) = rules else { return };
    let value = || Value::String(text.to_owned());
    if rules.max_length.is_some() || rules.min_length.is_some() {
        let length = text.chars().count() as u64;
        if let Some(limit) = rules.max_length.filter(|it| length > *it) {
            causes.push(Cause::too_long(named(path.to_string()), limit));
        }
        if let Some(limit) = rules.min_length.filter(|it| length < *it) {
            causes.push(rule_cause(path, &value(), &format!("should be at least {limit} chars long")));
        }
    }
    if let Some(pattern) = rules.pattern.as_ref().filter(|it| !it.is_match(text)) {
        causes.push(rule_cause(path, &value(), &format!("should match '{}'", pattern.as_str())));
    }
}

pub(super) fn check_number(rules: Option<&Rules>, number: &Number, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let (Some(rules), Some(value)) = (rules, number.as_f64()) else { return };
    let mut report = |rule: String| causes.push(rule_cause(path, &json!(number), &rule));
    if let Some(step) = rules.multiple_of.filter(|it| *it > 0.0)
        && !is_multiple(value, step)
    {
        report(format!("should be a multiple of {step}"));
    }
    match rules.maximum {
        Some(limit) if rules.exclusive_maximum && value >= limit => report(format!("should be less than {limit}")),
        Some(limit) if value > limit => report(format!("should be less than or equal to {limit}")),
        _ => {}
    }
    match rules.minimum {
        Some(limit) if rules.exclusive_minimum && value <= limit => report(format!("should be greater than {limit}")),
        Some(limit) if value < limit => report(format!("should be greater than or equal to {limit}")),
        _ => {}
    }
}

fn is_multiple(value: f64, step: f64) -> bool {
    let times = value / step;
    times.is_finite() && (times - times.round()).abs() < 1e-9
}
