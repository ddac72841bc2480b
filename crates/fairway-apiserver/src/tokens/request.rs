//! `TokenRequest`: a token for a service account, for as long and as narrow as asked.

use std::time::Duration;

use fairway_schema::Cause;
use fairway_store::Key;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use super::ServiceAccountTokens;
use super::claims::{Bound, Claims, Named};
use crate::ApiError;

const GROUP: &str = "authentication.k8s.io";
const SHORTEST: i64 = 600;
const USUAL: i64 = 3_600;

#[cfg(test)]
mod tests;

impl ServiceAccountTokens {
    /// Answers a request for a token of `namespace/name`: the same object with its status.
    pub(crate) fn issue(&self, namespace: &str, name: &str, request: &Value) -> Result<Value, ApiError> {
        let key = Key::new("core/serviceaccounts", namespace, name);
        let account = self.metadata(&key).ok_or_else(|| ApiError::not_found("", "serviceaccounts", name))?;
        let account = Named { name: name.to_owned(), uid: text(&account["uid"]) };
        let spec = &request["spec"];
        let audiences = self.audiences(spec);
        let seconds = seconds(spec, name)?.min(whole_seconds(self.options.longest_life));
        let now = self.world.clock.now().as_second();
        let claims = Claims {
            aud: audiences.clone(),
            exp: now.saturating_add(seconds),
            iat: now,
            nbf: now,
            iss: self.options.issuer.clone(),
            jti: self.world.entropy.uuid(),
            sub: crate::Identity::service_account(namespace, name).user,
            bound: self.bound(namespace, account, &spec["boundObjectRef"])?,
        };
        let header = Header { typ: None, kid: Some(self.key.id.clone()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &self.key.signing)
            .map_err(|_| ApiError::internal("the token could not be signed"))?;
        let time = |seconds| Timestamp::from_second(seconds).map(|it| it.to_string()).unwrap_or_default();
        let mut answer = json!({
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": { "name": name, "namespace": namespace, "creationTimestamp": time(now) },
            "spec": { "audiences": audiences, "expirationSeconds": seconds },
            "status": { "token": token, "expirationTimestamp": time(claims.exp) },
        });
        if let Some(reference) = spec.get("boundObjectRef") {
            answer["spec"]["boundObjectRef"] = reference.clone();
        }
        Ok(answer)
    }

    fn audiences(&self, spec: &Value) -> Vec<String> {
        let asked: Vec<String> = spec["audiences"].as_array().into_iter().flatten().map(text).collect();
        if asked.is_empty() { self.options.audiences.clone() } else { asked }
    }

    fn bound(&self, namespace: &str, account: Named, reference: &Value) -> Result<Bound, ApiError> {
        let mut bound =
            Bound { namespace: namespace.to_owned(), serviceaccount: account, pod: None, secret: None, node: None };
        if reference.is_null() {
            return Ok(bound);
        }
        let (kind, name) = (text(&reference["kind"]), text(&reference["name"]));
        let plural = match (reference["apiVersion"].as_str(), kind.as_str()) {
            (Some("v1"), "Pod") => "pods",
            (Some("v1"), "Secret") => "secrets",
            (Some("v1"), "Node") => "nodes",
            _ => {
                let why = format!(
                    "cannot bind token for serviceaccount to object of kind {kind:?}: name a v1 Pod, Secret or Node"
                );
                return Err(ApiError::bad_request(why));
            }
        };
        let place = if kind == "Node" { "" } else { namespace };
        let key = Key::new(format!("core/{plural}"), place, name.as_str());
        let object = self.store.get(&key).and_then(|it| serde_json::from_slice::<Value>(&it.value).ok());
        let object = object.ok_or_else(|| ApiError::not_found("", plural, &name))?;
        let uid = text(&object["metadata"]["uid"]);
        let wanted = text(&reference["uid"]);
        if !wanted.is_empty() && wanted != uid {
            return Err(ApiError::conflict("", plural, &name, &other_uid(&wanted)));
        }
        let named = Some(Named { name, uid });
        match plural {
            "pods" => {
                let user = object["spec"]["serviceAccountName"].as_str().unwrap_or("default");
                if user != bound.serviceaccount.name {
                    let why = format!(
                        "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
                        bound.serviceaccount.name
                    );
                    return Err(ApiError::bad_request(why));
                }
                bound.node = self.node(object["spec"]["nodeName"].as_str());
                bound.pod = named;
            }
            "secrets" => bound.secret = named,
            _ => bound.node = named,
        }
        Ok(bound)
    }

    fn node(&self, name: Option<&str>) -> Option<Named> {
        let name = name.filter(|it| !it.is_empty())?;
        let metadata = self.metadata(&Key::new("core/nodes", "", name))?;
        Some(Named { name: name.to_owned(), uid: text(&metadata["uid"]) })
    }
}

/// How long the token is to live.
fn seconds(spec: &Value, name: &str) -> Result<i64, ApiError> {
    let asked = &spec["expirationSeconds"];
    if asked.is_null() {
        return Ok(USUAL);
    }
    let refuse = |why| {
        let cause = Cause::invalid("spec.expirationSeconds", asked, why);
        Err(ApiError::invalid(GROUP, "TokenRequest", name, &[cause]))
    };
    match asked.as_i64() {
        None => refuse("must be a whole number"),
        Some(seconds) if seconds < SHORTEST => refuse("may not specify a duration less than 10 minutes"),
        Some(seconds) if seconds > 1 << 32 => refuse("may not specify a duration larger than 2^32 seconds"),
        Some(seconds) => Ok(seconds),
    }
}

fn other_uid(wanted: &str) -> String {
    format!(
        "the UID in the bound object reference ({wanted}) does not match the UID in record. \
         The object might have been deleted and then recreated"
    )
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
