//! What a request asks for, read once from method and path: the router and the authoriser see the same.

mod media;
mod query;

use http::Method;

use crate::{ApiError, Attributes};

pub(crate) use media::{Accept, Format, Shape};
pub(crate) use query::{FieldValidation, Query, WriteOptions};

/// Longer paths name nothing that exists.
const PATH_LIMIT: usize = 4096;

/// The parts of a request's path and its verb.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    /// The path as it was sent, without a trailing slash.
    pub(crate) path: String,
    /// See [`Attributes::verb`].
    pub(crate) verb: &'static str,
    /// Whether the path names a resource, rather than a document of the server.
    pub(crate) is_resource: bool,
    /// `api` or `apis`, where the path starts so.
    pub(crate) prefix: &'static str,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) name: String,
    /// The one name that a field selector of a list or watch leaves.
    pub(crate) selected: String,
    /// What follows the subresource, for `proxy`.
    pub(crate) rest: Vec<String>,
}

impl RequestInfo {
    /// Reads method, path and the few query parameters that change the verb.
    pub(crate) fn parse(method: &Method, path: &str, query: &Query) -> Result<Self, ApiError> {
        let segments = segments(path)?;
        let mut info = Self { path: path_of(path), verb: lower(method), ..Self::default() };
        let mut parts: &[String] = &segments;
        match parts {
            [api, version, rest @ ..] if api == "api" => {
                info.prefix = "api";
                version.clone_into(&mut info.version);
                parts = rest;
            }
            [apis, group, version, rest @ ..] if apis == "apis" => {
                info.prefix = "apis";
                group.clone_into(&mut info.group);
                version.clone_into(&mut info.version);
                parts = rest;
            }
            _ => return Ok(info),
        }
        if parts.is_empty() {
            return Ok(info);
        }
        info.is_resource = true;
        let legacy_watch = parts.len() > 1 && parts[0] == "watch";
        if legacy_watch {
            parts = &parts[1..];
        }
        info.read_resource(parts);
        info.verb = info.resource_verb(method, query, legacy_watch);
        if info.name.is_empty() && matches!(info.verb, "list" | "watch") {
            info.selected = selected(query).unwrap_or_default();
        }
        Ok(info)
    }

    fn read_resource(&mut self, mut parts: &[String]) {
        if parts.len() > 2 && parts[0] == "namespaces" && !matches!(parts[2].as_str(), "status" | "finalize") {
            parts[1].clone_into(&mut self.namespace);
            parts = &parts[2..];
        }
        let mut parts = parts.iter();
        let mut next = || parts.next().cloned().unwrap_or_default();
        (self.resource, self.name, self.subresource) = (next(), next(), next());
        self.rest = parts.cloned().collect();
    }

    /// Whether it opens a session in a pod. Clients that speak WebSocket can only ask with GET, and mean to do, not to look.
    fn is_session(&self) -> bool {
        self.group.is_empty()
            && self.resource == "pods"
            && matches!(self.subresource.as_str(), "attach" | "exec" | "portforward")
    }

    fn resource_verb(&self, method: &Method, query: &Query, legacy_watch: bool) -> &'static str {
        match *method {
            Method::GET | Method::POST if self.is_session() => "create",
            Method::GET | Method::HEAD if legacy_watch => "watch",
            Method::GET | Method::HEAD if !self.name.is_empty() => "get",
            Method::GET | Method::HEAD if query.flag("watch") => "watch",
            Method::GET | Method::HEAD => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if self.name.is_empty() => "deletecollection",
            Method::DELETE => "delete",
            _ => lower(method),
        }
    }

    /// The question for the authoriser.
    pub(crate) fn attributes(&self) -> Attributes<'_> {
        // A role inside a namespace may speak about the namespace itself.
        let own_namespace = self.resource == "namespaces" && self.group.is_empty();
        Attributes {
            verb: self.verb,
            group: &self.group,
            version: &self.version,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: if own_namespace { &self.name } else { &self.namespace },
            // As in Kubernetes: a right to one object is a right to list and watch that one alone.
            name: if self.name.is_empty() { &self.selected } else { &self.name },
            path: &self.path,
            is_resource: self.is_resource,
        }
    }

    /// Whether it changes something.
    pub(crate) fn is_write(&self) -> bool {
        matches!(self.verb, "create" | "update" | "patch" | "delete" | "deletecollection" | "post" | "put")
    }
}

/// The name in `metadata.name=…`, where that is all that the field selector says.
fn selected(query: &Query) -> Option<String> {
    let value = query.get("fieldSelector")?.strip_prefix("metadata.name=")?;
    let value = value.strip_prefix('=').unwrap_or(value);
    let plain = !value.is_empty() && !value.contains([',', '\\', '=', '/', '%']) && !matches!(value, "." | "..");
    plain.then(|| value.to_owned())
}

fn lower(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        _ => "other",
    }
}

fn path_of(path: &str) -> String {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

/// The decoded segments of a path. Whatever could be read in two ways is refused.
fn segments(path: &str) -> Result<Vec<String>, ApiError> {
    if path.len() > PATH_LIMIT {
        return Err(ApiError::new(414, "", format!("the path has more than {PATH_LIMIT} bytes")));
    }
    let Some(path) = path.strip_prefix('/') else {
        return Err(ApiError::bad_request("the path must start with a slash"));
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/').map(segment).collect()
}

fn segment(raw: &str) -> Result<String, ApiError> {
    let refuse = |why: &str| Err(ApiError::bad_request(format!("the path is not acceptable: {why}")));
    let Some(text) = query::percent_decode(raw, false) else {
        return refuse("a percent sign must be followed by two hexadecimal digits of UTF-8");
    };
    match text.as_str() {
        "" => refuse("it has an empty segment"),
        "." | ".." => refuse("it has a segment of dots"),
        _ if text.contains(['/', '\\', '%']) => refuse("a segment holds a slash, a backslash or a percent sign"),
        _ if text.chars().any(char::is_control) => refuse("a segment holds a control character"),
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests;
