//! `/hub/v1/logs`: what instances of a component that are gone printed last, newest first. The right is that to read
//! the logs of Pods of the namespace.

use std::collections::BTreeMap;

use fairway_api::names::{LABEL_COMPONENT, LABEL_VERSION};
use fairway_apiserver::{ApiError, Body};
use http::request::Parts;
use http::{Method, Response};
use serde_json::json;

use super::{Asker, answer};
use crate::platform::streams::NodeStreams;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    namespace: String,
    labels: BTreeMap<String, String>,
}

pub(super) async fn past(head: &Parts, streams: &NodeStreams, asker: &Asker<'_>) -> Result<Response<Body>, ApiError> {
    if head.method != Method::GET {
        return Err(ApiError::method_not_allowed());
    }
    let asked = Asked::parse(head.uri.query().unwrap_or_default())?;
    if !asker.may_read_logs(&asked.namespace) {
        let why = format!("User {:?} cannot get pods/log in namespace {:?}", asker.identity.user, asked.namespace);
        return Err(ApiError::forbidden("", "pods", "", &why));
    }
    let node = streams
        .node()
        .ok_or_else(|| ApiError::new(503, "ServiceUnavailable", "the node is starting; try again in a moment"))?;
    let items = node.past(&asked.namespace, asked.labels).await;
    Ok(answer(200, &json!({ "items": items })))
}

impl Asked {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let mut asked = Self::default();
        for part in text.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let is_plain = value.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._".contains(&it));
            if value.is_empty() || value.len() > 253 || !is_plain {
                return Err(ApiError::bad_request(format!("{name} is not a name")));
            }
            let label = match name {
                "namespace" => {
                    value.clone_into(&mut asked.namespace);
                    continue;
                }
                "component" => LABEL_COMPONENT,
                "version" => LABEL_VERSION,
                _ => return Err(ApiError::bad_request("logs are asked for by namespace, component and version")),
            };
            asked.labels.insert(label.to_owned(), value.to_owned());
        }
        if asked.namespace.is_empty() {
            return Err(ApiError::bad_request("say which namespace: ?namespace=NAME"));
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests;
