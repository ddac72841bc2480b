//! Who may do what: the question every request asks once its caller is known.

use serde_json::Value;

use crate::rbac::RuleList;
use crate::{ApiError, Identity};

#[cfg(test)]
mod tests;

/// What is asked for. Strings that do not apply are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes<'a> {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or for paths the HTTP method
    /// in lower case; others (`impersonate`, `bind`, `escalate`) in checks that are no request of their own.
    pub verb: &'a str,
    /// The API group; empty for the core group.
    pub group: &'a str,
    /// The API version.
    pub version: &'a str,
    /// The plural; it need not be a served one, so that hosts can guard things of their own.
    pub resource: &'a str,
    /// `status`, `log` …
    pub subresource: &'a str,
    /// Empty for the cluster scope and for all namespaces.
    pub namespace: &'a str,
    /// Empty where no single object is named.
    pub name: &'a str,
    /// The path of a request for no resource, as it came.
    pub path: &'a str,
    /// Whether a resource is asked for; otherwise only verb and path count.
    pub is_resource: bool,
}

/// The answer to [`Attributes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Stop.
    Deny {
        /// What stood in the way beside the missing right; usually nothing.
        why: String,
    },
}

impl Decision {
    /// Whether to go on.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow)
    }
}

/// Decides what an identity may do.
pub trait Authorize: Send + Sync + 'static {
    /// Decides one question. It sees every write that was acknowledged before the call.
    fn authorize(&self, identity: &Identity, attributes: &Attributes<'_>) -> Decision;

    /// What an identity may do in a namespace, for those who want to see it all. None where nobody can list it.
    fn rules(&self, _identity: &Identity, _namespace: &str) -> Option<RuleList> {
        None
    }

    /// Where the right to do something comes from, for people.
    fn grant(&self, _identity: &Identity, _attributes: &Attributes<'_>) -> Option<String> {
        None
    }

    /// Guards the objects that decisions are made from: nobody gives away what they do not have. Handlers call it for
    /// every create and update, of whatever kind, after validation and before the commit.
    fn guard(&self, _identity: &Identity, _write: &Write<'_>) -> Result<(), ApiError> {
        Ok(())
    }
}

/// A create or update that is about to be committed.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// Where the object is kept: `rbac.authorization.k8s.io/roles`.
    pub storage: &'a str,
    /// Empty for the cluster scope.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The object as it will be.
    pub new: &'a Value,
    /// The object as it is, on an update.
    pub old: Option<&'a Value>,
}

/// [`Authorize::authorize`] as a step of a request: 403 in Kubernetes' words unless allowed.
pub fn check(authorize: &dyn Authorize, identity: &Identity, attributes: &Attributes<'_>) -> Result<(), ApiError> {
    match authorize.authorize(identity, attributes) {
        Decision::Allow => Ok(()),
        Decision::Deny { why } => Err(forbidden(identity, attributes, &why)),
    }
}

/// 403 with who wanted what: `pods is forbidden: User "u" cannot list resource "pods" in API group "" …`.
pub fn forbidden(identity: &Identity, attributes: &Attributes<'_>, why: &str) -> ApiError {
    let mut text = wanted(&identity.user, attributes);
    if !why.is_empty() {
        text.push_str(": ");
        text.push_str(why);
    }
    if attributes.is_resource {
        ApiError::forbidden(attributes.group, attributes.resource, attributes.name, &text)
    } else {
        ApiError::new(403, "Forbidden", format!("forbidden: {text}")).with_details(serde_json::json!({}))
    }
}

fn wanted(user: &str, attributes: &Attributes<'_>) -> String {
    let Attributes { verb, group, resource, subresource, namespace, path, .. } = attributes;
    if !attributes.is_resource {
        return format!("User {user:?} cannot {verb} path {path:?}");
    }
    let what = if subresource.is_empty() { (*resource).to_owned() } else { format!("{resource}/{subresource}") };
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {namespace:?}")
    };
    format!("User {user:?} cannot {verb} resource {what:?} in API group {group:?} {place}")
}
