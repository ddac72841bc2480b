//! Which endpoint a request is for.
//!
//! Paths are taken as they were sent: nothing is decoded, so `%2e%2e` is no `..` but a name that is refused.

use http::{Method, Response};

use super::answer::{Body, Code, Refusal};
use crate::digest::Digest;
use crate::reference::{Target, is_name};

/// What a caller must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it asks whether there is a registry.
    Ping,
    /// Read the repository.
    Pull,
    /// Write to the repository.
    Push,
}

/// One parsed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    endpoint: Endpoint,
    access: Access,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    Ping,
    Blob { repository: String, digest: Digest },
    StartUpload { repository: String },
    Upload { repository: String, id: String },
    Manifest { repository: String, target: Target },
    Tags { repository: String },
}

impl Call {
    /// Parses a request by its method and path (`/v2/…`), or answers it.
    pub fn parse(method: &Method, path: &str) -> Result<Self, Box<Response<Body>>> {
        parse(method, path).map_err(|it| Box::new(it.into_response()))
    }

    /// The repository that is read or written.
    pub fn repository(&self) -> Option<&str> {
        match &self.endpoint {
            Endpoint::Ping => None,
            Endpoint::Blob { repository, .. }
            | Endpoint::StartUpload { repository }
            | Endpoint::Upload { repository, .. }
            | Endpoint::Manifest { repository, .. }
            | Endpoint::Tags { repository } => Some(repository),
        }
    }

    /// What the caller must be allowed to do there.
    pub fn access(&self) -> Access {
        self.access
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

fn parse(method: &Method, path: &str) -> Result<Call, Refusal> {
    let endpoint = endpoint(path)?;
    let is_read = method == Method::GET || method == Method::HEAD;
    let access = match &endpoint {
        Endpoint::Ping if is_read => Access::Ping,
        Endpoint::Blob { .. } | Endpoint::Manifest { .. } | Endpoint::Tags { .. } if is_read => Access::Pull,
        Endpoint::Manifest { .. } if method == Method::PUT => Access::Push,
        Endpoint::StartUpload { .. } if method == Method::POST => Access::Push,
        Endpoint::Upload { .. } if [Method::GET, Method::PATCH, Method::PUT, Method::DELETE].contains(method) => {
            Access::Push
        }
        _ => return Err(Refusal::new(Code::Unsupported, format!("{method} is not supported here"))),
    };
    Ok(Call { endpoint, access })
}

fn endpoint(path: &str) -> Result<Endpoint, Refusal> {
    let unknown = || Refusal::new(Code::NotFound, "there is no such endpoint");
    let rest = path.strip_prefix("/v2").ok_or_else(unknown)?;
    if rest.is_empty() || rest == "/" {
        return Ok(Endpoint::Ping);
    }
    let parts: Vec<_> = rest.strip_prefix('/').ok_or_else(unknown)?.split('/').collect();
    let named = |parts: &[&str]| {
        let name = parts.join("/");
        // A host within the name belongs to the client's spelling, not to the registry's.
        if is_name(&name) && !name.contains(':') {
            Ok(name)
        } else {
            Err(Refusal::new(Code::NameInvalid, "the name of the repository is invalid"))
        }
    };
    match parts.as_slice() {
        [name @ .., "blobs", "uploads" | ""] | [name @ .., "blobs", "uploads", ""] if !name.is_empty() => {
            Ok(Endpoint::StartUpload { repository: named(name)? })
        }
        [name @ .., "blobs", "uploads", id] => Ok(Endpoint::Upload { repository: named(name)?, id: (*id).to_owned() }),
        [name @ .., "blobs", digest] => {
            let digest = digest.parse().map_err(|it| Refusal::new(Code::DigestInvalid, format!("{it}")))?;
            Ok(Endpoint::Blob { repository: named(name)?, digest })
        }
        [name @ .., "manifests", target] => {
            let repository = named(name)?;
            let code = if target.contains(':') { Code::DigestInvalid } else { Code::ManifestInvalid };
            let target = target.parse().map_err(|it| Refusal::new(code, format!("{it}")))?;
            Ok(Endpoint::Manifest { repository, target })
        }
        [name @ .., "tags", "list"] => Ok(Endpoint::Tags { repository: named(name)? }),
        _ => Err(unknown()),
    }
}
