//! The captured cases, and which resource a path means.

use fairway_apiserver::{Resource, kinds};
use serde_json::Value;

/// The cases of one file.
pub(crate) fn cases(file: &str) -> Vec<Value> {
    let text = match file {
        "errors" => include_str!("errors.json"),
        _ => include_str!("create-defaults.json"),
    };
    let golden: Value = serde_json::from_str(text).expect("golden cases");
    golden["cases"].as_array().expect("a list").clone()
}

/// The resource a path creates in, and the namespace.
pub(crate) fn find(path: &str) -> Option<(Resource, Option<&str>)> {
    let parts: Vec<&str> = path.split('?').next().unwrap_or(path).trim_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, plural) = match rest {
        ["namespaces", namespace, plural] => (Some(*namespace), *plural),
        [plural] => (None, *plural),
        _ => return None,
    };
    let fits = |it: &Resource| &*it.group == group && &*it.version == version && &*it.plural == plural;
    kinds::builtin().into_iter().find(fits).map(|it| (it, namespace))
}
