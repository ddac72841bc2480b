//! One way to meet a rule, and its place among the others.

use std::cmp::Reverse;

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;

use crate::route::{RouteMatch, ValueMatch};

/// Sorts entries of one hostname: smaller is asked first.
pub(super) type Rank = (Reverse<Weight>, String, String, usize, usize);
type Weight = (bool, usize, bool, usize, usize);

/// The parts of a match, ready to compare.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    path: Path,
    method: Option<http::Method>,
    headers: Vec<(HeaderName, HeaderValue)>,
    query: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
enum Path {
    Exact(String),
    /// Without the trailing slash; empty meets everything.
    Prefix(String),
}

impl Matcher {
    /// Reads a match; the error says what is not supported.
    pub(super) fn read(from: &RouteMatch) -> Result<Self, String> {
        let (kind, value) = from.path.as_ref().map_or((None, None), |it| (it.kind.as_deref(), it.value.as_deref()));
        let value = value.unwrap_or("/");
        if !value.starts_with('/') {
            return Err(format!("path {value:?} does not start with /"));
        }
        let path = match kind.unwrap_or("PathPrefix") {
            "Exact" => Path::Exact(value.into()),
            "PathPrefix" => Path::Prefix(value.trim_end_matches('/').into()),
            other => return Err(format!("path match type {other} is not supported: use Exact or PathPrefix")),
        };
        let method = from.method.as_deref().map(|it| it.parse().map_err(|_| format!("method {it:?} is not a method")));
        let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for it in &from.headers {
            only_exact(it, "header")?;
            let name: HeaderName = it.name.parse().map_err(|_| format!("{:?} is not a header name", it.name))?;
            let value = it.value.parse().map_err(|_| format!("{:?} is not a header value", it.value))?;
            // Of several entries for one header the first counts, says the API.
            if headers.iter().all(|(known, _)| *known != name) {
                headers.push((name, value));
            }
        }
        for it in &from.query_params {
            only_exact(it, "query parameter")?;
        }
        let query = from.query_params.iter().map(|it| (it.name.clone(), it.value.clone())).collect();
        Ok(Self { path, method: method.transpose()?, headers, query })
    }

    /// The precedence of this match for a route of that age and name.
    pub(super) fn rank(&self, created: &str, route: &str, rule: usize, index: usize) -> Rank {
        let (exact, length) = match &self.path {
            Path::Exact(it) => (true, it.len()),
            Path::Prefix(it) => (false, it.len()),
        };
        let weight = (exact, length, self.method.is_some(), self.headers.len(), self.query.len());
        (Reverse(weight), created.into(), route.into(), rule, index)
    }

    /// Whether a request meets all parts.
    pub(super) fn meets(&self, parts: &Parts) -> bool {
        let path = parts.uri.path();
        let on_path = match &self.path {
            Path::Exact(it) => it == path,
            Path::Prefix(it) => {
                path.strip_prefix(it.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        };
        on_path
            && self.method.as_ref().is_none_or(|it| *it == parts.method)
            && self.headers.iter().all(|(name, value)| joined_is(parts, name, value))
            && self.query.iter().all(|(name, value)| query_has(parts.uri.query().unwrap_or_default(), name, value))
    }
}

fn only_exact(it: &ValueMatch, what: &str) -> Result<(), String> {
    match it.kind.as_deref() {
        None | Some("Exact") => Ok(()),
        Some(other) => Err(format!("{what} match type {other} is not supported: use Exact")),
    }
}

/// Whether a header has this value; a header sent several times counts as one with commas.
fn joined_is(parts: &Parts, name: &HeaderName, value: &HeaderValue) -> bool {
    let mut all = parts.headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(only), None) => only == value,
        (Some(_), Some(_)) => {
            let all: Vec<&[u8]> = parts.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
            all.join(b",".as_slice()) == value.as_bytes()
        }
        (None, _) => false,
    }
}

/// Whether the first parameter of that name has that value. Names and values are compared undecoded, save for `+`.
fn query_has(query: &str, name: &str, value: &str) -> bool {
    let first = query.split('&').map(|it| it.split_once('=').unwrap_or((it, ""))).find(|(key, _)| *key == name);
    first.is_some_and(|(_, found)| found == value || found.replace('+', " ") == value)
}

#[cfg(test)]
impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Path::Exact(it) => write!(f, "={it}")?,
            Path::Prefix(it) => write!(f, "{it}/*")?,
        }
        self.method.iter().try_for_each(|it| write!(f, " {it}"))?;
        self.headers.iter().try_for_each(|(name, value)| write!(f, " {name}:{value:?}"))?;
        self.query.iter().try_for_each(|(name, value)| write!(f, " ?{name}={value}"))
    }
}
