//! The resources a definition defines: one for each served version.

use std::sync::Arc;

use serde_json::Value;

use super::schemas::{compile, versions};
use super::{age_column, defaults};
use crate::{Column, Origin, Resource, ScalePaths, Subresource};

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// The resources of a definition, in the order of its versions. A version whose schema does not compile is left out:
/// [`super::settle`] says why in the condition `NonStructuralSchema`.
pub fn resources(definition: &Value) -> Vec<Resource> {
    let mut definition = definition.clone();
    defaults::default(&mut definition);
    let served = (0..versions(&definition).len()).filter(|it| versions(&definition)[*it]["served"] == true);
    served.filter_map(|it| resource(&definition, it)).collect()
}

fn resource(definition: &Value, index: usize) -> Option<Resource> {
    let (schema, causes) = compile(definition, index);
    if !causes.is_empty() {
        return None;
    }
    let (spec, version) = (&definition["spec"], &versions(definition)[index]);
    let names = &spec["names"];
    let (group, plural) = (text(&spec["group"]), text(&names["plural"]));
    Some(Resource {
        version: text(&version["name"]),
        singular: text(&names["singular"]),
        kind: text(&names["kind"]),
        list_kind: text(&names["listKind"]),
        short_names: texts(&names["shortNames"]),
        categories: texts(&names["categories"]),
        namespaced: spec["scope"] == "Namespaced",
        verbs: VERBS.iter().map(|it| Arc::from(*it)).collect(),
        subresources: subresources(&group, &text(&names["kind"]), version),
        schema,
        storage: format!("{group}/{plural}").into(),
        origin: Origin::Custom { crd: text(&definition["metadata"]["name"]) },
        columns: columns(version),
        group,
        plural,
    })
}

fn subresources(group: &Arc<str>, kind: &Arc<str>, version: &Value) -> Vec<Subresource> {
    let verbs = || ["get", "patch", "update"].map(Arc::from).to_vec();
    let mut found = Vec::new();
    let scale = &version["subresources"]["scale"];
    if scale.is_object() {
        found.push(Subresource {
            name: "scale".into(),
            kind: "Scale".into(),
            group: "autoscaling".into(),
            version: "v1".into(),
            verbs: verbs(),
            scale: Some(ScalePaths {
                spec_replicas: text(&scale["specReplicasPath"]),
                status_replicas: text(&scale["statusReplicasPath"]),
                label_selector: Some(text(&scale["labelSelectorPath"])).filter(|it| !it.is_empty()),
            }),
        });
    }
    if version["subresources"]["status"].is_object() {
        found.push(Subresource {
            name: "status".into(),
            kind: kind.clone(),
            group: group.clone(),
            version: text(&version["name"]),
            verbs: verbs(),
            scale: None,
        });
    }
    found
}

fn columns(version: &Value) -> Vec<Column> {
    let name = Column {
        name: "Name".into(),
        r#type: "string".into(),
        format: "name".into(),
        description: "The name of the object.".into(),
        priority: 0,
        json_path: None,
    };
    let age = [age_column()];
    let given = version["additionalPrinterColumns"].as_array().filter(|it| !it.is_empty());
    let given = given.map_or(age.as_slice(), Vec::as_slice);
    std::iter::once(name).chain(given.iter().map(column)).collect()
}

fn column(given: &Value) -> Column {
    let path = text(&given["jsonPath"]);
    let priority = given["priority"].as_i64().and_then(|it| i32::try_from(it).ok()).unwrap_or(0);
    let description = match given["description"].as_str() {
        Some(description) => description.into(),
        None => format!("The value at {path}.").into(),
    };
    Column {
        name: text(&given["name"]),
        r#type: text(&given["type"]),
        format: text(&given["format"]),
        description,
        priority,
        json_path: Some(path),
    }
}

/// The warning that every use of a deprecated version carries.
pub fn deprecation(definition: &Value, version: &str) -> Option<String> {
    let found = versions(definition).iter().find(|it| it["name"] == version)?;
    if found["deprecated"] != true {
        return None;
    }
    if let Some(warning) = found["deprecationWarning"].as_str() {
        return Some(warning.to_owned());
    }
    let spec = &definition["spec"];
    Some(format!("{}/{version} {} is deprecated", text(&spec["group"]), text(&spec["names"]["kind"])))
}

fn text(value: &Value) -> Arc<str> {
    value.as_str().unwrap_or_default().into()
}

fn texts(value: &Value) -> Vec<Arc<str>> {
    value.as_array().into_iter().flatten().map(text).collect()
}
