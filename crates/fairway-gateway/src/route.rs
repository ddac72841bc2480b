//! The part of the Gateway API that the gateway reads: `HTTPRoute` and `Gateway` of `gateway.networking.k8s.io/v1`.
//!
//! Objects are watched untyped and their specs read one by one, so that an object of a shape we do not know harms itself
//! alone.

use kube::core::{ApiResource, DynamicObject};
use serde::{Deserialize, Serialize};

/// The API group of everything here.
pub(crate) const GROUP: &str = "gateway.networking.k8s.io";

/// The resource of `HTTPRoute`.
pub(crate) fn http_routes() -> ApiResource {
    resource("HTTPRoute", "httproutes")
}

/// The resource of `Gateway`.
pub(crate) fn gateways() -> ApiResource {
    resource("Gateway", "gateways")
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: GROUP.into(),
        version: "v1".into(),
        api_version: format!("{GROUP}/v1"),
        kind: kind.into(),
        plural: plural.into(),
    }
}

/// One `HTTPRoute` as the table wants it.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) generation: i64,
    /// Creation time in its RFC 3339 spelling, which sorts by age.
    pub(crate) created: String,
    /// The spec, or why it could not be read.
    pub(crate) spec: Result<RouteSpec, String>,
    /// `status.parents` as stored.
    pub(crate) parents: Vec<serde_json::Value>,
}

impl Route {
    /// Reads an object from the watch.
    pub(crate) fn read(object: &DynamicObject) -> Self {
        let meta = &object.metadata;
        let spec = object.data.get("spec").cloned().unwrap_or_default();
        let parents = object.data.pointer("/status/parents").and_then(|it| it.as_array()).cloned().unwrap_or_default();
        Self {
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
            generation: meta.generation.unwrap_or_default(),
            created: meta.creation_timestamp.as_ref().map(|it| it.0.to_string()).unwrap_or_default(),
            spec: serde_json::from_value(spec).map_err(|it| it.to_string()),
            parents,
        }
    }
}

/// `HTTPRoute.spec`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteSpec {
    pub(crate) parent_refs: Vec<ParentRef>,
    pub(crate) hostnames: Vec<String>,
    pub(crate) rules: Vec<RouteRule>,
}

/// What a route wants to be attached to.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParentRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) section_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
}

/// One rule: which requests, what is done to them, where they go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteRule {
    pub(crate) matches: Vec<RouteMatch>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) backend_refs: Vec<BackendRef>,
    pub(crate) timeouts: Option<Timeouts>,
}

/// One way to meet a rule; all its parts must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteMatch {
    pub(crate) path: Option<PathMatch>,
    pub(crate) headers: Vec<ValueMatch>,
    pub(crate) query_params: Vec<ValueMatch>,
    pub(crate) method: Option<String>,
}

/// `matches.path`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct PathMatch {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) value: Option<String>,
}

/// `matches.headers` and `matches.queryParams`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ValueMatch {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A change to request or response.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) request_header_modifier: Option<HeaderModifier>,
    pub(crate) response_header_modifier: Option<HeaderModifier>,
    pub(crate) request_redirect: Option<Redirect>,
}

/// Headers to set, add and remove.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HeaderModifier {
    pub(crate) set: Vec<NameValue>,
    pub(crate) add: Vec<NameValue>,
    pub(crate) remove: Vec<String>,
}

/// One header.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct NameValue {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// An answer that sends the client elsewhere.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Redirect {
    pub(crate) scheme: Option<String>,
    pub(crate) hostname: Option<String>,
    pub(crate) path: Option<serde_json::Value>,
    pub(crate) port: Option<u16>,
    pub(crate) status_code: Option<u16>,
}

/// Where requests go, and how many of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackendRef {
    pub(crate) group: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) port: Option<u16>,
    pub(crate) weight: Option<u32>,
    #[serde(default)]
    pub(crate) filters: Vec<serde_json::Value>,
}

/// `rules.timeouts`, as durations of GEP-2257 (`10s`, `1m30s`, `500ms`; zero switches off).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Timeouts {
    pub(crate) request: Option<String>,
    pub(crate) backend_request: Option<String>,
}

/// A listener of a `Gateway`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Listener {
    pub(crate) name: String,
    pub(crate) hostname: Option<String>,
    pub(crate) port: u16,
    pub(crate) protocol: String,
    pub(crate) allowed_routes: AllowedRoutes,
}

/// `listeners.allowedRoutes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AllowedRoutes {
    pub(crate) namespaces: AllowedNamespaces,
}

/// `listeners.allowedRoutes.namespaces`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AllowedNamespaces {
    /// `Same` (also when absent), `All` or `Selector`.
    pub(crate) from: Option<String>,
    pub(crate) selector: Option<serde_json::Value>,
}

/// The listeners of a `Gateway` object that speak plain HTTP.
pub(crate) fn listeners(gateway: &DynamicObject) -> Result<Vec<Listener>, serde_json::Error> {
    let listeners =
        gateway.data.pointer("/spec/listeners").cloned().unwrap_or_else(|| serde_json::Value::Array(vec![]));
    let all: Vec<Listener> = serde_json::from_value(listeners)?;
    Ok(all.into_iter().filter(|it| it.protocol == "HTTP").collect())
}
