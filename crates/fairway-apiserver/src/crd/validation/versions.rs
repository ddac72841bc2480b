//! The versions of a defined resource: schemas, subresources, columns.

use std::collections::HashSet;

use fairway_schema::jsonpath::JsonPath;
use fairway_schema::{Cause, CauseReason, names as rules};
use serde_json::{Value, json};

use crate::crd::schemas;

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 9] =
    ["byte", "date", "date-time", "double", "float", "int32", "int64", "name", "password"];

pub(super) fn check(definition: &Value, causes: &mut Vec<Cause>) {
    let versions = schemas::versions(definition);
    let mut seen = HashSet::new();
    for (index, version) in versions.iter().enumerate() {
        let at = format!("spec.versions[{index}]");
        for why in rules::dns_1035_label(version["name"].as_str().unwrap_or_default()) {
            causes.push(Cause::invalid(format!("{at}.name"), &version["name"], &why));
        }
        if version["deprecationWarning"].is_string() && version["deprecated"] != true {
            let detail = "can only be set for deprecated versions";
            causes.push(Cause::invalid(format!("{at}.deprecationWarning"), &version["deprecationWarning"], detail));
        }
    }
    if !versions.iter().all(|it| seen.insert(it["name"].as_str())) {
        causes.push(wrong(definition, "must contain unique version names"));
    }
    let stored = versions.iter().filter(|it| it["storage"] == true).count();
    if stored != 1 {
        causes.push(wrong(definition, "must have exactly one version marked as storage version"));
    }
    check_parts(definition, causes);
    if stored == 0 {
        let detail = "must have at least one stored version";
        causes.push(Cause::invalid("status.storedVersions", &Value::Null, detail));
    }
}

/// What all versions have in common is judged once.
fn check_parts(definition: &Value, causes: &mut Vec<Cause>) {
    let mut seen = HashSet::new();
    let mut first = |path: &str| seen.insert(path.to_owned());
    for (index, version) in schemas::versions(definition).iter().enumerate() {
        let path = schemas::path(definition, index, "schema", "validation");
        if version["schema"]["openAPIV3Schema"].is_null() {
            let at = format!("spec.versions[{index}].schema.openAPIV3Schema");
            causes.push(Cause::required(at, "schemas are required"));
        } else if first(&path) {
            causes.extend(schemas::compile(definition, index).1);
        }
        let path = schemas::path(definition, index, "subresources", "subresources");
        if first(&path) {
            check_subresources(&version["subresources"], &path, causes);
        }
        let path = schemas::path(definition, index, "additionalPrinterColumns", "additionalPrinterColumns");
        if first(&path) {
            for (column, given) in version["additionalPrinterColumns"].as_array().into_iter().flatten().enumerate() {
                check_column(given, &format!("{path}[{column}]"), causes);
            }
        }
    }
}

fn check_subresources(subresources: &Value, path: &str, causes: &mut Vec<Cause>) {
    let scale = &subresources["scale"];
    if !scale.is_object() {
        return;
    }
    for (field, roots, required, detail) in [
        ("specReplicasPath", &["spec"][..], true, "should be a json path under .spec"),
        ("statusReplicasPath", &["status"][..], true, "should be a json path under .status"),
        ("labelSelectorPath", &["spec", "status"][..], false, "should be a json path under either .spec or .status"),
    ] {
        let at = format!("{path}.scale.{field}");
        let given = scale[field].as_str().unwrap_or_default();
        if given.is_empty() {
            if required {
                causes.push(Cause::required(at, ""));
            }
            continue;
        }
        let parsed = JsonPath::parse(given).ok();
        let fields = parsed.as_ref().and_then(JsonPath::fields);
        if !fields.is_some_and(|it| it.len() > 1 && it.first().is_some_and(|root| roots.contains(root))) {
            causes.push(Cause::invalid(at, &json!(given), detail));
        }
    }
}

fn check_column(column: &Value, path: &str, causes: &mut Vec<Cause>) {
    for field in ["name", "type", "jsonPath"] {
        if column[field].as_str().is_none_or(str::is_empty) {
            causes.push(Cause::required(format!("{path}.{field}"), ""));
        }
    }
    let kind = column["type"].as_str().unwrap_or_default();
    if !kind.is_empty() && !COLUMN_TYPES.contains(&kind) {
        causes.push(Cause::invalid(
            format!("{path}.type"),
            &column["type"],
            &format!("must be one of {}", COLUMN_TYPES.join(",")),
        ));
    }
    let format = column["format"].as_str().unwrap_or_default();
    if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
        causes.push(Cause::invalid(
            format!("{path}.format"),
            &column["format"],
            &format!("must be one of {}", COLUMN_FORMATS.join(",")),
        ));
    }
    let json_path = column["jsonPath"].as_str().unwrap_or_default();
    if let Err(error) = JsonPath::parse(json_path) {
        let detail = format!("unrecognized json path: {}", error.why);
        causes.push(Cause::invalid(format!("{path}.jsonPath"), &json!(json_path), &detail));
    }
}

/// What is wrong with the versions together. They are shown as the API server shows them: in its own structure, in
/// its order, without the parts that all have in common.
fn wrong(definition: &Value, detail: &str) -> Cause {
    let versions = schemas::versions(definition).iter().map(|it| {
        let flag = |name: &str| it[name] == true;
        format!(
            r#"{{"Name":{},"Served":{},"Storage":{},"Deprecated":{},"DeprecationWarning":{},"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}}"#,
            it["name"],
            flag("served"),
            flag("storage"),
            flag("deprecated"),
            it["deprecationWarning"],
        )
    });
    let shown = versions.collect::<Vec<_>>().join(",");
    Cause {
        reason: CauseReason::FieldValueInvalid,
        field: "spec.versions".to_owned(),
        message: format!("Invalid value: [{shown}]: {detail}"),
    }
}
