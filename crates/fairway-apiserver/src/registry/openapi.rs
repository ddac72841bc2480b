//! OpenAPI v3: one document per group version, made when it is asked for, from the schemas as they were captured or
//! given; nothing of it stays in memory but the hashes.

mod gnostic;
mod v2;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Definitions, Document, Served};
use crate::kinds;
use crate::object::api_version;

pub(crate) use gnostic::encode as encode_v2;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/// Where each document is, and what it is made of.
#[derive(Debug)]
pub(crate) struct Documents {
    /// `/openapi/v3`.
    pub(crate) index: Document,
    /// By path below `/openapi/v3/`: `api/v1`, `apis/apps/v1`.
    sections: BTreeMap<String, Section>,
}

#[derive(Debug)]
struct Section {
    hash: String,
    resources: Vec<Arc<Served>>,
    /// What custom kinds look like, as it was given.
    custom: BTreeMap<Arc<str>, Arc<Value>>,
}

/// What a document says.
struct Parts {
    paths: Map<String, Value>,
    /// The schemas that no real server gave us.
    own: Map<String, Value>,
    /// The names of those that one did.
    roots: Vec<&'static str>,
}

impl Documents {
    pub(super) fn build(resources: &[Arc<Served>], definitions: &Definitions) -> Self {
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
        for it in resources {
            let section = sections.entry(section_path(it)).or_insert_with(|| Section {
                hash: String::new(),
                resources: Vec::new(),
                custom: BTreeMap::new(),
            });
            section.resources.push(Arc::clone(it));
            if let Some(schema) = given_schema(definitions, it) {
                section.custom.insert(Arc::clone(&it.kind), schema);
            }
        }
        for section in sections.values_mut() {
            section.hash = section.digest();
        }
        let url = |path: &str, hash: &str| json!({ "serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}") });
        let paths: Map<String, Value> = sections.iter().map(|(path, it)| (path.clone(), url(path, &it.hash))).collect();
        Self { index: Document::of(&json!({ "paths": paths })), sections }
    }

    /// The hash of a document, if there is such a document.
    pub(crate) fn hash(&self, path: &str) -> Option<&str> {
        self.sections.get(path).map(|it| it.hash.as_str())
    }

    /// Tells apart what the document of version 2 is made of.
    pub(crate) fn v2_hash(&self) -> String {
        Document::of(&self.sections.values().map(|it| it.hash.as_str()).collect()).etag
    }

    /// `/openapi/v2`: everything in one document, for clients that know nothing newer.
    pub(crate) fn render_v2(&self, version: &str) -> Value {
        v2::document(self.sections.values().map(Section::parts), version)
    }

    /// The document below `/openapi/v3/`.
    pub(crate) fn render(&self, path: &str, version: &str) -> Option<String> {
        self.sections.get(path).map(|it| it.render(version))
    }
}

fn given_schema(definitions: &Definitions, it: &Served) -> Option<Arc<Value>> {
    let crate::Origin::Custom { crd } = &it.origin else { return None };
    definitions.get(crd)?.schemas.get(&it.version).cloned()
}

fn section_path(it: &Served) -> String {
    if it.group.is_empty() { format!("api/{}", it.version) } else { format!("apis/{}/{}", it.group, it.version) }
}

impl Section {
    /// Tells apart what the document is made of: built-in schemas change with the program only.
    fn digest(&self) -> String {
        let mut made_of = String::from(env!("CARGO_PKG_VERSION"));
        for it in &self.resources {
            let _ = write!(made_of, "{:?}", (&it.plural, &it.kind, &it.verbs, it.subresources.len()));
        }
        for it in self.custom.values() {
            made_of.push_str(&it.to_string());
        }
        Document::of(&Value::String(made_of)).etag
    }

    /// What the document says, before it is written down in one version of OpenAPI or the other.
    fn parts(&self) -> Parts {
        let mut parts =
            Parts { paths: Map::new(), own: Map::new(), roots: vec![STATUS, DELETE_OPTIONS, OBJECT_META, LIST_META] };
        for it in &self.resources {
            let component = component_name(it);
            add_paths(&mut parts.paths, it, &component);
            match kinds::schema_name(&it.group, &it.version, &it.kind) {
                Some(name) if !it.is_custom() => parts.roots.push(name),
                _ => self.add_custom(&mut parts.own, it, &component),
            }
            parts.own.insert(format!("{component}List"), list_schema(it, &component));
            let subresources = it.subresources.iter();
            parts.roots.extend(subresources.filter_map(|it| kinds::schema_name(&it.group, &it.version, &it.kind)));
        }
        parts
    }

    fn render(&self, version: &str) -> String {
        let Parts { paths, own, roots } = self.parts();
        let mut document = format!(
            "{{\"openapi\":\"3.0.0\",\"info\":{},\"paths\":{},\"components\":{{\"schemas\":{{",
            json!({ "title": "Kubernetes", "version": version }),
            Value::Object(paths)
        );
        let mut first = true;
        let mut add = |name: &str, text: &str| {
            if !std::mem::take(&mut first) {
                document.push(',');
            }
            let _ = write!(document, "{}:{text}", Value::from(name));
        };
        for name in kinds::component_names(roots) {
            if !own.contains_key(name) {
                add(name, kinds::component_text(name).unwrap_or("{}"));
            }
        }
        for (name, schema) in &own {
            add(name, &schema.to_string());
        }
        document.push_str("}}}");
        document
    }

    fn add_custom(&self, schemas: &mut Map<String, Value>, it: &Served, component: &str) {
        let given = self.custom.get(&it.kind).map(|it| (**it).clone());
        let mut schema = given.unwrap_or_else(|| json!({ "type": "object" }));
        let text = |about: &str| json!({ "type": "string", "description": about });
        schema["properties"]["apiVersion"] = text("The group and version of the schema of this object.");
        schema["properties"]["kind"] = text("What kind of object this is.");
        schema["properties"]["metadata"] = json!({
            "description": "Name, labels and the like.",
            "allOf": [reference(OBJECT_META)],
        });
        schema["x-kubernetes-group-version-kind"] = json!([gvk(&it.group, &it.version, &it.kind)]);
        schemas.insert(component.to_owned(), schema);
    }
}

/// `io.k8s.api.core.v1.Pod` for what Kubernetes has, `dev.fairway.v1alpha1.Team` for a custom kind.
fn component_name(it: &Served) -> String {
    match kinds::schema_name(&it.group, &it.version, &it.kind) {
        Some(name) if !it.is_custom() => name.to_owned(),
        _ => {
            let reversed: Vec<&str> = it.group.rsplit('.').collect();
            format!("{}.{}.{}", reversed.join("."), it.version, it.kind)
        }
    }
}

fn list_schema(it: &Served, component: &str) -> Value {
    json!({
        "type": "object", "required": ["items"],
        "properties": {
            "apiVersion": { "type": "string" }, "kind": { "type": "string" },
            "metadata": { "allOf": [reference(LIST_META)], "default": {} },
            "items": { "type": "array", "items": { "allOf": [reference(component)], "default": {} } },
        },
        "x-kubernetes-group-version-kind": [gvk(&it.group, &it.version, &it.list_kind)],
    })
}

fn reference(component: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{component}") })
}

fn gvk(group: &str, version: &str, kind: &str) -> Value {
    json!({ "group": group, "version": version, "kind": kind })
}

fn add_paths(paths: &mut Map<String, Value>, it: &Served, component: &str) {
    let root = if it.group.is_empty() { format!("/api/{}", it.version) } else { format!("/apis/{}", api_version(it)) };
    let own = gvk(&it.group, &it.version, &it.kind);
    let scope = if it.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{root}{scope}/{}", it.plural);
    let list = format!("{component}List");
    let operations = |verbs: &[(&str, &str, &str, &str)], allowed: &dyn Fn(&str) -> bool| -> Map<String, Value> {
        verbs
            .iter()
            .filter(|(_, verb, ..)| allowed(verb))
            .map(|(method, _, action, schema)| ((*method).to_owned(), operation(method, action, &own, schema)))
            .collect()
    };
    let served = |verb: &str| it.serves(verb);
    let on_collection = [
        ("get", "list", "list", list.as_str()),
        ("post", "create", "post", component),
        ("delete", "deletecollection", "deletecollection", STATUS),
    ];
    let on_item = [
        ("get", "get", "get", component),
        ("put", "update", "put", component),
        ("patch", "patch", "patch", component),
        ("delete", "delete", "delete", STATUS),
    ];
    add(paths, collection.clone(), operations(&on_collection, &served), it.namespaced, false);
    add(paths, format!("{collection}/{{name}}"), operations(&on_item, &served), it.namespaced, true);
    if it.namespaced && it.serves("list") {
        add(paths, format!("{root}/{}", it.plural), operations(&on_collection[..1], &served), false, false);
    }
    for sub in &it.subresources {
        let own = gvk(&sub.group, &sub.version, &sub.kind);
        let schema = kinds::schema_name(&sub.group, &sub.version, &sub.kind).unwrap_or(component);
        let verb = |verb: &str| sub.verbs.iter().any(|it| &**it == verb);
        let rows = [("get", "get"), ("put", "update"), ("patch", "patch"), ("post", "create")];
        let operations = rows
            .iter()
            .filter(|(_, it)| verb(it))
            .map(|(method, _)| ((*method).to_owned(), operation(method, method, &own, schema)))
            .collect();
        add(paths, format!("{collection}/{{name}}/{}", sub.name), operations, it.namespaced, true);
    }
}

fn add(paths: &mut Map<String, Value>, path: String, mut operations: Map<String, Value>, namespace: bool, name: bool) {
    if operations.is_empty() {
        return;
    }
    let parameter =
        |name: &str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    let given = [("namespace", namespace), ("name", name)];
    operations.insert("parameters".to_owned(), given.iter().filter(|it| it.1).map(|it| parameter(it.0)).collect());
    paths.insert(path, Value::Object(operations));
}

fn operation(method: &str, action: &str, kind: &Value, schema: &str) -> Value {
    let content = json!({ "application/json": { "schema": reference(schema) } });
    let mut operation = json!({
        "x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind,
        "responses": { "200": { "description": "OK", "content": content } },
    });
    let query =
        |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    let write = ["dryRun", "fieldManager", "fieldValidation"];
    match method {
        "post" | "put" => {
            operation["parameters"] = write.iter().map(|it| query(it)).collect();
            operation["requestBody"] =
                json!({ "required": true, "content": { "*/*": { "schema": reference(schema) } } });
        }
        "patch" => {
            let forced =
                json!({ "name": "force", "in": "query", "schema": { "type": "boolean", "uniqueItems": true } });
            operation["parameters"] = write.iter().map(|it| query(it)).chain([forced]).collect();
            let patch = json!({ "schema": { "type": "object" } });
            let types = ["json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"];
            let content: Map<String, Value> =
                types.iter().map(|it| (format!("application/{it}"), patch.clone())).collect();
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        "get" if action == "list" => {
            let names = ["labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "watch"];
            operation["parameters"] = names.iter().map(|it| query(it)).collect();
        }
        _ => {}
    }
    operation
}
