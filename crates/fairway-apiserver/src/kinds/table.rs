//! The table of built-in resources: names, verbs, subresources, columns.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::components::component;
use crate::{Column, Origin, Resource, Subresource};

static TABLE: &[u8] = include_bytes!("../../data/builtin-resources.json");

static ROWS: LazyLock<Vec<Row>> =
    LazyLock::new(|| serde_json::from_slice(TABLE).expect("`xtask gen` writes valid JSON, and a test reads it"));

/// One row of the generated table.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    group: Box<str>,
    version: Box<str>,
    plural: Box<str>,
    singular: Box<str>,
    kind: Box<str>,
    namespaced: bool,
    short_names: Vec<Box<str>>,
    categories: Vec<Box<str>>,
    verbs: Vec<Box<str>>,
    storage: Box<str>,
    schema: Box<str>,
    actor: Box<str>,
    subresources: Vec<SubresourceRow>,
    columns: Vec<ColumnRow>,
}

#[derive(Deserialize)]
struct SubresourceRow {
    name: Box<str>,
    kind: Box<str>,
    group: Box<str>,
    version: Box<str>,
    verbs: Vec<Box<str>>,
}

#[derive(Deserialize)]
struct ColumnRow {
    name: Box<str>,
    r#type: Box<str>,
    format: Box<str>,
    priority: i32,
}

/// Every built-in resource, in the order of discovery.
pub fn builtin() -> Vec<Resource> {
    ROWS.iter().map(resource).collect()
}

/// The schema of a built-in kind, also of those that only subresources speak: `("autoscaling", "v1", "Scale")`.
pub fn schema_name(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    let row = ROWS.iter().find(|it| &*it.group == group && &*it.version == version && &*it.kind == kind);
    match (row, group, kind) {
        (Some(row), ..) => Some(&row.schema),
        (None, "autoscaling", "Scale") => Some("io.k8s.api.autoscaling.v1.Scale"),
        (None, "policy", "Eviction") => Some("io.k8s.api.policy.v1.Eviction"),
        (None, "authentication.k8s.io", "TokenRequest") => Some("io.k8s.api.authentication.v1.TokenRequest"),
        (None, "", "Binding") => Some("io.k8s.api.core.v1.Binding"),
        (None, "", "Status") => Some("io.k8s.apimachinery.pkg.apis.meta.v1.Status"),
        (None, _, "DeleteOptions") => Some("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
        _ => None,
    }
}

/// What acts on the objects of a built-in resource, `apps/deployments`; `None` where nothing does yet.
pub fn actor(storage: &str) -> Option<&'static str> {
    let row = ROWS.iter().find(|it| &*it.storage == storage)?;
    Some(&*row.actor).filter(|it| !it.is_empty())
}

fn resource(row: &Row) -> Resource {
    Resource {
        group: shared(&row.group),
        version: shared(&row.version),
        plural: shared(&row.plural),
        singular: shared(&row.singular),
        kind: shared(&row.kind),
        list_kind: format!("{}List", row.kind).into(),
        short_names: all_shared(&row.short_names),
        categories: all_shared(&row.categories),
        namespaced: row.namespaced,
        verbs: all_shared(&row.verbs),
        subresources: row.subresources.iter().map(subresource).collect(),
        schema: component(&row.schema).expect("`xtask gen` fails where a resource has no schema"),
        storage: shared(&row.storage),
        origin: Origin::BuiltIn,
        columns: columns(row),
    }
}

fn subresource(row: &SubresourceRow) -> Subresource {
    Subresource {
        name: shared(&row.name),
        kind: shared(&row.kind),
        group: shared(&row.group),
        version: shared(&row.version),
        verbs: all_shared(&row.verbs),
        scale: None,
    }
}

/// Kinds that are never listed have no captured columns; Name and Created At is what a Table of theirs would show.
fn columns(row: &Row) -> Vec<Column> {
    let column = |it: &ColumnRow| Column {
        name: shared(&it.name),
        r#type: shared(&it.r#type),
        format: shared(&it.format),
        description: "".into(),
        priority: it.priority,
        json_path: None,
    };
    row.columns.iter().map(column).collect()
}

fn shared(text: &str) -> Arc<str> {
    text.into()
}

fn all_shared(texts: &[Box<str>]) -> Vec<Arc<str>> {
    texts.iter().map(|it| shared(it)).collect()
}
