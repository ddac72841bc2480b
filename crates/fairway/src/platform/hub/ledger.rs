//! `/hub/v1/ledger`: what happened, newest first; `/verify`: whether the record is whole; `/export`: all of it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fairway_api::names::{ComponentName, EnvironmentName, ProjectName, environment_namespace};
use fairway_apiserver::{ApiError, Body};
use fairway_ledger::{Bad, Fault, PublicKey, Query, ReadLedger, Record, Trust, export, open_reader, query, verify};
use http::request::Parts;
use http::{Method, Response, header};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Asker, answer};

/// No page is longer.
const PAGE: usize = 1000;

/// The ledger, read through connections of its own: the writer is never waited for.
#[derive(Clone)]
pub(in crate::platform) struct Ledger {
    connection: Arc<Mutex<Connection>>,
    key: PublicKey,
}

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    project: Option<String>,
    environment: Option<String>,
    component: Option<String>,
    cause: Option<String>,
    before: Option<u64>,
    limit: usize,
}

impl Ledger {
    /// The ledger in the store's file. `key` is the one its checkpoints are signed with.
    pub(in crate::platform) fn open(path: &Path, key: PublicKey) -> Result<Self, ReadLedger> {
        let connection = open_reader(path)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), key })
    }

    pub(super) async fn answer(&self, head: &Parts, asker: &Asker<'_>) -> Result<Response<Body>, ApiError> {
        if head.method != Method::GET {
            return Err(ApiError::method_not_allowed());
        }
        let uri = &head.uri;
        let asked = Asked::parse(uri.query().unwrap_or_default())?;
        let scope = asked.project.clone().unwrap_or_default();
        match uri.path() {
            "/hub/v1/ledger" => {
                allowed(asker, &scope)?;
                let records = self.blocking(move |it| asked.read(it)).await?;
                let items: Vec<Value> = records.iter().map(shown).collect();
                Ok(answer(200, &json!({ "items": items })))
            }
            "/hub/v1/ledger/verify" => {
                allowed(asker, "")?;
                let trust = Trust { keys: vec![self.key], checkpoints: Vec::new() };
                let report = self.blocking(move |it| verify(it, &trust)).await?;
                Ok(answer(
                    200,
                    &json!({
                        "verified": report.bad.is_none(),
                        "events": report.head.sequence,
                        "head": report.head.hash.to_string(),
                        "checkpoints": report.checkpoints,
                        "bad": report.bad.as_ref().map(explain),
                    }),
                ))
            }
            "/hub/v1/ledger/export" => {
                allowed(asker, "")?;
                let lines = self
                    .blocking(|it| {
                        let mut lines = Vec::new();
                        export(it, &mut lines).map(|_| lines)
                    })
                    .await?;
                let mut response = Response::new(Body::from(lines));
                let kind = header::HeaderValue::from_static("application/jsonl");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                Ok(response)
            }
            _ => Err(ApiError::no_such_resource()),
        }
    }

    /// Runs on a thread that may wait.
    async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection).map_err(|it| it.to_string())
        });
        done.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }
}

fn allowed(asker: &Asker<'_>, project: &str) -> Result<(), ApiError> {
    if asker.may("list", "ledgerevents", project) {
        return Ok(());
    }
    let place = if project.is_empty() { "of all projects".to_owned() } else { format!("of project {project}") };
    let why = format!("User {:?} may not read the ledger {place}; name a project of yours", asker.identity.user);
    Err(ApiError::forbidden("fairway.dev", "ledgerevents", "", &why))
}

impl Asked {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let mut asked = Self { limit: 100, ..Self::default() };
        let bad =
            |name: &str, why: &dyn std::fmt::Display| ApiError::bad_request(format!("query parameter {name}: {why}"));
        for pair in text.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let number = || value.parse::<u64>().map_err(|_| bad(name, &"must be a number"));
            // Names are DNS labels: whatever needs escaping is no name.
            match name {
                "project" => asked.project = Some(ProjectName::parse(value).map_err(|it| bad(name, &it))?.to_string()),
                "environment" => {
                    asked.environment = Some(EnvironmentName::parse(value).map_err(|it| bad(name, &it))?.to_string());
                }
                "component" => {
                    asked.component = Some(ComponentName::parse(value).map_err(|it| bad(name, &it))?.to_string());
                }
                "cause" if value.len() <= 64 && value.bytes().all(|it| it.is_ascii_alphanumeric()) => {
                    asked.cause = Some(value.to_owned());
                }
                "cause" => return Err(bad(name, &"must be an event's id")),
                "before" => asked.before = Some(number()?),
                "limit" => asked.limit = usize::try_from(number()?).unwrap_or(PAGE),
                other => return Err(ApiError::bad_request(format!("query parameter {other:.40} is not known"))),
            }
        }
        asked.limit = asked.limit.clamp(1, PAGE);
        if asked.project.is_none() && (asked.environment.is_some() || asked.component.is_some()) {
            return Err(ApiError::bad_request("query parameter project: is missing; a component is one of a project"));
        }
        Ok(asked)
    }

    fn to_query(&self) -> Query {
        // Of one environment: what happened in its namespace.
        let environment =
            self.project.as_deref().zip(self.environment.as_deref()).and_then(|(project, environment)| {
                Some(environment_namespace(
                    &ProjectName::parse(project).ok()?,
                    &EnvironmentName::parse(environment).ok()?,
                ))
            });
        Query {
            project: environment.or_else(|| self.project.clone()),
            cause: self.cause.clone(),
            before: self.before,
            limit: if self.component.is_some() { PAGE } else { self.limit },
            ..Query::default()
        }
    }

    /// The events of one component are picked out of those of its project, page by page.
    fn read(&self, connection: &Connection) -> Result<Vec<Record>, ReadLedger> {
        let mut asked = self.to_query();
        let Some(component) = &self.component else { return query(connection, &asked) };
        let mut found = Vec::new();
        loop {
            let page = query(connection, &asked)?;
            let last = page.last().map(|it| it.sequence);
            let whole = page.len() == asked.limit;
            found.extend(page.into_iter().filter(|it| concerns(it, component)));
            if !whole || found.len() >= self.limit || last.is_none() {
                found.truncate(self.limit);
                return Ok(found);
            }
            asked.before = last;
        }
    }
}

/// Whether an event is about a component: itself, its deliveries, its releases, its bundles.
fn concerns(record: &Record, component: &str) -> bool {
    let Some(object) = &record.event.object else { return false };
    let of_release =
        || object.name.strip_prefix(component).and_then(|it| it.strip_prefix('-')).is_some_and(|it| it.len() == 10);
    object.name == component
        || object.name.strip_suffix(".inventory") == Some(component)
        || (object.kind == "Release" && of_release())
}

fn shown(record: &Record) -> Value {
    let event = &record.event;
    let object = event.object.as_ref();
    json!({
        "specversion": "1.0",
        "sequence": record.sequence,
        "hash": record.hash.to_string(),
        "id": event.id,
        "type": event.kind,
        "source": event.source,
        "subject": event.subject,
        "time": event.time.to_string(),
        "actor": event.actor,
        "cause": event.cause,
        "verb": event.verb,
        "object": object.map(|it| json!({
            "group": it.group, "kind": it.kind, "namespace": it.namespace, "name": it.name, "uid": it.uid,
            "revision": it.revision,
        })),
        "data": event.data,
    })
}

fn explain(bad: &Bad) -> Value {
    let why = match &bad.fault {
        Fault::Changed => "was changed after it was written".to_owned(),
        Fault::Missing { .. } => "is missing".to_owned(),
        Fault::Cut { known } => format!("and all after it were cut off; a signed checkpoint knows of {known}"),
        other => format!("does not fit what was signed ({other:?})"),
    };
    json!({ "sequence": bad.sequence, "message": format!("record {} {why}", bad.sequence) })
}

#[cfg(test)]
mod tests;
