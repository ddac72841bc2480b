//! What a request asks for.

use http::{Method, Response, StatusCode};

use super::answer::{Body, plain};
use crate::RepositoryId;

/// What a caller must be allowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To read.
    Fetch,
    /// To write.
    Push,
}

/// One of git's two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Fetch,
    Push,
}

impl Service {
    /// The subcommand.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fetch => "upload-pack",
            Self::Push => "receive-pack",
        }
    }

    pub(super) fn request_type(self) -> String {
        format!("application/x-git-{}-request", self.name())
    }

    pub(super) fn result_type(self) -> String {
        format!("application/x-git-{}-result", self.name())
    }
}

/// What refs there are, or the exchange itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Advertise,
    Exchange,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    repository: RepositoryId,
    pub(super) service: Service,
    pub(super) step: Step,
}

impl Call {
    /// Reads `<project>/<component>.git/…` and the query after it.
    pub fn parse(method: &Method, path: &str, query: &str) -> Result<Self, Box<Response<Body>>> {
        let nothing = || Box::new(plain(StatusCode::NOT_FOUND, "there is no such repository"));
        let mut parts = path.splitn(3, '/');
        let (project, name, rest) = (parts.next(), parts.next(), parts.next());
        let (Some(project), Some(name), Some(rest)) = (project, name, rest) else { return Err(nothing()) };
        let component = name.strip_suffix(".git").ok_or_else(nothing)?;
        // Names are DNS labels: whatever needs escaping is no name.
        let repository = RepositoryId::parse(project, component).map_err(|_| nothing())?;
        let (service, step, wanted) = match (rest, query) {
            ("info/refs", "service=git-upload-pack") => (Service::Fetch, Step::Advertise, Method::GET),
            ("info/refs", "service=git-receive-pack") => (Service::Push, Step::Advertise, Method::GET),
            ("info/refs", _) => {
                let text = "only smart HTTP is served; use git 1.6.6 or later";
                return Err(Box::new(plain(StatusCode::FORBIDDEN, text)));
            }
            ("git-upload-pack", _) => (Service::Fetch, Step::Exchange, Method::POST),
            ("git-receive-pack", _) => (Service::Push, Step::Exchange, Method::POST),
            _ => return Err(nothing()),
        };
        if *method != wanted {
            return Err(Box::new(plain(StatusCode::METHOD_NOT_ALLOWED, format!("use {wanted}"))));
        }
        Ok(Self { repository, service, step })
    }

    /// Which repository.
    pub fn repository(&self) -> &RepositoryId {
        &self.repository
    }

    /// What the caller must be allowed to.
    pub fn access(&self) -> Access {
        match self.service {
            Service::Fetch => Access::Fetch,
            Service::Push => Access::Push,
        }
    }
}

#[cfg(test)]
mod tests;
