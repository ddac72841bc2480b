//! The built-in kinds: captured discovery, columns and schemas become two compact files that the server embeds, and
//! the page that says what is served.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::Generated;

const CAPTURED: &str = "crates/fairway-apiserver/data/captured";
const RESOURCES: &str = "crates/fairway-apiserver/data/builtin-resources.json";
const SCHEMAS: &str = "crates/fairway-apiserver/data/builtin-schemas.tsv";
const PAGE: &str = "docs/reference/served-kinds.md";

/// Who acts on the objects of a resource, in the words of the page and of the warning a client gets. What is not
/// listed here has no controller in Fairway.
const ACTORS: &[(&str, &str)] = &[
    ("core/configmaps", "the node (environment of containers)"),
    ("core/endpoints", "nothing; EndpointSlices are what Services use"),
    ("core/events", "the API server (expiry)"),
    ("core/namespaces", "the API server (life cycle)"),
    ("core/nodes", "the node"),
    ("core/persistentvolumeclaims", "the node (a folder for each)"),
    ("core/pods", "workloads (scheduler), the node"),
    ("core/resourcequotas", "the API server (admission)"),
    ("core/secrets", "the node (environment of containers)"),
    ("core/serviceaccounts", "workloads (a default one for each namespace), the API server (tokens)"),
    ("core/services", "workloads (EndpointSlices), the node (addresses)"),
    ("apps/controllerrevisions", "nothing; the history of StatefulSets"),
    ("apps/deployments", "workloads"),
    ("apps/replicasets", "workloads"),
    ("apps/statefulsets", "workloads"),
    ("batch/cronjobs", "workloads"),
    ("batch/jobs", "workloads"),
    ("networking.k8s.io/networkpolicies", "the node (judged for each connection)"),
    ("rbac.authorization.k8s.io/clusterrolebindings", "the API server (authorization)"),
    ("rbac.authorization.k8s.io/clusterroles", "the API server (authorization)"),
    ("rbac.authorization.k8s.io/rolebindings", "the API server (authorization)"),
    ("rbac.authorization.k8s.io/roles", "the API server (authorization)"),
    ("apiextensions.k8s.io/customresourcedefinitions", "the API server (serves the kind)"),
    ("coordination.k8s.io/leases", "nothing; plain data for leader election"),
    ("discovery.k8s.io/endpointslices", "the node, the gateway"),
];

/// Resources of two groups that are the same objects.
const STORED_AS: &[(&str, &str)] = &[("events.k8s.io/events", "core/events")];

/// All generated files about kinds.
pub(super) fn generate(root: &Path) -> Result<Vec<Generated>> {
    let discovery = read(root, "discovery.json")?;
    let columns = read(root, "table-columns.json")?;
    let openapi = read(root, "openapi.json")?;
    let schemas = openapi["schemas"].as_object().context("openapi.json has no schemas")?;
    let by_kind = index_by_kind(schemas);
    let resources = resources(&discovery, &columns["columns"], &by_kind)?;
    Ok(vec![
        Generated { path: PAGE, text: page(&resources) },
        Generated { path: RESOURCES, text: one_per_line(&resources)? },
        Generated { path: SCHEMAS, text: table_of(schemas)? },
    ])
}

fn read(root: &Path, name: &str) -> Result<Value> {
    let path = root.join(CAPTURED).join(name);
    let bytes = fs::read(&path).with_context(|| format!("read {CAPTURED}/{name}"))?;
    serde_json::from_slice(&bytes).with_context(|| format!("parse {CAPTURED}/{name}"))
}

/// `(group, version, kind)` → the name of its schema.
fn index_by_kind(schemas: &Map<String, Value>) -> BTreeMap<(String, String, String), String> {
    let mut index = BTreeMap::new();
    for (name, schema) in schemas {
        for it in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            index.insert((text(&it["group"]), text(&it["version"]), text(&it["kind"])), name.clone());
        }
    }
    index
}

fn resources(
    discovery: &Value,
    columns: &Value,
    by_kind: &BTreeMap<(String, String, String), String>,
) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    for document in ["/api", "/apis"] {
        for group in list(&discovery["documents"][document]["items"]) {
            let group_name = text(&group["metadata"]["name"]);
            for version in list(&group["versions"]) {
                for it in list(&version["resources"]) {
                    found.push(resource(&group_name, &text(&version["version"]), it, columns, by_kind)?);
                }
            }
        }
    }
    Ok(found)
}

fn resource(
    group: &str,
    version: &str,
    found: &Value,
    columns: &Value,
    by_kind: &BTreeMap<(String, String, String), String>,
) -> Result<Value> {
    let plural = text(&found["resource"]);
    let kind = text(&found["responseKind"]["kind"]);
    let schema = by_kind.get(&(group.to_owned(), version.to_owned(), kind.clone()));
    let schema = schema.with_context(|| format!("no schema for {group}/{version} {kind}"))?;
    let prefix = if group.is_empty() { "api".to_owned() } else { format!("apis/{group}") };
    let own = format!("{}/{plural}", if group.is_empty() { "core" } else { group });
    let storage = STORED_AS.iter().find(|it| it.0 == own).map_or(own.as_str(), |it| it.1);
    let actor = ACTORS.iter().find(|it| it.0 == storage).map_or("", |it| it.1);
    ensure!(!plural.is_empty(), "a resource of {group}/{version} has no name");
    Ok(json!({
        "group": group, "version": version, "plural": plural, "singular": found["singularResource"],
        "kind": kind, "namespaced": found["scope"] == "Namespaced",
        "shortNames": listed(&found["shortNames"]), "categories": listed(&found["categories"]),
        "verbs": listed(&found["verbs"]), "storage": storage, "schema": schema, "actor": actor,
        "subresources": list(&found["subresources"]).iter().map(|it| subresource(group, version, it)).collect::<Vec<_>>(),
        "columns": listed(&columns[format!("{prefix}/{version}/{plural}")]),
    }))
}

/// Discovery leaves group and version out where they are those of the parent.
fn subresource(group: &str, version: &str, found: &Value) -> Value {
    let kind = &found["responseKind"];
    let own = text(&kind["group"]).is_empty() && text(&kind["version"]).is_empty();
    json!({
        "name": found["subresource"], "kind": kind["kind"], "verbs": listed(&found["verbs"]),
        "group": if own { group.to_owned() } else { text(&kind["group"]) },
        "version": if own { version.to_owned() } else { text(&kind["version"]) },
    })
}

fn one_per_line(resources: &[Value]) -> Result<String> {
    let lines: Result<Vec<String>, _> = resources.iter().map(serde_json::to_string).collect();
    Ok(format!("[\n{}\n]\n", lines?.join(",\n")))
}

/// `name<TAB>schema` for each schema, sorted by name, so that the server finds one without parsing the others.
fn table_of(schemas: &Map<String, Value>) -> Result<String> {
    let mut table = String::new();
    for (name, schema) in schemas {
        writeln!(table, "{name}\t{}", serde_json::to_string(schema)?)?;
    }
    Ok(table)
}

fn page(resources: &[Value]) -> String {
    let mut page =
        "<!-- Generated by `cargo xtask gen`; do not edit. -->\n# Built-in kinds that the API server serves\n\n\
        Structure, names, verbs and columns are those of kube-apiserver v1.34. Every kind here can be stored, read, \
        watched and patched; *acts on it* says what happens then. Where nothing does, the objects are kept for other \
        people's controllers, and creating one answers with a `Warning` header that says so. A Service of type NodePort \
        or LoadBalancer is stored as asked, keeps a nodePort that was given, and opens no port outside of the \
        cluster; it is warned about too.\n\n\
        | group/version | resource | kind | verbs | subresources | acts on it |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for it in resources {
        let group = text(&it["group"]);
        let version = text(&it["version"]);
        let group_version = if group.is_empty() { version } else { format!("{group}/{version}") };
        let subresources: Vec<String> = list(&it["subresources"]).iter().map(|it| text(&it["name"])).collect();
        let storable = list(&it["verbs"]).iter().any(|it| it == "get");
        let actor = match (it["actor"].as_str(), storable) {
            (Some(actor), true) if !actor.is_empty() => actor,
            (_, true) => "nothing yet",
            (_, false) => "the API server (answers at once, stores nothing)",
        };
        let _ = writeln!(
            page,
            "| {group_version} | {} | {} | {} | {} | {actor} |",
            text(&it["plural"]),
            text(&it["kind"]),
            list(&it["verbs"]).iter().map(text).collect::<Vec<_>>().join(" "),
            subresources.join(" "),
        );
    }
    page
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A list, also where there was none.
fn listed(value: &Value) -> Value {
    Value::Array(list(value).to_vec())
}
