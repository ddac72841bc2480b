//! The canonical bytes of an object: `metadata` first, everything else sorted.

use serde_json::Value;

/// Writes an object with its `metadata` first, so that readers of the bytes find it without reading the rest.
/// Equal objects give equal bytes.
pub fn canonical(object: &Value) -> Vec<u8> {
    let Value::Object(fields) = object else { return write(object) };
    let mut out = vec![b'{'];
    let metadata = fields.get_key_value("metadata");
    let rest = fields.iter().filter(|it| it.0 != "metadata");
    for (name, value) in metadata.into_iter().chain(rest) {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend(write(&Value::String(name.clone())));
        out.push(b':');
        append(&mut out, value);
    }
    out.push(b'}');
    out
}

fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    append(&mut out, value);
    out
}

fn append(out: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(out, value).expect("a JSON tree has text keys and a buffer takes every byte");
}

#[cfg(test)]
mod tests;
