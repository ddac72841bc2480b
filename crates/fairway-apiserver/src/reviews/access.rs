//! What somebody may do.

use fairway_schema::Cause;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AUTHORIZATION, Review};
use crate::authorization::{Attributes, Decision};
use crate::{ApiError, Identity};

/// The part of a spec that says what is to be done.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    resource_attributes: Option<ResourceAsked>,
    non_resource_attributes: Option<PathAsked>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResourceAsked {
    namespace: String,
    verb: String,
    group: String,
    version: String,
    resource: String,
    subresource: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PathAsked {
    path: String,
    verb: String,
}

/// The part of a spec that says by whom.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Who {
    user: String,
    uid: String,
    groups: Vec<String>,
    extra: std::collections::BTreeMap<String, Vec<String>>,
}

impl Review<'_> {
    pub(super) fn own_access(&self, object: &Value) -> Result<Value, ApiError> {
        let asked = asked("SelfSubjectAccessReview", object)?;
        Ok(self.decide(self.identity, &asked))
    }

    pub(super) fn access(&self, object: &Value) -> Result<Value, ApiError> {
        let asked = asked("SubjectAccessReview", object)?;
        Ok(self.decide(&who("SubjectAccessReview", object)?, &asked))
    }

    pub(super) fn local_access(&self, namespace: &str, object: &Value) -> Result<Value, ApiError> {
        let kind = "LocalSubjectAccessReview";
        let asked = asked(kind, object)?;
        let who = who(kind, object)?;
        let refuse = |cause| Err(ApiError::invalid(AUTHORIZATION, kind, "", &[cause]));
        match &asked.resource_attributes {
            None => refuse(Cause::invalid(
                "spec.resourceAttributes",
                &Value::Null,
                "must be set: a local review asks about a resource in its namespace",
            )),
            Some(resource) if resource.namespace != namespace => refuse(Cause::invalid(
                "spec.resourceAttributes.namespace",
                &json!(resource.namespace),
                &format!("must match metadata.namespace: {namespace}"),
            )),
            Some(_) => Ok(self.decide(&who, &asked)),
        }
    }

    pub(super) fn own_rules(&self, object: &Value) -> Result<Value, ApiError> {
        let namespace = object["spec"]["namespace"].as_str().unwrap_or_default();
        if namespace.is_empty() {
            return Err(ApiError::bad_request("no namespace on request"));
        }
        let Some(list) = self.authorize.rules(self.identity, namespace) else {
            return Ok(json!({ "resourceRules": [], "nonResourceRules": [], "incomplete": true }));
        };
        let rules: Vec<Value> = list.rules.iter().map(|it| json!(it)).collect();
        let (paths, resources): (Vec<Value>, Vec<Value>) =
            rules.into_iter().partition(|it| it.get("nonResourceURLs").is_some());
        let mut status = json!({ "resourceRules": resources, "nonResourceRules": paths, "incomplete": false });
        if !list.problems.is_empty() {
            status["incomplete"] = json!(true);
            status["evaluationError"] = json!(list.problems.join(", "));
        }
        Ok(status)
    }

    fn decide(&self, who: &Identity, asked: &Asked) -> Value {
        let attributes = asked.attributes();
        match self.authorize.authorize(who, &attributes) {
            Decision::Deny { why } if why.is_empty() => json!({ "allowed": false }),
            Decision::Deny { why } => json!({ "allowed": false, "reason": why }),
            Decision::Allow => match self.authorize.grant(who, &attributes) {
                None => json!({ "allowed": true }),
                Some(grant) => json!({ "allowed": true, "reason": grant }),
            },
        }
    }
}

impl Asked {
    fn attributes(&self) -> Attributes<'_> {
        match (&self.resource_attributes, &self.non_resource_attributes) {
            (Some(asked), _) => Attributes {
                verb: &asked.verb,
                group: &asked.group,
                version: &asked.version,
                resource: &asked.resource,
                subresource: &asked.subresource,
                namespace: &asked.namespace,
                name: &asked.name,
                path: "",
                is_resource: true,
            },
            (None, Some(asked)) => Attributes { verb: &asked.verb, path: &asked.path, ..Attributes::default() },
            (None, None) => Attributes::default(),
        }
    }
}

fn asked(kind: &str, object: &Value) -> Result<Asked, ApiError> {
    let spec = &object["spec"];
    let asked: Asked = read(spec)?;
    let resource = asked.resource_attributes.is_some();
    if resource == asked.non_resource_attributes.is_some() {
        let shown = if resource { &spec["nonResourceAttributes"] } else { &Value::Null };
        let field = if resource { "spec.nonResourceAttributes" } else { "spec.resourceAttributes" };
        let detail = if resource {
            "cannot be specified in combination with resourceAttributes"
        } else {
            "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        };
        return Err(ApiError::invalid(AUTHORIZATION, kind, "", &[Cause::invalid(field, shown, detail)]));
    }
    Ok(asked)
}

fn who(kind: &str, object: &Value) -> Result<Identity, ApiError> {
    let Who { user, uid, groups, extra } = read(&object["spec"])?;
    if user.is_empty() && groups.is_empty() {
        let cause = Cause::invalid("spec.user", &json!(""), "at least one of user or group must be specified");
        return Err(ApiError::invalid(AUTHORIZATION, kind, "", &[cause]));
    }
    Ok(Identity { user, uid: Some(uid).filter(|it| !it.is_empty()), groups, extra, impersonator: None })
}

fn read<T: for<'de> Deserialize<'de> + Default>(spec: &Value) -> Result<T, ApiError> {
    if spec.is_null() {
        return Ok(T::default());
    }
    T::deserialize(&cleaned(spec)).map_err(|error| ApiError::bad_request(format!("spec cannot be read: {error}")))
}

/// Without nulls, which mean the same as nothing.
fn cleaned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|it| !it.1.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), cleaned(value))).collect())
        }
        other => other.clone(),
    }
}
