//! Changing a score file as a person would: what is not changed stays as it was written, comments and all.
//!
//! Only lines are added. What came of it is read again and must mean what was meant, else nothing is changed.

use serde_json::{Map, Value};

use super::Need;

/// The text with one more need, and with variables in the only container. The reason where that is left to a person.
pub fn with_need(text: &str, name: &str, need: &Need, variables: &[(String, String)]) -> Result<String, String> {
    let mut tree: Value = serde_saphyr::from_str(text).map_err(|_| "it is not valid YAML".to_owned())?;
    if !tree.is_object() {
        return Err(by_hand());
    }
    let value = written(need);
    // As a person would: what it is comes first.
    let order = ["type", "class", "params"].into_iter().filter_map(|key| Some((key, value.get(key)?)));
    let flow = order.map(|(key, it)| format!("{key}: {}", flow(it))).collect::<Vec<_>>().join(", ");
    let mut edited = add(text, &["resources"], name, &format!("{{ {flow} }}")).ok_or_else(by_hand)?;
    set(&mut tree, &["resources"], name, Value::Object(value));
    if !variables.is_empty() {
        let containers: Vec<String> =
            tree["containers"].as_object().into_iter().flatten().map(|it| it.0.clone()).collect();
        let [container] = containers.as_slice() else {
            return Err(format!(
                "it has {} containers, and only a person knows which of them needs it",
                containers.len()
            ));
        };
        let path = ["containers", container.as_str(), "variables"];
        for (variable, value) in variables {
            edited = add(&edited, &path, variable, &format!("{value:?}")).ok_or_else(by_hand)?;
            set(&mut tree, &path, variable, Value::String(value.clone()));
        }
    }
    let meant = serde_saphyr::from_str::<Value>(&edited).is_ok_and(|it| it == tree);
    if meant { Ok(edited) } else { Err(by_hand()) }
}

fn by_hand() -> String {
    "it is written in a way that only a person can change".to_owned()
}

fn written(need: &Need) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("type".to_owned(), need.r#type.clone().into());
    if let Some(class) = &need.class {
        map.insert("class".to_owned(), class.clone().into());
    }
    let params: Map<String, Value> = [("version", &need.version), ("plan", &need.plan)]
        .into_iter()
        .filter_map(|(key, it)| Some((key.to_owned(), it.clone()?.into())))
        .collect();
    if !params.is_empty() {
        map.insert("params".to_owned(), params.into());
    }
    map
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text)
            if text.starts_with(|it: char| it.is_ascii_lowercase())
                && !matches!(text.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off") =>
        {
            text.clone()
        }
        Value::Object(map) => {
            let parts: Vec<String> = map.iter().map(|(key, it)| format!("{key}: {}", flow(it))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        other => other.to_string(),
    }
}

fn set(tree: &mut Value, path: &[&str], key: &str, value: Value) {
    let mut at = tree;
    for part in path {
        if !at[*part].is_object() {
            at[*part] = Value::Object(Map::new());
        }
        at = &mut at[*part];
    }
    at[key] = value;
}

/// Adds `key: value` to the map at `path`; what is missing of the path is made.
fn add(text: &str, path: &[&str], key: &str, value: &str) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (mut from, mut to, mut indent) = (0, lines.len(), 0);
    for (depth, part) in path.iter().enumerate() {
        let Some(at) = (from..to).find(|it| named(&lines[*it], indent, part)) else {
            // The rest of the path is not there: it is made, one map in the other.
            let mut made = Vec::new();
            for (deeper, it) in path[depth..].iter().enumerate() {
                made.push(format!("{}{it}:", " ".repeat(indent + 2 * deeper)));
            }
            made.push(format!("{}{key}: {value}", " ".repeat(indent + 2 * made.len())));
            let end = last(&lines, from, to);
            lines.splice(end..end, made);
            return Some(lines.join("\n") + "\n");
        };
        let rest = lines[at][indent + part.len() + 1..].trim().to_owned();
        if rest.starts_with('{') && rest.ends_with('}') && depth + 1 == path.len() {
            let inner = rest[1..rest.len() - 1].trim();
            let comma = if inner.is_empty() { "" } else { ", " };
            lines[at] = format!("{}{part}: {{ {inner}{comma}{key}: {value} }}", " ".repeat(indent));
            return Some(lines.join("\n") + "\n");
        }
        if !rest.is_empty() && !rest.starts_with('#') {
            return None;
        }
        to = (at + 1..to).find(|it| !blank(&lines[*it]) && depth_of(&lines[*it]) <= indent).unwrap_or(to);
        from = at + 1;
        indent = (from..to).find(|it| !blank(&lines[*it])).map_or(indent + 2, |it| depth_of(&lines[it]));
    }
    let end = last(&lines, from, to);
    lines.insert(end, format!("{}{key}: {value}", " ".repeat(indent)));
    Some(lines.join("\n") + "\n")
}

/// After the last line of a range that says something.
fn last(lines: &[String], from: usize, to: usize) -> usize {
    (from..to).rev().find(|it| !blank(&lines[*it])).map_or(from, |it| it + 1)
}

fn named(line: &str, indent: usize, key: &str) -> bool {
    depth_of(line) == indent
        && line.get(indent..).and_then(|it| it.strip_prefix(key)).is_some_and(|it| it.starts_with(':'))
}

fn blank(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

fn depth_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests;
