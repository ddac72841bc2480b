//! Changes to requests and responses, and answers that need no backend.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{Scheme, Uri};
use http::{StatusCode, request};

use crate::route::{Filter, HeaderModifier, Redirect};

/// The filters of one rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters {
    pub(crate) request: HeaderChanges,
    pub(crate) response: HeaderChanges,
    pub(crate) redirect: Option<RedirectTo>,
}

/// Headers to set, add and remove, in this order.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeaderChanges {
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
    remove: Vec<HeaderName>,
}

/// An answer that sends the client elsewhere; what is absent stays as it was asked.
#[derive(Debug, Clone)]
pub(crate) struct RedirectTo {
    scheme: Option<Scheme>,
    hostname: Option<String>,
    port: Option<u16>,
    status: StatusCode,
}

impl Filters {
    /// Reads the filters of a rule; the error says what is not supported.
    pub(super) fn read(from: &[Filter]) -> Result<Self, String> {
        let mut filters = Self::default();
        for it in from {
            match (it.kind.as_str(), &it.request_header_modifier, &it.response_header_modifier, &it.request_redirect) {
                ("RequestHeaderModifier", Some(changes), _, _) => filters.request = HeaderChanges::read(changes)?,
                ("ResponseHeaderModifier", _, Some(changes), _) => filters.response = HeaderChanges::read(changes)?,
                ("RequestRedirect", _, _, Some(redirect)) => filters.redirect = Some(RedirectTo::read(redirect)?),
                (other, ..) => return Err(format!("filter {other} is not supported or has no settings")),
            }
        }
        Ok(filters)
    }
}

impl HeaderChanges {
    fn read(from: &HeaderModifier) -> Result<Self, String> {
        let pairs = |of: &[crate::route::NameValue]| {
            let one = |it: &crate::route::NameValue| {
                let value = it.value.parse().map_err(|_| format!("{:?} is not a header value", it.value))?;
                Ok((name(&it.name)?, value))
            };
            of.iter().map(one).collect::<Result<Vec<_>, String>>()
        };
        let remove = from.remove.iter().map(|it| name(it)).collect::<Result<_, _>>()?;
        Ok(Self { set: pairs(&from.set)?, add: pairs(&from.add)?, remove })
    }

    /// Does it.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
        for name in &self.remove {
            headers.remove(name);
        }
    }
}

/// A header name that a route may touch: those that frame the message are the gateway's.
fn name(from: &str) -> Result<HeaderName, String> {
    const FRAMING: [&str; 6] = ["connection", "content-length", "host", "te", "transfer-encoding", "upgrade"];
    let name: HeaderName = from.parse().map_err(|_| format!("{from:?} is not a header name"))?;
    if FRAMING.contains(&name.as_str()) {
        return Err(format!("header {name} frames the message and cannot be modified"));
    }
    Ok(name)
}

impl RedirectTo {
    fn read(from: &Redirect) -> Result<Self, String> {
        if from.path.is_some() {
            return Err("requestRedirect.path is not supported".into());
        }
        let scheme = match from.scheme.as_deref() {
            None => None,
            Some("http") => Some(Scheme::HTTP),
            Some("https") => Some(Scheme::HTTPS),
            Some(other) => return Err(format!("requestRedirect.scheme {other:?} is neither http nor https")),
        };
        let status = match from.status_code.unwrap_or(302) {
            code @ (301 | 302 | 303 | 307 | 308) => StatusCode::from_u16(code).map_err(|it| it.to_string())?,
            other => return Err(format!("requestRedirect.statusCode {other} is not a redirect")),
        };
        Ok(Self { scheme, hostname: from.hostname.clone(), port: from.port, status })
    }

    /// Status and location for a request to `host`, which came in at `port`.
    pub(crate) fn location(&self, host: &str, port: u16, parts: &request::Parts) -> (StatusCode, String) {
        let scheme = self.scheme.clone().unwrap_or(Scheme::HTTP);
        let well_known = if scheme == Scheme::HTTPS { 443 } else { 80 };
        // With a scheme but no port the scheme's own port is meant, else the one the client used.
        let port = self.port.unwrap_or(if self.scheme.is_some() { well_known } else { port });
        let host = self.hostname.as_deref().unwrap_or(host);
        let port = if port == well_known { String::new() } else { format!(":{port}") };
        let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        let location = format!("{scheme}://{host}{port}{path}");
        let location = location.parse::<Uri>().map_or_else(|_| "/".to_owned(), |_| location);
        (self.status, location)
    }
}
