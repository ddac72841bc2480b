//! Paths that are no resources: discovery, OpenAPI, version, health.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, HeaderValue, IF_NONE_MATCH, LOCATION, VARY};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::reply::{Reply, bytes_response, text_response, tree_response};
use super::{ExtraRoutes, Shared};
use crate::body::{Body, BodyError};
use crate::registry::{Document, Registry, encode_v2};
use crate::request::{Accept, RequestInfo, Shape};
use crate::{ApiError, Identity};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// OpenAPI v2 in protobuf, as it is asked for and as it is given: the two differ in the real server too.
const OPENAPI_V2_ASKED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const OPENAPI_V2_GIVEN: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Answers a request for a document.
pub(super) async fn answer<B>(
    shared: &Arc<Shared>,
    parts: &Parts,
    body: B,
    info: &RequestInfo,
    accept: Accept,
    identity: Identity,
) -> Result<Response<Body>, ApiError>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    if let Some(extra) = extra_routes(shared, &info.path) {
        let request = Request::from_parts(parts.clone(), Body::carry(body));
        return Ok(extra.answer(request, identity).await);
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(if is_ours(&info.path) { method_not_allowed() } else { Reply::page_not_found() });
    }
    if let Some(document) = shared.authenticate.document(&info.path) {
        return Ok(tree_response(StatusCode::OK, &document, accept.format));
    }
    let registry = shared.registry();
    match info.path.as_str() {
        "/" => Ok(tree_response(StatusCode::OK, &root(&registry), accept.format)),
        "/version" | "/version/" => Ok(tree_response(StatusCode::OK, &version(&shared.version), accept.format)),
        "/openapi/v3" => Ok(tagged(parts, &registry.openapi().index, "application/json")),
        "/openapi/v2" => Ok(openapi_v2(shared, &registry, parts)),
        path if path.starts_with("/openapi/v3/") => Ok(openapi(shared, &registry, path, parts)),
        path if is_health(path) => Ok(health(path, parts)),
        path => discovery(&registry, parts, path, info, accept),
    }
}

/// Who answers a path beside the API, if somebody does.
pub(super) fn extra_routes<'a>(shared: &'a Shared, path: &str) -> Option<&'a Arc<dyn ExtraRoutes>> {
    shared.extra_routes.as_ref().filter(|it| !is_ours(path) && it.serves(path))
}

fn is_ours(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(
        first,
        "" | ".well-known" | "openid" | "api" | "apis" | "openapi" | "version" | "healthz" | "livez" | "readyz"
    )
}

fn method_not_allowed() -> Response<Body> {
    text_response(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n")
}

fn discovery(
    registry: &Registry,
    parts: &Parts,
    path: &str,
    info: &RequestInfo,
    accept: Accept,
) -> Result<Response<Body>, ApiError> {
    let documents = registry.discovery();
    let document = match path {
        "/api" if accept.shape == Shape::Discovery => return Ok(tagged(parts, &documents.aggregated_core, AGGREGATED)),
        "/apis" if accept.shape == Shape::Discovery => {
            return Ok(tagged(parts, &documents.aggregated_groups, AGGREGATED));
        }
        "/api" => Some(&documents.core_versions),
        "/apis" => Some(&documents.group_list),
        _ if !info.version.is_empty() => {
            documents.resource_lists.get(&(info.group.as_str().into(), info.version.as_str().into()))
        }
        _ => path.strip_prefix("/apis/").and_then(|group| documents.groups.get(group)),
    };
    let Some(document) = document else { return Ok(Reply::page_not_found()) };
    if accept.shape != Shape::Object {
        return Err(super::reply::not_acceptable());
    }
    Ok(match accept.format {
        crate::request::Format::Json => bytes_response(StatusCode::OK, "application/json", document.body.clone()),
        format => tree_response(StatusCode::OK, &crate::object::parse(&document.body), format),
    })
}

/// A document that clients keep until its tag changes.
fn tagged(parts: &Parts, document: &Document, content_type: &'static str) -> Response<Body> {
    tagged_with(parts, &document.etag, content_type, || document.body.clone())
}

fn tagged_with(parts: &Parts, etag: &str, content_type: &'static str, body: impl FnOnce() -> Bytes) -> Response<Body> {
    let tag = format!("\"{etag}\"");
    let known = parts.headers.get(IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    let mut response = if known.is_some_and(|it| it.split(',').any(|it| it.trim() == tag)) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        bytes_response(StatusCode::OK, content_type, body())
    };
    let headers = response.headers_mut();
    if let Ok(tag) = tag.parse() {
        headers.insert(ETAG, tag);
    }
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
    response
}

fn openapi(shared: &Shared, registry: &Registry, path: &str, parts: &Parts) -> Response<Body> {
    let section = path.trim_start_matches("/openapi/v3/");
    let documents = registry.openapi();
    let Some(hash) = documents.hash(section) else { return Reply::page_not_found() };
    let accepted = parts.headers.get(ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or("*/*");
    let json = accepted.split(',').any(|it| {
        matches!(it.split(';').next().unwrap_or_default().trim(), "application/json" | "*/*" | "application/*")
    });
    if !json {
        return text_response(StatusCode::NOT_ACCEPTABLE, "406 not acceptable: only application/json is served\n");
    }
    let asked = parts.uri.query().and_then(|it| it.split('&').find_map(|it| it.strip_prefix("hash=")));
    if asked.is_some_and(|it| it != hash) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        if let Ok(location) = format!("/openapi/v3/{section}?hash={hash}").parse() {
            response.headers_mut().insert(LOCATION, location);
        }
        return response;
    }
    let body = documents.render(section, &shared.version).unwrap_or_default();
    let mut response = bytes_response(StatusCode::OK, "application/json", body.into());
    let headers = response.headers_mut();
    if let Ok(tag) = format!("\"{hash}\"").parse() {
        headers.insert(ETAG, tag);
    }
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    if asked.is_some() {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
        let year = jiff::SignedDuration::from_hours(24 * 365);
        let expires = shared.world.clock.now().saturating_add(year).unwrap_or(jiff::Timestamp::MAX);
        if let Ok(expires) = expires.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().parse() {
            headers.insert(EXPIRES, expires);
        }
    }
    response
}

/// Whether OpenAPI v2 is asked for in protobuf, in which old clients take it alone.
pub(super) fn is_openapi_v2(parts: &Parts) -> bool {
    let asked = parts.headers.get(ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let first = asked.split(',').next().unwrap_or_default();
    parts.uri.path() == "/openapi/v2" && first.trim().starts_with(OPENAPI_V2_ASKED)
}

/// One document for all.
fn openapi_v2(shared: &Shared, registry: &Registry, parts: &Parts) -> Response<Body> {
    let protobuf = is_openapi_v2(parts);
    let made = || registry.openapi().render_v2(&shared.version);
    let (kind, content_type) = if protobuf { ("protobuf", OPENAPI_V2_GIVEN) } else { ("json", "application/json") };
    let etag = format!("{}-{kind}", registry.openapi().v2_hash());
    tagged_with(parts, &etag, content_type, || {
        if protobuf { encode_v2(&made()).into() } else { made().to_string().into() }
    })
}

fn root(registry: &Registry) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, version) in registry.discovery().resource_lists.keys().filter(|it| !it.0.is_empty()) {
        paths.push(format!("/apis/{group}"));
        paths.push(format!("/apis/{group}/{version}"));
    }
    paths.extend(["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(ToOwned::to_owned));
    paths.sort();
    paths.dedup();
    json!({ "paths": paths })
}

/// `v1.34.1+build` as clients want to read it: whole numbers apart.
fn version(git_version: &str) -> Value {
    let mut numbers = git_version.trim_start_matches('v').split(['.', '-', '+']);
    let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("0"));
    json!({
        "major": major, "minor": minor, "gitVersion": git_version, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn is_health(path: &str) -> bool {
    ["/healthz", "/livez", "/readyz"]
        .iter()
        .any(|it| path.strip_prefix(it).is_some_and(|rest| matches!(rest, "" | "/ping" | "/store")))
}

/// The server answers, so it lives; it is made ready before it listens.
fn health(path: &str, parts: &Parts) -> Response<Body> {
    let verbose = parts.uri.query().is_some_and(|it| it.split('&').any(|it| it.starts_with("verbose")));
    let mut response = if verbose {
        let name = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        text_response(StatusCode::OK, format!("[+]ping ok\n[+]store ok\n{name} check passed\n"))
    } else {
        text_response(StatusCode::OK, "ok")
    };
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
