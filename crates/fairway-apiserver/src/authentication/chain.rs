//! The authenticator of a real server: client certificate, static token, service account token, or nobody.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::Value;

use super::Authenticate;
use crate::pki::Pki;
use crate::tokens::{RefuseToken, STATIC_PREFIX, ServiceAccountTokens, StaticTokens};
use crate::{ApiError, Identity, PeerCertificates};

#[cfg(test)]
mod tests;

/// All ways to say who one is.
pub struct Authenticators {
    /// Who signs client certificates.
    pub pki: Arc<Pki>,
    /// Tokens of people.
    pub static_tokens: Arc<StaticTokens>,
    /// Tokens of service accounts.
    pub service_accounts: ServiceAccountTokens,
}

impl Authenticators {
    /// Whom a token stands for, whatever its sort.
    fn token(&self, token: &str, audiences: &[String]) -> Result<(Identity, Vec<String>), RefuseToken> {
        if !token.starts_with(STATIC_PREFIX) {
            return self.service_accounts.verify(token, audiences);
        }
        // A static token is for this server only.
        let identity = self.static_tokens.verify(token).ok_or(RefuseToken::NotOurs)?;
        let met = self.service_accounts.our_audiences(audiences)?;
        Ok((identity, met))
    }

    /// The identity of the certificate the client showed, if it showed one.
    fn certificate(&self, parts: &Parts) -> Result<Option<Identity>, ApiError> {
        let Some(PeerCertificates(chain)) = parts.extensions.get() else { return Ok(None) };
        if chain.is_empty() {
            return Ok(None);
        }
        self.pki.identify(chain).map(Some).map_err(|error| {
            tracing::debug!(%error, "a client certificate was refused");
            ApiError::unauthorized()
        })
    }
}

impl Authenticate for Authenticators {
    fn authenticate(&self, parts: &Parts) -> Result<Identity, ApiError> {
        let certified = self.certificate(parts)?;
        let named = match bearer(parts)? {
            None => None,
            Some(token) => Some(self.token(token, &[]).map_err(|error| {
                tracing::debug!(%error, "a token was refused");
                ApiError::unauthorized()
            })?),
        };
        Ok(certified.or(named.map(|it| it.0)).unwrap_or_else(Identity::anonymous))
    }

    fn review_token(&self, token: &str, audiences: &[String]) -> Result<(Identity, Vec<String>), String> {
        self.token(token, audiences).map_err(|error| error.to_string())
    }

    fn issue_token(&self, namespace: &str, name: &str, request: &Value) -> Result<Value, ApiError> {
        self.service_accounts.issue(namespace, name, request)
    }

    fn document(&self, path: &str) -> Option<Value> {
        match path {
            "/.well-known/openid-configuration" => Some(self.service_accounts.configuration()),
            "/openid/v1/jwks" => Some(self.service_accounts.keys()),
            _ => None,
        }
    }
}

/// The bearer token. A credential we do not understand is a wrong one: nobody who tried to say who they are becomes
/// anonymous.
fn bearer(parts: &Parts) -> Result<Option<&str>, ApiError> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| ApiError::unauthorized())?;
    let (scheme, token) = text.trim().split_once(' ').ok_or_else(ApiError::unauthorized)?;
    let token = token.trim_start();
    if values.next().is_some() || !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(ApiError::unauthorized());
    }
    Ok(Some(token))
}
