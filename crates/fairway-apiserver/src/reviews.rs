//! Objects that are questions: created, answered in their status, never kept.
//!
//! `authorization.k8s.io` asks what somebody may do, `authentication.k8s.io` who somebody is.

mod access;
mod people;

use serde_json::{Value, json};

use crate::{ApiError, Authenticate, Authorize, Identity};

const AUTHORIZATION: &str = "authorization.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";

#[cfg(test)]
mod tests;

/// Who is asked, and by whom.
#[derive(Clone, Copy)]
pub struct Review<'a> {
    /// Answers what one may do.
    pub authorize: &'a dyn Authorize,
    /// Answers who one is.
    pub authenticate: &'a dyn Authenticate,
    /// Who asks, after impersonation. That they may create the review was checked before.
    pub identity: &'a Identity,
}

impl Review<'_> {
    /// Answers the object posted to `<group>/v1/[namespaces/<namespace>/]<plural>`: the same with its status.
    pub fn answer(&self, group: &str, plural: &str, namespace: &str, object: &Value) -> Result<Value, ApiError> {
        let (kind, status) = match (group, plural) {
            (AUTHORIZATION, "selfsubjectaccessreviews") => ("SelfSubjectAccessReview", self.own_access(object)?),
            (AUTHORIZATION, "subjectaccessreviews") => ("SubjectAccessReview", self.access(object)?),
            (AUTHORIZATION, "localsubjectaccessreviews") => {
                ("LocalSubjectAccessReview", self.local_access(namespace, object)?)
            }
            (AUTHORIZATION, "selfsubjectrulesreviews") => ("SelfSubjectRulesReview", self.own_rules(object)?),
            (AUTHENTICATION, "selfsubjectreviews") => ("SelfSubjectReview", self.own_identity()),
            (AUTHENTICATION, "tokenreviews") => ("TokenReview", self.token(object)?),
            _ => return Err(ApiError::no_such_resource()),
        };
        let mut answer = json!({ "kind": kind, "apiVersion": format!("{group}/v1") });
        answer["metadata"] = object.get("metadata").filter(|it| it.is_object()).cloned().unwrap_or_else(|| json!({}));
        if let Some(spec) = object.get("spec").filter(|_| plural != "selfsubjectreviews") {
            answer["spec"] = spec.clone();
        }
        answer["status"] = status;
        Ok(answer)
    }
}
