//! The hub's own routes: the ledger.

use http::{Request, StatusCode};
use jiff::Timestamp;
use kube::client::Body;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// One event of the ledger, newest first where there are several.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Its place in the chain.
    pub sequence: Value,
    /// What later events name as their cause.
    pub id: String,
    /// What kind of event.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about.
    pub subject: Option<String>,
    /// When.
    pub time: String,
    /// Who did it.
    pub actor: String,
    /// The id of the event that led to it.
    pub cause: Option<String>,
    /// What was asked for.
    pub verb: String,
    /// The object it concerns.
    pub object: Option<EventObject>,
    /// More about it.
    pub data: Value,
}

/// The object of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventObject {
    /// Its API group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Event>,
}

/// Events that fit every given part of a query.
pub(crate) async fn events(session: &Session, query: &[(&str, String)]) -> Result<Vec<Event>, Failure> {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = get(session, &format!("/hub/v1/ledger?{}", query.join("&")), "read the ledger").await?;
    let page: Page = serde_json::from_str(&text)
        .map_err(|it| Failure::failed(format!("the ledger's answer cannot be read: {it}")))?;
    Ok(page.items)
}

/// An instance that is gone, and what it printed last.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PastInstance {
    pub(crate) name: String,
    pub(crate) ended: Timestamp,
    pub(crate) containers: Vec<PastContainer>,
}

/// A container of an instance that is gone.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PastContainer {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) log: String,
}

#[derive(Deserialize)]
struct PastInstances {
    items: Vec<PastInstance>,
}

/// Instances of a component that are gone, newest first; of one version, if it is named.
pub(crate) async fn past_instances(
    session: &Session,
    namespace: &str,
    component: &str,
    version: Option<&str>,
) -> Result<Vec<PastInstance>, Failure> {
    let version = version.map(|it| format!("&version={it}")).unwrap_or_default();
    let path = format!("/hub/v1/logs?namespace={namespace}&component={component}{version}");
    let text = match get(session, &path, "read the logs of instances that are gone").await {
        // A cluster without a hub remembers none.
        Err(failure) if failure.exit == Exit::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let page: PastInstances =
        serde_json::from_str(&text).map_err(|it| Failure::failed(format!("the hub's answer cannot be read: {it}")))?;
    Ok(page.items)
}

/// The text of one of the hub's documents.
pub(crate) async fn get(session: &Session, path: &str, doing: &str) -> Result<String, Failure> {
    let request = Request::get(path).body(Body::empty());
    let request = request.map_err(|it| Failure::usage(format!("cannot {doing}: {it}")))?;
    let response = session.client.send(request).await.map_err(Failure::api(doing))?;
    let status = response.status();
    let body = response.into_body().collect_bytes().await.map_err(Failure::api(doing))?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if status.is_success() {
        return Ok(text);
    }
    let said: Value = serde_json::from_str(&text).unwrap_or_default();
    let message = said["message"].as_str().unwrap_or("this cluster has no hub there");
    let what = format!("cannot {doing}: {message} ({})", status.as_u16());
    Err(match status {
        StatusCode::NOT_FOUND => Failure::not_found(what),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::refused(what).hint("platform whoami"),
        _ => Failure::failed(what),
    })
}
