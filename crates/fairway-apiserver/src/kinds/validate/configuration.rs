//! ConfigMaps and Secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairway_schema::{Cause, names};
use serde_json::{Value, json};

use super::names::say;
use crate::kinds::tree::{entries, text};

/// Of all values together, in bytes.
const LIMIT: usize = 1024 * 1024;

pub(super) fn config_map(object: &Value, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for (key, value) in entries(&object["data"]) {
        say(&format!("data[{key}]"), &json!(key), names::config_map_key(key), causes);
        if object["binaryData"].get(key).is_some() {
            let detail = "duplicate of key present in binaryData";
            causes.push(Cause::invalid(format!("data[{key}]"), &json!(key), detail));
        }
        size += text(value).len();
    }
    for (key, value) in entries(&object["binaryData"]) {
        say(&format!("binaryData[{key}]"), &json!(key), names::config_map_key(key), causes);
        size += decoded(value).len();
    }
    if size > LIMIT {
        causes.push(Cause::too_long("", LIMIT as u64));
    }
}

pub(super) fn secret(object: &Value, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for (key, value) in entries(&object["data"]) {
        say(&format!("data[{key}]"), &json!(key), names::config_map_key(key), causes);
        size += decoded(value).len();
    }
    if size > LIMIT {
        causes.push(Cause::too_long("data", LIMIT as u64));
    }
    by_type(object, causes);
}

fn by_type(object: &Value, causes: &mut Vec<Cause>) {
    let data = &object["data"];
    let needs = |keys: &[&str], causes: &mut Vec<Cause>| {
        for key in keys.iter().filter(|it| data.get(**it).is_none()) {
            causes.push(Cause::required(format!("data[{key}]"), ""));
        }
    };
    match text(&object["type"]) {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if text(&object["metadata"]["annotations"][name]).is_empty() {
                causes.push(Cause::required(format!("metadata.annotations[{name}]"), ""));
            }
        }
        "kubernetes.io/dockercfg" => docker(data, ".dockercfg", causes),
        "kubernetes.io/dockerconfigjson" => docker(data, ".dockerconfigjson", causes),
        "kubernetes.io/basic-auth" if data.get("username").is_none() && data.get("password").is_none() => {
            needs(&["username", "password"], causes);
        }
        "kubernetes.io/ssh-auth" => needs(&["ssh-privatekey"], causes),
        "kubernetes.io/tls" => needs(&["tls.crt", "tls.key"], causes),
        _ => {}
    }
}

fn docker(data: &Value, key: &str, causes: &mut Vec<Cause>) {
    let at = format!("data[{key}]");
    match data.get(key) {
        None => causes.push(Cause::required(at, "")),
        Some(value) if serde_json::from_slice::<Value>(&decoded(value)).is_err() => {
            causes.push(Cause::invalid(at, &json!("<secret contents redacted>"), "invalid character"));
        }
        Some(_) => {}
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(text(value)).unwrap_or_default()
}
