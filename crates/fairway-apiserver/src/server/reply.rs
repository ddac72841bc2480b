//! From what a handler found to the bytes a client asked for.

use std::sync::Arc;

use bytes::Bytes;
use fairway_store::{Revision, Stored};
use http::header::{CONTENT_TYPE, HeaderValue, WARNING};
use http::{Response, StatusCode};
use serde_json::Value;

use super::Call;
use crate::ApiError;
use crate::body::Body;
use crate::registry::Served;
use crate::request::{Accept, Format, Shape};
use crate::table;

/// What a handler answers.
pub(crate) struct Reply {
    code: StatusCode,
    content: Content,
    /// One `Warning` header each.
    warnings: Vec<String>,
}

/// The content of a [`Reply`].
enum Content {
    /// An object of the resource that was asked for, as it is kept.
    Kept {
        value: Bytes,
        /// Absent for an object that was never written.
        revision: Option<Revision>,
    },
    /// Anything else of the API: a Status, a Scale, a review.
    Tree(Value),
    /// Already an answer.
    Ready(Response<Body>),
}

impl Reply {
    /// 200 with an object as it was read.
    pub(crate) fn stored(stored: Stored) -> Self {
        Self::kept(StatusCode::OK, stored.value, Some(stored.revision))
    }

    pub(crate) fn kept(code: StatusCode, value: Bytes, revision: Option<Revision>) -> Self {
        Self { code, content: Content::Kept { value, revision }, warnings: Vec::new() }
    }

    pub(crate) fn tree(code: StatusCode, tree: Value) -> Self {
        Self { code, content: Content::Tree(tree), warnings: Vec::new() }
    }

    pub(crate) fn ready(response: Response<Body>) -> Self {
        Self { code: response.status(), content: Content::Ready(response), warnings: Vec::new() }
    }

    pub(crate) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }

    /// The answer in the form that was asked for.
    pub(crate) fn render(self, call: &Call) -> Result<Response<Body>, ApiError> {
        let mut response = match self.content {
            Content::Ready(response) => response,
            Content::Tree(tree) => match call.accept.shape {
                Shape::Object => tree_response(self.code, &tree, call.accept.format),
                // A Status stays one whatever was asked for; the rest has no other form.
                _ if tree["kind"] == "Status" => tree_response(self.code, &tree, call.accept.format),
                _ => return Err(not_acceptable()),
            },
            Content::Kept { value, revision } => kept_response(self.code, &call.served, &value, revision, call)?,
        };
        warn(&mut response, call.served.deprecation.iter().chain(&self.warnings));
        Ok(response)
    }

    /// An error as Status.
    pub(crate) fn error(error: &ApiError, accept: Accept) -> Response<Body> {
        let code = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = tree_response(code, &error.to_status(), accept.format);
        let retry = error.details.as_ref().and_then(|it| it.get("retryAfterSeconds")).and_then(Value::as_u64);
        if let Some(seconds) = retry {
            response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// What a server says about a path it knows nothing of.
    pub(crate) fn page_not_found() -> Response<Body> {
        text_response(StatusCode::NOT_FOUND, "404 page not found\n")
    }
}

/// Plain text.
pub(crate) fn text_response(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    bytes_response(code, "text/plain; charset=utf-8", text.into())
}

/// A tree in a notation.
pub(crate) fn tree_response(code: StatusCode, tree: &Value, format: Format) -> Response<Body> {
    let bytes = match format {
        Format::Json => tree.to_string().into_bytes(),
        // Indented JSON is YAML, and every reader of YAML reads it.
        Format::PrettyJson | Format::Yaml => pretty(tree),
    };
    bytes_response(code, format.content_type(), bytes.into())
}

pub(crate) fn bytes_response(code: StatusCode, content_type: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn kept_response(
    code: StatusCode,
    served: &Arc<Served>,
    value: &Bytes,
    revision: Option<Revision>,
    call: &Call,
) -> Result<Response<Body>, ApiError> {
    let whole = served.bytes(value, revision);
    match call.accept.shape {
        Shape::Object => match call.accept.format {
            Format::Json => Ok(bytes_response(code, "application/json", whole.into())),
            format => Ok(tree_response(code, &crate::object::parse(&whole), format)),
        },
        Shape::Metadata => {
            let tree = table::partial(&crate::object::parse(&whole));
            Ok(tree_response(code, &tree, call.accept.format))
        }
        Shape::Table => {
            let mut table = table::Table::start(call)?;
            table.add(&crate::object::parse(&whole));
            Ok(tree_response(code, &table.finish_single(revision), call.accept.format))
        }
        Shape::Discovery => Err(not_acceptable()),
    }
}

pub(crate) fn not_acceptable() -> ApiError {
    let message = "only the following media types are accepted: application/json, application/yaml";
    ApiError::new(406, "NotAcceptable", message)
}

/// Indented with four spaces, as the real server does for people.
fn pretty(tree: &Value) -> Vec<u8> {
    use serde::Serialize as _;
    let mut out = Vec::with_capacity(1024);
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    // Writing a tree to memory does not fail.
    let _ = tree.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter));
    out.push(b'\n');
    out
}

/// `Warning: 299 - "text"`, each text once, shortened, without what would end the header.
fn warn<'a>(response: &mut Response<Body>, warnings: impl Iterator<Item = &'a String>) {
    let mut said = std::collections::BTreeSet::new();
    for text in warnings.filter(|it| said.insert(it.as_str())) {
        let clean: String = text.chars().filter(|it| !it.is_control()).take(256).collect();
        let header = format!("299 - \"{}\"", clean.replace('\\', "\\\\").replace('"', "\\\""));
        if let Ok(header) = HeaderValue::from_bytes(header.as_bytes()) {
            response.headers_mut().append(WARNING, header);
        }
    }
}
