//! A collection: all of it, what selectors leave of it, or page by page as it was at the first page.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use fairway_schema::Cause;
use fairway_store::{ListQuery, Page, Range, ReadError, Revision, Stored};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::body::Body;
use crate::object::quoted;
use crate::registry::Served;
use crate::request::{Format, Query, Shape};
use crate::selection::Selection;
use crate::server::{Call, Reply};
use crate::table::{self, Table};
use crate::{ApiError, server};

/// Lists are sent in pieces of about this size.
const PIECE: usize = 128 << 10;

/// Where the next page starts, and as of when.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    v: String,
    /// -1: as it is by then.
    rv: i64,
    start: String,
}

/// What a list found.
struct Found {
    items: Vec<Stored>,
    revision: Revision,
    /// Unknown where a selector was given.
    remaining: Option<usize>,
    next: Option<String>,
}

pub(super) fn list(call: &Call) -> Result<Reply, ApiError> {
    let selection = Selection::parse(call)?;
    let query = plan(call)?;
    let found = find(call, &selection, query)?;
    match (call.accept.shape, call.accept.format) {
        (Shape::Object, Format::Json) => Ok(Reply::ready(stream(&call.served, found))),
        (Shape::Object, format) => {
            let text: Vec<u8> = pieces(&call.served, found).fold(Vec::new(), |mut all, it| {
                all.extend_from_slice(&it);
                all
            });
            let tree = crate::object::parse(&text);
            Ok(Reply::ready(server::tree_response(StatusCode::OK, &tree, format)))
        }
        (Shape::Table, format) => {
            let mut table = Table::start(call)?;
            for it in &found.items {
                table.add(&call.served.decode(it));
            }
            let tree = table.finish(metadata(&found), true);
            Ok(Reply::ready(server::tree_response(StatusCode::OK, &tree, format)))
        }
        (Shape::Metadata, format) => {
            let items: Vec<Value> = found.items.iter().map(|it| table::partial(&call.served.decode(it))).collect();
            let tree = json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata(&found), "items": items,
            });
            Ok(Reply::ready(server::tree_response(StatusCode::OK, &tree, format)))
        }
        (Shape::Discovery, _) => Err(server::not_acceptable()),
    }
}

/// From the parameters of a list to what the store is asked.
fn plan(call: &Call) -> Result<ListQuery, ApiError> {
    let query = &call.query;
    let limit = query.number("limit")?.and_then(|it| usize::try_from(it).ok()).filter(|it| *it > 0);
    let revision = parse_revision(query)?;
    check_options(query, revision)?;
    let range = call.range();
    if let Some(token) = query.given("continue") {
        let token = read_token(token)?;
        let (namespace, name) = token.start.split_once('/').ok_or_else(|| bad_token("it names no start"))?;
        if range.namespace.as_ref().is_some_and(|it| **it != *namespace) {
            return Err(bad_token("it belongs to another namespace"));
        }
        let at = u64::try_from(token.rv).ok();
        return Ok(ListQuery { range, at, after: Some((namespace.into(), name.into())), limit });
    }
    let exact = query.get("resourceVersionMatch") == Some("Exact")
        || (query.given("resourceVersionMatch").is_none() && limit.is_some());
    check_not_ahead(call, revision)?;
    match revision {
        Some(0) => Ok(ListQuery { range, at: None, after: None, limit: None }),
        Some(at) if exact => Ok(ListQuery { range, at: Some(at), after: None, limit }),
        _ => Ok(ListQuery { range, at: None, after: None, limit }),
    }
}

/// The combinations that make no sense.
fn check_options(query: &Query, revision: Option<Revision>) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    if query.flag("sendInitialEvents") {
        causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    let matching = query.given("resourceVersionMatch");
    let field = "resourceVersionMatch";
    match matching {
        None => {}
        Some(_) if query.given("continue").is_some() => {
            causes.push(Cause::forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
        }
        Some(_) if revision.is_none() => {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            causes.push(Cause::forbidden(field, why));
        }
        Some("Exact") if revision == Some(0) => {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            causes.push(Cause::forbidden(field, why));
        }
        Some("Exact" | "NotOlderThan") => {}
        Some(other) => {
            causes.push(Cause::not_supported(field, &json!(other), &["Exact", "NotOlderThan", ""]));
        }
    }
    if query.given("continue").is_some() && revision.is_some_and(|it| it != 0) {
        return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
    }
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &causes)) }
}

/// `resourceVersion`, `None` where it is empty.
pub(crate) fn parse_revision(query: &Query) -> Result<Option<Revision>, ApiError> {
    let Some(text) = query.given("resourceVersion") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
        let message = format!("invalid resource version: resourceVersion: Invalid value: {text:?}: {why}");
        ApiError::bad_request(message)
    })
}

/// 504 for a revision that was not written yet.
pub(super) fn check_not_ahead(call: &Call, revision: Option<Revision>) -> Result<(), ApiError> {
    let current = call.shared.store.revision();
    match revision {
        Some(asked) if asked > current => Err(ahead(asked, current)),
        _ => Ok(()),
    }
}

fn ahead(asked: Revision, current: Revision) -> ApiError {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    ApiError::new(504, "Timeout", message).with_details(json!({
        "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
        "retryAfterSeconds": 1,
    }))
}

/// Reads pages until as many objects match as are wanted.
fn find(call: &Call, selection: &Selection, mut query: ListQuery) -> Result<Found, ApiError> {
    let limit = query.limit;
    let mut items = Vec::new();
    loop {
        let page = call.shared.store.list(&query).map_err(|error| refused(call, &query, error))?;
        let Page { items: read, revision, remaining } = page;
        query.at = Some(revision);
        query.after = read.last().map(|it| (Arc::clone(&it.key.namespace), Arc::clone(&it.key.name)));
        if selection.is_everything() {
            items = read;
        } else {
            items.extend(read.into_iter().filter(|it| selection.matches(it)));
        }
        let enough = limit.is_none_or(|it| items.len() >= it);
        if remaining == 0 || enough || query.after.is_none() {
            let next = query.after.filter(|_| remaining > 0).map(|start| token(revision, &start));
            let remaining = selection.is_everything().then_some(remaining);
            return Ok(Found { items, revision, remaining, next });
        }
        query.limit = limit.map(|it| (it - items.len()).max(1));
    }
}

fn refused(call: &Call, query: &ListQuery, error: ReadError) -> ApiError {
    match error {
        ReadError::Expired { .. } => {
            let message = if query.after.is_some() {
                "The provided continue parameter is too old to display a consistent list result. You can start a new \
                 list without the continue parameter, or use the continue token in this response to retrieve the \
                 remainder of the results. Continuing with the provided token results in an inconsistent list - \
                 objects that were created, modified, or deleted between the time the first chunk was returned and \
                 now may show up in the list."
                    .to_owned()
            } else {
                format!("The resourceVersion for the provided list is too old: {}", query.at.unwrap_or_default())
            };
            let mut error = ApiError::new(410, "Expired", message);
            error.continue_token = query.after.as_ref().map(|start| write_token(-1, start));
            error
        }
        ReadError::Future { current } => ahead(query.at.unwrap_or_default(), current),
        ReadError::Closed => {
            let message = format!("cannot list {}: the store is closed", call.served.plural);
            ApiError::new(503, "ServiceUnavailable", message)
        }
    }
}

fn token(revision: Revision, start: &(Arc<str>, Arc<str>)) -> String {
    write_token(i64::try_from(revision).unwrap_or(-1), start)
}

fn write_token(rv: i64, (namespace, name): &(Arc<str>, Arc<str>)) -> String {
    let token = json!(Token { v: "meta.k8s.io/v1".to_owned(), rv, start: format!("{namespace}/{name}") });
    BASE64_URL_SAFE_NO_PAD.encode(token.to_string())
}

fn bad_token(why: &str) -> ApiError {
    ApiError::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
}

fn read_token(text: &str) -> Result<Token, ApiError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| bad_token("it is not base64"))?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|_| bad_token("it was not made by this server"))?;
    if token.v == "meta.k8s.io/v1" { Ok(token) } else { Err(bad_token("its version is unknown")) }
}

fn metadata(found: &Found) -> Value {
    let mut metadata = json!({ "resourceVersion": found.revision.to_string() });
    if let Some(next) = &found.next {
        metadata["continue"] = json!(next);
        if let Some(remaining) = found.remaining {
            metadata["remainingItemCount"] = json!(remaining);
        }
    }
    metadata
}

fn stream(served: &Arc<Served>, found: Found) -> http::Response<Body> {
    let size: usize = found.items.iter().map(|it| it.value.len() + 64).sum();
    let pieces = pieces(served, found);
    if size < PIECE {
        let all = pieces.fold(Vec::with_capacity(size + 256), |mut all, it| {
            all.extend_from_slice(&it);
            all
        });
        return server::bytes_response(StatusCode::OK, "application/json", all.into());
    }
    let mut response = server::bytes_response(StatusCode::OK, "application/json", Bytes::new());
    *response.body_mut() = Body::stream(futures::stream::iter(pieces.map(Ok)));
    response
}

/// The list as text, made piece by piece while it is sent.
fn pieces(served: &Arc<Served>, found: Found) -> impl Iterator<Item = Bytes> + Send + 'static + use<> {
    let head = format!(
        "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{},\"items\":[",
        quoted(&served.list_kind),
        quoted(&crate::object::api_version(served)),
        metadata(&found)
    );
    let served = Arc::clone(served);
    let mut items = found.items.into_iter().peekable();
    let mut head = Some(head);
    let mut first = true;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let mut out = Vec::with_capacity(if items.len() > 32 { PIECE + 8192 } else { 1024 });
        if let Some(head) = head.take() {
            out.extend_from_slice(head.as_bytes());
        }
        while out.len() < PIECE
            && let Some(it) = items.next()
        {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            served.write_item(&mut out, &it.value, it.revision);
        }
        if items.peek().is_none() {
            out.extend_from_slice(b"]}\n");
            done = true;
        }
        Some(Bytes::from(out))
    })
}

impl Call {
    /// The part of the key space a request is about.
    pub(crate) fn range(&self) -> Range {
        let namespace = (!self.info.namespace.is_empty()).then(|| self.info.namespace.as_str().into());
        Range { resource: Arc::clone(&self.served.storage), namespace }
    }
}
