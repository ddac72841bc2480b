//! `template.yaml`: the Template object at the head of its folder, read by the schema that the API server uses.

use std::sync::OnceLock;

use fairway_api::names::TemplateName;
use fairway_api::v1alpha1::Template;
use fairway_schema::compile::structural;
use fairway_schema::{Link, Schema, decode_yaml, validate};
use kube::CustomResourceExt;
use serde_json::Value;

use super::Folder;
use crate::Finding;

/// The name of the file.
pub const MANIFEST: &str = "template.yaml";
/// More is no manifest.
const MAX_BYTES: usize = 256 * 1024;

/// Reads `template.yaml`. There is a Template only where nothing is to be mended.
pub fn manifest(folder: &Folder) -> (Option<Template>, Vec<Finding>) {
    let one = |message: String| (None, vec![Finding::new(MANIFEST, message)]);
    let Some(file) = folder.files().get(MANIFEST) else {
        return one("is missing; a template begins with it, see docs/how-to/add-a-template.md".to_owned());
    };
    if file.bytes.len() > MAX_BYTES {
        return one(format!("has {} bytes; it has at most {MAX_BYTES}", file.bytes.len()));
    }
    let schema = schema();
    let decoded = match decode_yaml(&file.bytes, schema) {
        Ok(decoded) => decoded,
        Err(error) => return one(first_line(&error.to_string())),
    };
    let mut findings: Vec<Finding> = decoded.findings.iter().map(|it| Finding::new(MANIFEST, it.to_string())).collect();
    let mut find = |path: &str, message: &str| {
        findings.push(Finding::new(format!("{MANIFEST}: {path}"), message));
    };
    for (field, wanted) in [("apiVersion", "fairway.dev/v1alpha1"), ("kind", "Template")] {
        if decoded.value[field] != wanted {
            find(field, &format!("must be {wanted:?}"));
        }
    }
    if let Err(error) = TemplateName::parse(decoded.value["metadata"]["name"].as_str().unwrap_or_default()) {
        find("metadata.name", &error.to_string());
    }
    if let Some(schema) = schema {
        // The name was told of already, in our own words.
        for cause in validate(schema, &decoded.value, "") {
            find(&cause.field, &cause.message);
        }
    }
    let template: Option<Template> = match serde_json::from_value(decoded.value) {
        Ok(template) => Some(template),
        Err(error) if findings.is_empty() => return one(first_line(&error.to_string())),
        Err(_) => None,
    };
    if let Some(template) = template.as_ref().filter(|_| findings.is_empty()) {
        let more = super::check(&template.spec.parameters, "spec.parameters");
        findings.extend(more.into_iter().map(|it| Finding::new(format!("{MANIFEST}: {}", it.path), it.message)));
    }
    findings.truncate(100);
    (template.filter(|_| findings.is_empty()), findings)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// The Template's schema, compiled once.
fn schema() -> Option<&'static Schema> {
    static SCHEMA: OnceLock<Option<Link>> = OnceLock::new();
    let compiled = SCHEMA.get_or_init(|| {
        let definition = Template::crd().spec.versions.into_iter().next().and_then(|it| it.schema);
        let schema = definition.and_then(|it| it.open_api_v3_schema).and_then(|it| serde_json::to_value(it).ok());
        let (link, causes) = structural(&schema.unwrap_or(Value::Null), "");
        causes.is_empty().then_some(link)
    });
    compiled.as_deref()
}
