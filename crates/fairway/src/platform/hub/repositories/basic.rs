//! Git knows names and passwords: on its paths, and there alone, the password of Basic authentication is the bearer
//! token. The name is nobody's business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairway_apiserver::authentication::Authenticators;
use fairway_apiserver::{ApiError, Authenticate, Identity};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::Value;

use super::PREFIX;

/// The authenticators of the API, which understand git too.
pub(in crate::platform) struct BasicForGit(pub(in crate::platform) Authenticators);

impl Authenticate for BasicForGit {
    fn authenticate(&self, parts: &Parts) -> Result<Identity, ApiError> {
        if !parts.uri.path().starts_with(PREFIX) {
            return self.0.authenticate(parts);
        }
        let Some(token) = password(parts) else { return self.0.authenticate(parts) };
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ApiError::unauthorized())?;
        bearer.set_sensitive(true);
        let mut parts = parts.clone();
        parts.headers.insert(AUTHORIZATION, bearer);
        self.0.authenticate(&parts)
    }

    fn review_token(&self, token: &str, audiences: &[String]) -> Result<(Identity, Vec<String>), String> {
        self.0.review_token(token, audiences)
    }

    fn issue_token(&self, namespace: &str, name: &str, request: &Value) -> Result<Value, ApiError> {
        self.0.issue_token(namespace, name, request)
    }

    fn document(&self, path: &str) -> Option<Value> {
        self.0.document(path)
    }
}

/// The password, if there is exactly one header and it is Basic. Anything else is for others to refuse.
fn password(parts: &Parts) -> Option<String> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let (scheme, encoded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (_, password) = text.split_once(':')?;
    Some(password.to_owned())
}

#[cfg(test)]
mod tests;
