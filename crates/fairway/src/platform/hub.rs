//! The hub's own routes: ledger queries, the image registry, Git and the logs of pipelines, behind the same tokens and
//! rights as the API.
//!
//! Rights are asked on virtual resources of `fairway.dev`: `ledgerevents` to read the ledger (of one project, or of
//! all), `images` to read and write a project's images, `repositories` to fetch from and push to its repositories,
//! `pipelineruns/log` to read what steps printed; and on `pods/log` for what instances that are gone printed.

mod ledger;

mod logs;

mod registry;

mod repositories;

mod run_logs;

use std::sync::Arc;

use super::streams::NodeStreams;
use async_trait::async_trait;
use fairway_api::GROUP;
use fairway_apiserver::{ApiError, Attributes, Authorize, Body, Decision, ExtraRoutes, Identity};
use fairway_controllers::RunLogs;
use http::{Request, Response, StatusCode, header};
use serde_json::Value;

pub(super) use ledger::Ledger;
pub(super) use registry::Registry;
pub(super) use repositories::{BasicForGit, Outcome, PushNote, Repositories, settle};

/// All routes beside the Kubernetes API.
pub(super) struct Hub {
    pub(super) ledger: Ledger,
    pub(super) registry: Registry,
    pub(super) repositories: Repositories,
    pub(super) streams: NodeStreams,
    pub(super) run_logs: RunLogs,
    pub(super) authorize: Arc<dyn Authorize>,
}

#[async_trait]
impl ExtraRoutes for Hub {
    fn serves(&self, path: &str) -> bool {
        path.starts_with("/hub/v1/")
            || path == "/v2"
            || path.starts_with("/v2/")
            || path.starts_with(repositories::PREFIX)
    }

    async fn answer(&self, request: Request<Body>, identity: Identity) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let asker = Asker { identity: &identity, authorize: self.authorize.as_ref() };
        if path.starts_with("/v2") {
            return self.registry.answer(request, &asker).await;
        }
        if path.starts_with(repositories::PREFIX) {
            return self.repositories.answer(request, &asker).await;
        }
        let head = request.into_parts().0;
        let answered = match path.as_str() {
            "/hub/v1/logs" => logs::past(&head, &self.streams, &asker).await,
            step if run_logs::serves(step) => run_logs::answer(&self.run_logs, &head, &asker),
            _ => self.ledger.answer(&head, &asker).await,
        };
        match answered {
            Ok(response) => response,
            Err(error) => refuse(&error),
        }
    }
}

/// Who asks, and what they may.
struct Asker<'a> {
    identity: &'a Identity,
    authorize: &'a dyn Authorize,
}

impl Asker<'_> {
    /// Whether the logs of Pods may be read.
    fn may_read_logs(&self, namespace: &str) -> bool {
        let attributes = Attributes {
            verb: "get",
            version: "v1",
            resource: "pods",
            subresource: "log",
            namespace,
            is_resource: true,
            ..Attributes::default()
        };
        matches!(self.authorize.authorize(self.identity, &attributes), Decision::Allow)
    }

    /// Whether a verb on a virtual resource is allowed, in a namespace or (empty) everywhere.
    fn may(&self, verb: &str, resource: &str, namespace: &str) -> bool {
        self.may_with(verb, resource, namespace, "")
    }

    /// Whether a verb on one thing of a virtual resource is allowed.
    fn may_with(&self, verb: &str, resource: &str, namespace: &str, name: &str) -> bool {
        let attributes = Attributes {
            verb,
            group: GROUP,
            version: "v1alpha1",
            resource,
            namespace,
            name,
            is_resource: true,
            ..Attributes::default()
        };
        matches!(self.authorize.authorize(self.identity, &attributes), Decision::Allow)
    }
}

fn refuse(error: &ApiError) -> Response<Body> {
    answer(error.code, &error.to_status())
}

fn answer(code: u16, value: &Value) -> Response<Body> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
