//! Discovery: which groups, versions and resources there are, in the old form (one document per group version) and
//! in the aggregated one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Document, Served, version_rank};
use crate::Subresource;
use crate::object::api_version;

/// The documents of one snapshot.
#[derive(Debug)]
pub(crate) struct Documents {
    /// `/api`.
    pub(crate) core_versions: Document,
    /// `/apis`.
    pub(crate) group_list: Document,
    /// `/apis/<group>`.
    pub(crate) groups: BTreeMap<Arc<str>, Document>,
    /// `/api/v1`, `/apis/<group>/<version>`: by group and version.
    pub(crate) resource_lists: BTreeMap<(Arc<str>, Arc<str>), Document>,
    /// `/api` as `APIGroupDiscoveryList`.
    pub(crate) aggregated_core: Document,
    /// `/apis` as `APIGroupDiscoveryList`.
    pub(crate) aggregated_groups: Document,
}

/// Groups in their order, each with its versions in theirs.
type Tree<'a> = Vec<(Arc<str>, Vec<(Arc<str>, Vec<&'a Served>)>)>;

impl Documents {
    pub(super) fn build(resources: &[Arc<Served>]) -> Self {
        let tree = tree(resources);
        let (core, groups): (Tree<'_>, Tree<'_>) = tree.into_iter().partition(|it| it.0.is_empty());
        let described: Vec<(Arc<str>, Value)> =
            groups.iter().map(|(name, versions)| (Arc::clone(name), group(name, versions))).collect();
        let list = json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": described.iter().map(|it| &it.1).collect::<Vec<_>>(),
        });
        Self {
            core_versions: Document::of(&core_versions()),
            group_list: Document::of(&list),
            groups: described.into_iter().map(|(name, value)| (name, Document::of(&with_kind(value)))).collect(),
            resource_lists: core
                .iter()
                .chain(&groups)
                .flat_map(|(name, versions)| versions.iter().map(|(version, it)| (Arc::clone(name), version, it)))
                .map(|(group, version, it)| ((group, Arc::clone(version)), Document::of(&resource_list(it))))
                .collect(),
            aggregated_core: Document::of(&aggregated(&core)),
            aggregated_groups: Document::of(&aggregated(&groups)),
        }
    }
}

fn tree(resources: &[Arc<Served>]) -> Tree<'_> {
    let mut tree: Tree<'_> = Vec::new();
    for it in resources {
        let group = match tree.iter().position(|(name, _)| *name == it.group) {
            Some(at) => at,
            None => {
                tree.push((Arc::clone(&it.group), Vec::new()));
                tree.len() - 1
            }
        };
        let versions = &mut tree[group].1;
        match versions.iter_mut().find(|(version, _)| *version == it.version) {
            Some((_, resources)) => resources.push(it),
            None => versions.push((Arc::clone(&it.version), vec![it])),
        }
    }
    for (_, versions) in &mut tree {
        versions.sort_by_key(|(version, _)| version_rank(version));
    }
    tree
}

/// `/api` is the one document that says where the server is; clients only want it to be there.
fn core_versions() -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "" }],
    })
}

fn group(name: &str, versions: &[(Arc<str>, Vec<&Served>)]) -> Value {
    let version = |it: &str| json!({ "groupVersion": format!("{name}/{it}"), "version": it });
    json!({
        "name": name,
        "versions": versions.iter().map(|it| version(&it.0)).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(|it| version(&it.0)),
    })
}

fn with_kind(mut group: Value) -> Value {
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    group
}

fn resource_list(resources: &[&Served]) -> Value {
    let first = resources.first();
    let group_version = first.map(|it| api_version(it)).unwrap_or_default();
    let rows: Vec<Value> = resources.iter().flat_map(|it| rows(it)).collect();
    let mut list = json!({ "kind": "APIResourceList", "groupVersion": group_version, "resources": rows });
    if first.is_some_and(|it| !it.group.is_empty()) {
        list["apiVersion"] = json!("v1");
    }
    list
}

fn rows(it: &Served) -> Vec<Value> {
    let mut row = json!({
        "name": &*it.plural, "singularName": &*it.singular, "namespaced": it.namespaced, "kind": &*it.kind,
        "verbs": texts(&it.verbs),
    });
    if !it.short_names.is_empty() {
        row["shortNames"] = json!(texts(&it.short_names));
    }
    if !it.categories.is_empty() {
        row["categories"] = json!(texts(&it.categories));
    }
    let subresource = |sub: &Subresource| {
        let mut row = json!({
            "name": format!("{}/{}", it.plural, sub.name), "singularName": "", "namespaced": it.namespaced,
            "kind": &*sub.kind, "verbs": texts(&sub.verbs),
        });
        if (&sub.group, &sub.version) != (&it.group, &it.version) {
            row["group"] = json!(&*sub.group);
            row["version"] = json!(&*sub.version);
        }
        row
    };
    std::iter::once(row).chain(it.subresources.iter().map(subresource)).collect()
}

fn aggregated(tree: &Tree<'_>) -> Value {
    let items: Vec<Value> = tree
        .iter()
        .map(|(name, versions)| {
            let metadata = if name.is_empty() { json!({}) } else { json!({ "name": &**name }) };
            let versions: Vec<Value> = versions.iter().map(|(version, it)| aggregated_version(version, it)).collect();
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    })
}

fn aggregated_version(version: &str, resources: &[&Served]) -> Value {
    let resource = |it: &&Served| {
        let mut row = json!({
            "resource": &*it.plural, "singularResource": &*it.singular, "verbs": texts(&it.verbs),
            "scope": if it.namespaced { "Namespaced" } else { "Cluster" },
            "responseKind": { "group": &*it.group, "version": &*it.version, "kind": &*it.kind },
        });
        if !it.short_names.is_empty() {
            row["shortNames"] = json!(texts(&it.short_names));
        }
        if !it.categories.is_empty() {
            row["categories"] = json!(texts(&it.categories));
        }
        let subresource = |sub: &Subresource| {
            json!({
                "subresource": &*sub.name, "verbs": texts(&sub.verbs),
                "responseKind": { "group": &*sub.group, "version": &*sub.version, "kind": &*sub.kind },
            })
        };
        if !it.subresources.is_empty() {
            row["subresources"] = it.subresources.iter().map(subresource).collect();
        }
        row
    };
    let rows: Vec<Value> = resources.iter().map(resource).collect();
    json!({ "version": version, "resources": rows, "freshness": "Current" })
}

fn texts(texts: &[Arc<str>]) -> Vec<&str> {
    texts.iter().map(|it| &**it).collect()
}
