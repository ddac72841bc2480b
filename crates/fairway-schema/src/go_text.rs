//! JSON values as Go programs print them: clients match messages that hold such texts.

use std::fmt::Write as _;

use serde_json::Value;

/// As `%v` prints a value: `map[a:1 b:[x y]]`.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}:{}", plain(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// As `%#v` prints a value: `map[string]interface {}{"a":1}`.
pub(crate) fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name:?}:{}", syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// As `%T` names the type of a value.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// How much of a value a message shows. A message repeats what was sent, for each thing that is wrong with it.
const MAX_SHOWN: usize = 8 << 10;

/// As `%q` prints a text. What a terminal would not show as a character is escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for it in text.chars() {
        if out.len() > MAX_SHOWN {
            out.push_str("...");
            break;
        }
        match it {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(it),
            _ if is_shown(it) => out.push(it),
            _ if it < '\u{80}' => drop(write!(out, "\\x{:02x}", u32::from(it))),
            _ if it <= '\u{ffff}' => drop(write!(out, "\\u{:04x}", u32::from(it))),
            _ => drop(write!(out, "\\U{:08x}", u32::from(it))),
        }
    }
    out.push('"');
    out
}

/// Not control characters, odd spaces, or what changes the direction or the look of the text around it.
fn is_shown(it: char) -> bool {
    let format = matches!(u32::from(it),
        0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe000..=0xf8ff
        | 0xfff0..=0xfffb | 0xe0000.. );
    !it.is_control() && !it.is_whitespace() && !format
}

/// As `encoding/json` writes a value, which is fit for HTML; no more of it than a message can bear.
pub(crate) fn json(value: &Value) -> String {
    let mut out = Capped(Vec::new());
    let whole = serde_json::to_writer(&mut out, value).is_ok();
    let mut text = String::from_utf8_lossy(&out.0).into_owned();
    if !whole {
        text.push_str("...");
    }
    let special = ['<', '>', '&', '\u{2028}', '\u{2029}'];
    if !text.contains(special) {
        return text;
    }
    special.iter().fold(text, |text, it| text.replace(*it, &format!("\\u{:04x}", u32::from(*it))))
}

/// A buffer that is full at some point.
struct Capped(Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() >= MAX_SHOWN {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let end = bytes.len().min(MAX_SHOWN - self.0.len());
        self.0.extend_from_slice(&bytes[..end]);
        Ok(end)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
