//! `get`: objects of our own kinds, as the API prints them.

use clap::Args;
use fairway_api::v1alpha1::definitions;
use http::{Request, header};
use kube::core::{ApiResource, GroupVersionKind};
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::output::Report;
use crate::place;
use crate::session::Session;
use crate::text::{ago, columns};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// Show objects: teams, projects, environments, templates, components, releases, deliveries, pipelineruns
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Get {
    /// The kind, in any spelling kubectl knows
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// One object
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// The environment of deliveries; without it all
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
}

/// Objects that were found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Found {
    /// The object, or a list.
    pub objects: Value,
    #[serde(skip)]
    kind: String,
    #[serde(skip)]
    tables: Vec<Value>,
    /// Where each table is from, if from several places.
    #[serde(skip)]
    places: Vec<String>,
    #[serde(skip)]
    now: Option<jiff::Timestamp>,
}

impl Report for Found {
    fn table(&self) -> String {
        let Some(first) = self.tables.first() else { return "nothing found\n".to_owned() };
        let heads: Vec<(usize, String)> = first["columnDefinitions"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(_, it)| it["priority"].as_i64().unwrap_or(0) == 0)
            .map(|(index, it)| (index, it["name"].as_str().unwrap_or_default().to_uppercase()))
            .collect();
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (index, table) in self.tables.iter().enumerate() {
            for row in table["rows"].as_array().into_iter().flatten() {
                let place = self.places.get(index).cloned();
                rows.push(place.into_iter().chain(heads.iter().map(|(at, _)| self.cell(&row["cells"][*at]))).collect());
            }
        }
        if rows.is_empty() {
            return "nothing found\n".to_owned();
        }
        let place = (!self.places.is_empty()).then_some("ENVIRONMENT");
        let heads: Vec<&str> = place.into_iter().chain(heads.iter().map(|it| it.1.as_str())).collect();
        columns(&heads, &rows)
    }

    fn names(&self) -> Vec<String> {
        let one =
            |it: &Value| format!("{}.fairway.dev/{}", self.kind, it["metadata"]["name"].as_str().unwrap_or_default());
        match self.objects["items"].as_array() {
            Some(items) => items.iter().map(one).collect(),
            None => vec![one(&self.objects)],
        }
    }
}

impl Found {
    /// Times of the table are absolute or relative already; an absolute one is shown as an age.
    fn cell(&self, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => match (text.parse::<jiff::Timestamp>(), self.now) {
                (Ok(time), Some(now)) => ago(time, now),
                _ => text.clone(),
            },
            other => other.to_string(),
        }
    }
}

/// One of our kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
}

/// The kind that is meant by a word: plural, singular, short, in any case.
pub(crate) fn kind(word: &str) -> Result<Kind, Failure> {
    let wanted = word.to_lowercase();
    let wanted = wanted.trim_end_matches(".fairway.dev");
    let mut known = Vec::new();
    for definition in definitions() {
        let names = definition.spec.names;
        let singular = names.kind.to_lowercase();
        let service = names.kind == "Component" && ["service", "services"].contains(&wanted);
        let short = names.short_names.clone().unwrap_or_default().iter().any(|it| it == wanted);
        if names.plural == wanted || singular == wanted || short || service {
            let gvk = GroupVersionKind::gvk("fairway.dev", "v1alpha1", &names.kind);
            let resource = ApiResource::from_gvk_with_plural(&gvk, &names.plural);
            return Ok(Kind { resource, namespaced: definition.spec.scope == "Namespaced" });
        }
        known.push(names.plural);
    }
    let word: String = word.chars().take(60).collect();
    Err(Failure::usage(format!("{word:?} is no kind of ours; there are {}", known.join(", ")))
        .hint("kubectl shows every other kind: platform kubeconfig --write"))
}

/// Reads objects, as themselves and as the API's table of them.
pub async fn get(session: &Session, get: &Get) -> Result<Found, Failure> {
    let kind = kind(&get.kind)?;
    if let Some(name) = &get.name {
        check_name(name)?;
    }
    let singular = kind.resource.kind.to_lowercase();
    let mut found = Found {
        objects: Value::Null,
        kind: singular,
        tables: Vec::new(),
        places: Vec::new(),
        now: Some(session.world.clock.now()),
    };
    let mut items = Vec::new();
    let namespaces = namespaces(session, &kind, get.env.as_deref()).await?;
    let several = namespaces.len() > 1;
    for namespace in namespaces {
        let path = path(&kind, namespace.as_deref(), get.name.as_deref());
        let objects: Value = match ask(session, &path, "application/json", &found.kind).await {
            // One name, looked for in several places.
            Err(failure) if several && failure.exit == Exit::NotFound => continue,
            other => other?,
        };
        if let Some((_, environment)) = namespace.as_deref().and_then(|it| it.split_once("--")) {
            found.places.push(environment.to_owned());
        }
        found.tables.push(ask(session, &path, TABLE, &found.kind).await?);
        match objects["items"].as_array() {
            Some(list) => {
                let kind = |mut it: Value| {
                    it["apiVersion"] = Value::from("fairway.dev/v1alpha1");
                    it["kind"] = Value::from(kind.resource.kind.as_str());
                    it
                };
                items.extend(list.iter().cloned().map(kind));
            }
            None if !several => {
                found.objects = objects;
                return Ok(found);
            }
            None => items.push(objects),
        }
    }
    if let Some(name) = get.name.as_ref().filter(|_| items.is_empty()) {
        return Err(Failure::not_found(format!("there is no {} {name}", found.kind))
            .hint(format!("platform get {} shows what there is", found.kind)));
    }
    found.objects = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": items });
    Ok(found)
}

/// A name goes into a path: nothing else may.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-' || it == b'.';
    if !name.is_empty() && name.len() <= 253 && name.bytes().all(fits) && !name.starts_with(['.', '-']) {
        return Ok(());
    }
    let name: String = name.chars().take(60).collect();
    Err(Failure::usage(format!(
        "{name:?} is not the name of an object: lower-case letters, digits, \"-\" and \".\" make one"
    )))
}

/// Where objects of a kind are looked for.
pub(crate) async fn namespaces(
    session: &Session,
    kind: &Kind,
    environment: Option<&str>,
) -> Result<Vec<Option<String>>, Failure> {
    if !kind.namespaced {
        return Ok(vec![None]);
    }
    let project = session.project().await?;
    if !in_environments(kind) {
        return Ok(vec![Some(project.to_string())]);
    }
    let places = match environment {
        Some(name) => vec![place::environment(session, &project, name).await?],
        None => place::environments(session, &project).await?,
    };
    Ok(places.iter().map(|it| Some(it.namespace())).collect())
}

/// Whether objects of a kind live in the namespaces of Environments.
pub(crate) fn in_environments(kind: &Kind) -> bool {
    ["deliveries", "resources"].contains(&kind.resource.plural.as_str())
}

fn path(kind: &Kind, namespace: Option<&str>, name: Option<&str>) -> String {
    let place = namespace.map(|it| format!("/namespaces/{it}")).unwrap_or_default();
    let name = name.map(|it| format!("/{it}")).unwrap_or_default();
    format!("/apis/fairway.dev/v1alpha1{place}/{}{name}", kind.resource.plural)
}

async fn ask(session: &Session, path: &str, accept: &str, what: &str) -> Result<Value, Failure> {
    let request = Request::get(path).header(header::ACCEPT, accept).body(Vec::new());
    let request = request.map_err(|it| Failure::usage(format!("cannot ask for {what}: {it}")))?;
    let missing = |it: Failure| match it.exit {
        Exit::NotFound => it.hint(format!("platform get {what} shows what there is")),
        _ => it,
    };
    session.client.request(request).await.map_err(Failure::api(format!("get {what}"))).map_err(missing)
}

#[cfg(test)]
mod tests;
