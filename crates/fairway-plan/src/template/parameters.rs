//! Parameters: whether they are declared well, and what is chosen where somebody chooses.

use std::collections::BTreeSet;

use fairway_api::v1alpha1::{ParameterType, TemplateParameter};
use fairway_schema::Pattern;
use serde_json::{Map, Value};

use crate::Finding;

/// A text has at most so many characters where its parameter does not say.
const MAX_TEXT: i64 = 1000;

/// Checks declarations. `path` is where they stand.
pub fn check(parameters: &[TemplateParameter], path: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut names = BTreeSet::new();
    for (index, it) in parameters.iter().enumerate() {
        let mut find = |field: &str, message: String| {
            findings.push(Finding::new(format!("{path}[{index}].{field}"), message));
        };
        let lower = |it: char| it.is_ascii_lowercase();
        let inner = |it: char| lower(it) || it.is_ascii_digit() || it == '_';
        if !it.name.starts_with(lower) || !it.name.chars().all(inner) || it.name.len() > 40 {
            find("name", format!("{:?} is no name; use lower-case letters, digits and \"_\"", shown(&it.name)));
        }
        if !names.insert(&it.name) {
            find("name", format!("{:?} is declared twice", it.name));
        }
        for (field, message) in contradictions(it) {
            find(field, message);
        }
    }
    findings
}

/// What cannot be together in one declaration.
fn contradictions(it: &TemplateParameter) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let (text, choice) = (it.r#type == ParameterType::String, it.r#type == ParameterType::Enum);
    if choice && it.values.is_empty() {
        found.push(("values", "is missing; an enum has the words to choose from".to_owned()));
    }
    if !choice && !it.values.is_empty() {
        found.push(("values", "is only for an enum".to_owned()));
    }
    if it.values.iter().collect::<BTreeSet<_>>().len() < it.values.len() {
        found.push(("values", "has a word twice".to_owned()));
    }
    if let Some(pattern) = &it.pattern {
        if text {
            found.extend(Pattern::new(&whole(pattern)).check().err().map(|it| ("pattern", it)));
        } else {
            found.push(("pattern", "is only for a string".to_owned()));
        }
    }
    if !text && it.r#type != ParameterType::Integer && (it.minimum.is_some() || it.maximum.is_some()) {
        found.push(("minimum", "and maximum are for an integer or a string".to_owned()));
    }
    if it.minimum.zip(it.maximum).is_some_and(|(least, most)| least > most) {
        found.push(("minimum", "is more than maximum".to_owned()));
    }
    match &it.default {
        Some(_) if it.required => found.push(("default", "is never used, because it is required".to_owned())),
        Some(value) => found.extend(read(it, value).err().map(|why| ("default", why))),
        // What stands for a missing default has to keep the rules too.
        None if !it.required && found.is_empty() => {
            let why = read(it, &implied(it)).err();
            found.extend(why.map(|why| ("default", format!("is missing, and what stands for it {why}"))));
        }
        None => {}
    }
    found
}

/// What a template sees, for what was chosen; one finding per mistake. There are values only where nothing is to be
/// mended.
pub fn resolve(parameters: &[TemplateParameter], given: &Map<String, Value>) -> (Map<String, Value>, Vec<Finding>) {
    let mut findings = Vec::new();
    for name in given.keys().filter(|name| parameters.iter().all(|it| it.name != **name)).take(20) {
        let known: Vec<&str> = parameters.iter().map(|it| it.name.as_str()).collect();
        let known =
            if known.is_empty() { "there are none".to_owned() } else { format!("there are {}", known.join(", ")) };
        findings.push(Finding::new(format!("parameters.{}", shown(name)), format!("is not known; {known}")));
    }
    let mut values = Map::new();
    for it in parameters {
        let value = match given.get(&it.name).filter(|value| !value.is_null()) {
            None if it.required => Err("is required".to_owned()),
            None => read(it, &it.default.clone().unwrap_or_else(|| implied(it))),
            Some(Value::String(text)) if it.required && text.trim().is_empty() => {
                Err("is required, and is empty".to_owned())
            }
            Some(value) => read(it, value),
        };
        match value {
            Ok(value) => drop(values.insert(it.name.clone(), value)),
            Err(why) => {
                let what = if it.description.is_empty() { String::new() } else { format!(" ({})", it.description) };
                findings.push(Finding::new(format!("parameters.{}", it.name), format!("{why}{what}")));
            }
        }
    }
    (if findings.is_empty() { values } else { Map::new() }, findings)
}

/// The value of a parameter that nobody gives and that has no default.
fn implied(it: &TemplateParameter) -> Value {
    match it.r#type {
        ParameterType::String => Value::from(""),
        ParameterType::Integer => Value::from(it.minimum.unwrap_or(0)),
        ParameterType::Boolean => Value::from(false),
        ParameterType::Enum => it.values.first().map(String::as_str).unwrap_or_default().into(),
    }
}

/// A value in the parameter's own type, or which rule it breaks.
fn read(it: &TemplateParameter, value: &Value) -> Result<Value, String> {
    match it.r#type {
        ParameterType::Integer => {
            let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            let number = number.ok_or_else(|| format!("must be a whole number, and is {}", spoken(value)))?;
            bounded(it, number, i64::MAX, "")?;
            Ok(number.into())
        }
        ParameterType::Boolean => {
            let text = || value.as_str().and_then(|it| it.parse().ok());
            let truth = value.as_bool().or_else(text);
            truth.map(Value::from).ok_or_else(|| format!("must be true or false, and is {}", spoken(value)))
        }
        ParameterType::Enum => {
            let word = value.as_str().filter(|word| it.values.iter().any(|it| it == word));
            let wanted = it.values.join(", ");
            word.map(Value::from).ok_or_else(|| format!("must be one of {wanted}, and is {}", spoken(value)))
        }
        ParameterType::String => {
            let text = value.as_str().ok_or_else(|| format!("must be text, and is {}", spoken(value)))?;
            if let Some(odd) = text.chars().find(|it| is_hidden(*it)) {
                return Err(format!("contains {odd:?}; it is one line of visible text"));
            }
            bounded(it, i64::try_from(text.chars().count()).unwrap_or(i64::MAX), MAX_TEXT, " characters")?;
            let fits = it.pattern.as_ref().is_none_or(|it| Pattern::new(&whole(it)).is_match(text));
            let pattern = it.pattern.as_deref().unwrap_or_default();
            fits.then(|| value.clone()).ok_or_else(|| format!("must match {pattern}, and is {}", spoken(value)))
        }
    }
}

fn bounded(it: &TemplateParameter, is: i64, most: i64, unit: &str) -> Result<(), String> {
    let (least, most) = (it.minimum.unwrap_or(i64::MIN), it.maximum.unwrap_or(most));
    if is < least {
        return Err(format!("must be at least {least}{unit}, and is {is}"));
    }
    if is > most { Err(format!("must be at most {most}{unit}, and is {is}")) } else { Ok(()) }
}

/// Characters that nobody sees, or that turn a text around.
pub(super) fn is_hidden(it: char) -> bool {
    it.is_control()
        || matches!(it, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// The whole text is meant, not a part of it.
fn whole(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

fn spoken(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        Value::String(text) => format!("{:?}", shown(text)),
        other => other.to_string(),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
