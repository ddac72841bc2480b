//! The volumes of a pod.

use std::collections::BTreeSet;

use fairway_schema::{Cause, names};
use serde_json::Value;

use super::names::{required, required_name, say};
use crate::kinds::tree::{items, text};

/// Checks the list; gives the names that mounts may refer to.
pub(super) fn check<'a>(volumes: &'a Value, at: &str, causes: &mut Vec<Cause>) -> BTreeSet<&'a str> {
    let mut known = BTreeSet::new();
    for (index, volume) in items(volumes).iter().enumerate() {
        let at = format!("{at}[{index}]");
        required_name(&format!("{at}.name"), &volume["name"], names::dns_label, "", causes);
        if !text(&volume["name"]).is_empty() && !known.insert(text(&volume["name"])) {
            causes.push(Cause::duplicate(format!("{at}.name"), &volume["name"]));
        }
        source(volume, &at, causes);
    }
    known
}

fn source(volume: &Value, at: &str, causes: &mut Vec<Cause>) {
    let sources: Vec<&String> =
        volume.as_object().into_iter().flatten().map(|it| it.0).filter(|it| *it != "name").collect();
    if sources.is_empty() {
        causes.push(Cause::required(at, "must specify a volume type"));
    }
    for more in sources.iter().skip(1) {
        causes.push(Cause::forbidden(format!("{at}.{more}"), "may not specify more than 1 volume type"));
    }
    for name in sources.iter().take(1) {
        let (at, it) = (format!("{at}.{name}"), &volume[name.as_str()]);
        match name.as_str() {
            "secret" => {
                required(&format!("{at}.secretName"), &it["secretName"], causes);
                files(it, &at, causes);
            }
            "configMap" => {
                required(&format!("{at}.name"), &it["name"], causes);
                files(it, &at, causes);
            }
            "hostPath" => required(&format!("{at}.path"), &it["path"], causes),
            "persistentVolumeClaim" => required(&format!("{at}.claimName"), &it["claimName"], causes),
            "emptyDir" => size(it, &at, causes),
            "projected" => projected(it, &at, causes),
            "downwardAPI" => mode(&it["defaultMode"], &format!("{at}.defaultMode"), causes),
            _ => {}
        }
    }
}

/// A mode, and items with keys and paths.
fn files(source: &Value, at: &str, causes: &mut Vec<Cause>) {
    mode(&source["defaultMode"], &format!("{at}.defaultMode"), causes);
    for (index, it) in items(&source["items"]).iter().enumerate() {
        let at = format!("{at}.items[{index}]");
        required_name(&format!("{at}.key"), &it["key"], names::config_map_key, "", causes);
        relative(&it["path"], &format!("{at}.path"), causes);
        mode(&it["mode"], &format!("{at}.mode"), causes);
    }
}

fn mode(mode: &Value, at: &str, causes: &mut Vec<Cause>) {
    if mode.as_i64().is_some_and(|it| !(0..=0o777).contains(&it)) {
        let detail = "must be a number between 0 and 0777 (octal), both inclusive";
        causes.push(Cause::invalid(at, mode, detail));
    }
}

/// A path that stays where it is put.
pub(super) fn relative(path: &Value, at: &str, causes: &mut Vec<Cause>) {
    let given = text(path);
    if given.is_empty() {
        causes.push(Cause::required(at, ""));
    } else if given.starts_with('/') {
        causes.push(Cause::invalid(at, path, "must be a relative path"));
    }
    if given.split('/').any(|it| it == "..") {
        causes.push(Cause::invalid(at, path, "must not contain '..'"));
    }
    if given.starts_with("..") && !given.starts_with("../") && given != ".." {
        causes.push(Cause::invalid(at, path, "must not start with '..'"));
    }
}

fn size(source: &Value, at: &str, causes: &mut Vec<Cause>) {
    let limit = &source["sizeLimit"];
    if text(limit).parse::<fairway_schema::quantity::Quantity>().is_ok_and(|it| it.is_negative()) {
        let at = format!("{at}.sizeLimit");
        causes.push(Cause::forbidden(at, "SizeLimit field must be a valid resource quantity"));
    }
}

fn projected(source: &Value, at: &str, causes: &mut Vec<Cause>) {
    mode(&source["defaultMode"], &format!("{at}.defaultMode"), causes);
    for (index, it) in items(&source["sources"]).iter().enumerate() {
        let at = format!("{at}.sources[{index}]");
        if let Some(secret) = it.get("secret") {
            required(&format!("{at}.secret.name"), &secret["name"], causes);
        }
        if let Some(map) = it.get("configMap") {
            required(&format!("{at}.configMap.name"), &map["name"], causes);
        }
        if let Some(token) = it.get("serviceAccountToken") {
            let at = format!("{at}.serviceAccountToken");
            if token["expirationSeconds"].as_i64().is_some_and(|it| it < 600) {
                let detail = "may not specify a duration less than 10 minutes";
                causes.push(Cause::invalid(format!("{at}.expirationSeconds"), &token["expirationSeconds"], detail));
            }
            relative(&token["path"], &format!("{at}.path"), causes);
        }
    }
}

/// The mounts of one container.
pub(super) fn mounts(container: &Value, at: &str, known: &BTreeSet<&str>, causes: &mut Vec<Cause>) {
    let mut taken = BTreeSet::new();
    for (index, mount) in items(&container["volumeMounts"]).iter().enumerate() {
        let at = format!("{at}.volumeMounts[{index}]");
        match text(&mount["name"]) {
            "" => causes.push(Cause::required(format!("{at}.name"), "")),
            name if !known.contains(name) => causes.push(Cause::not_found(format!("{at}.name"), &mount["name"])),
            _ => {}
        }
        match text(&mount["mountPath"]) {
            "" => causes.push(Cause::required(format!("{at}.mountPath"), "")),
            path if !taken.insert(path) => {
                causes.push(Cause::invalid(format!("{at}.mountPath"), &mount["mountPath"], "must be unique"));
            }
            _ => {}
        }
        if !text(&mount["subPath"]).is_empty() {
            relative(&mount["subPath"], &format!("{at}.subPath"), causes);
        }
    }
    for (index, device) in items(&container["volumeDevices"]).iter().enumerate() {
        say(
            &format!("{at}.volumeDevices[{index}].name"),
            &device["name"],
            names::dns_label(text(&device["name"])),
            causes,
        );
    }
}
