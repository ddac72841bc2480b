//! Answers that the gateway gives itself: what is wrong, and what to do about it.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

/// Why a request gets no answer of a backend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    BadRequest(&'static str),
    #[error("the method CONNECT is not served here")]
    Connect,
    #[error("no route serves the host {host}")]
    NoHost { host: String },
    #[error("the host {host} is served, but no rule of its routes takes this path, method and headers")]
    NoRule { host: String },
    #[error("the gateway has not yet read its routes")]
    Starting,
    #[error("route {route}: its backend reference does not resolve")]
    Unresolved { route: String },
    #[error("route {route}: no endpoint of {backend} is ready")]
    NoEndpoint { route: String, backend: String },
    #[error("route {route}: no endpoint of {backend} could be reached")]
    Unreachable { route: String, backend: String },
    #[error("route {route}: {backend} closed the connection before it answered")]
    Broken { route: String, backend: String },
    #[error("route {route}: {backend} did not answer in time")]
    TimedOut { route: String, backend: String },
    #[error("the request body stopped coming")]
    BodyStalled,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoHost { .. } | Self::NoRule { .. } => StatusCode::NOT_FOUND,
            Self::Unresolved { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Starting | Self::NoEndpoint { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreachable { .. } | Self::Broken { .. } => StatusCode::BAD_GATEWAY,
            Self::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::BodyStalled => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// What whoever reads it can do.
    fn hint(&self) -> &'static str {
        match self {
            Self::BadRequest(_) | Self::Connect => "correct the request",
            Self::NoHost { .. } => {
                "check the spelling of the host; if it is right, its HTTPRoute is missing or not accepted: see its status.parents"
            }
            Self::NoRule { .. } => "check the path; the rules are in the HTTPRoute",
            Self::Starting => "try again in a moment",
            Self::Unresolved { .. } => "see condition ResolvedRefs in the status of the HTTPRoute",
            Self::NoEndpoint { .. } => {
                "try again in a moment; if it stays, see why the pods of the Service are not ready"
            }
            Self::Unreachable { .. } => {
                "see whether the pods listen on the Service's targetPort, on all addresses and not only on localhost"
            }
            Self::Broken { .. } => "see the log of the pods; the request may have been carried out",
            Self::TimedOut { .. } => "see the log of the pods; the request may have been carried out",
            Self::BodyStalled => "send the request again",
        }
    }

    /// The answer, as problem details where the client asks for JSON, else as text.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response<Full<Bytes>> {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default();
        let (kind, body) = if wants_json(request) {
            let body = serde_json::json!({
                "type": "about:blank", "title": title, "status": status.as_u16(), "detail": self.to_string(), "hint": self.hint(),
            });
            ("application/problem+json", format!("{body}\n"))
        } else {
            ("text/plain; charset=utf-8", format!("{} {title}\n\n{self}\nhint: {}\n", status.as_u16(), self.hint()))
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        }
        response
    }
}

/// Whether the first media type that we can give and the client names is JSON.
fn wants_json(request: &HeaderMap) -> bool {
    let accepted =
        request.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
    let mut kinds = accepted.map(|it| it.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let known = kinds.find(|it| it.ends_with("json") || it.starts_with("text/"));
    known.is_some_and(|it| it.ends_with("json"))
}

#[cfg(test)]
mod tests;
