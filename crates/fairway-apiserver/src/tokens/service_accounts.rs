//! Tokens of service accounts: signed by us, valid only while the account and what they are bound to still exist.

use std::path::Path;
use std::time::Duration;

use fairway_clock::World;
use fairway_store::{Key, Store};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Value, json};

use super::claims::{Bound, Claims, Named};
use super::key::{OpenKey, SigningKey};
use crate::Identity;
use crate::pki::PrivateFolder;

/// Longer tokens are not even looked at; ours have about a thousand bytes.
const LONGEST: usize = 16 << 10;
/// How far a clock may have been set back since a token was made.
const LEEWAY: i64 = 60;

#[cfg(test)]
pub(crate) mod tests;

/// What the owner of the server decides about tokens.
#[derive(Debug, Clone)]
pub struct TokenOptions {
    /// `iss`: the URL under which the server calls itself.
    pub issuer: String,
    /// The audiences that are us; requests that name none get these.
    pub audiences: Vec<String>,
    /// No token lives longer, whatever is asked for.
    pub longest_life: Duration,
}

impl Default for TokenOptions {
    fn default() -> Self {
        let issuer = "https://kubernetes.default.svc.cluster.local".to_owned();
        Self { audiences: vec![issuer.clone()], issuer, longest_life: Duration::from_hours(24 * 30) }
    }
}

/// Makes tokens for service accounts and checks them.
pub struct ServiceAccountTokens {
    pub(super) options: TokenOptions,
    pub(super) store: Store,
    pub(super) world: World,
    pub(super) key: SigningKey,
}

/// Why a token is not accepted; for logs and `TokenReview`, not for who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefuseToken {
    /// It is longer than any of ours.
    #[error("the token is too long")]
    TooLong,
    /// It is no token, or not signed by our key with our algorithm.
    #[error("the token is not one of this cluster")]
    NotOurs,
    /// It was made by another issuer.
    #[error("the token has another issuer")]
    Issuer,
    /// It is meant for somebody else.
    #[error("the token audiences {held:?} are none of {wanted:?}")]
    Audience {
        /// Those of the token.
        held: Vec<String>,
        /// Those that would do.
        wanted: Vec<String>,
    },
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// It contradicts itself or leaves out what must be there.
    #[error("the token does not name its service account")]
    Subject,
    /// What it lives with is gone, or is another object of that name.
    #[error("the {kind} the token is bound to is gone")]
    Gone {
        /// `service account`, `pod` …
        kind: &'static str,
    },
}

impl ServiceAccountTokens {
    /// With the key in this folder, which is made if there is none.
    pub fn open(folder: &Path, store: Store, world: World, options: TokenOptions) -> Result<Self, OpenKey> {
        let folder = PrivateFolder::open(folder).map_err(OpenKey::Keep)?;
        Ok(Self { options, store, world, key: SigningKey::open(&folder)? })
    }

    /// Whom a token stands for, and which of the wanted audiences it is for; without wanted ones, ours.
    pub(crate) fn verify(&self, token: &str, audiences: &[String]) -> Result<(Identity, Vec<String>), RefuseToken> {
        let claims = self.signed(token)?;
        let wanted = self.wanted(audiences);
        if claims.iss != self.options.issuer {
            return Err(RefuseToken::Issuer);
        }
        let met: Vec<String> = wanted.iter().filter(|it| claims.aud.contains(it)).cloned().collect();
        if met.is_empty() {
            return Err(RefuseToken::Audience { held: claims.aud, wanted: wanted.to_vec() });
        }
        let now = self.world.clock.now().as_second();
        if claims.exp <= now {
            return Err(RefuseToken::Expired);
        }
        if claims.nbf > now + LEEWAY || claims.iat > now + LEEWAY {
            return Err(RefuseToken::NotYet);
        }
        let account = &claims.bound.serviceaccount;
        let mut identity = Identity::service_account(&claims.bound.namespace, &account.name);
        let unnamed = claims.bound.namespace.is_empty() || account.name.is_empty() || account.uid.is_empty();
        if unnamed || identity.user != claims.sub {
            return Err(RefuseToken::Subject);
        }
        self.alive(&claims.bound)?;
        identity.uid = Some(account.uid.clone());
        identity.extra = extra(&claims);
        Ok((identity, met))
    }

    fn wanted<'a>(&'a self, audiences: &'a [String]) -> &'a [String] {
        if audiences.is_empty() { &self.options.audiences } else { audiences }
    }

    /// Which of the wanted audiences are us.
    pub(crate) fn our_audiences(&self, audiences: &[String]) -> Result<Vec<String>, RefuseToken> {
        let wanted = self.wanted(audiences);
        let met: Vec<String> = wanted.iter().filter(|it| self.options.audiences.contains(it)).cloned().collect();
        if met.is_empty() {
            return Err(RefuseToken::Audience { held: self.options.audiences.clone(), wanted: wanted.to_vec() });
        }
        Ok(met)
    }

    /// The claims, if our key signed them. What the header says about keys (`jku`, `jwk`, `x5c`) is never looked at.
    fn signed(&self, token: &str) -> Result<Claims, RefuseToken> {
        if token.len() > LONGEST {
            return Err(RefuseToken::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| RefuseToken::NotOurs)?;
        let ours = header.alg == Algorithm::ES256 && header.kid.as_ref() == Some(&self.key.id);
        if !ours || header.crit.is_some() || token.split('.').count() != 3 {
            return Err(RefuseToken::NotOurs);
        }
        let mut validation = Validation::new(Algorithm::ES256);
        // The library asks the machine for the time; ours is given. All claims are judged by `verify`.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let decoded = jsonwebtoken::decode(token, &self.key.checking, &validation);
        decoded.map(|it| it.claims).map_err(|_| RefuseToken::NotOurs)
    }

    fn alive(&self, bound: &Bound) -> Result<(), RefuseToken> {
        let namespace = bound.namespace.as_str();
        let places = [
            ("service account", "core/serviceaccounts", namespace, Some(&bound.serviceaccount)),
            ("pod", "core/pods", namespace, bound.pod.as_ref()),
            ("secret", "core/secrets", namespace, bound.secret.as_ref()),
            // With a pod the node is only said, not lived with.
            ("node", "core/nodes", "", bound.node.as_ref().filter(|_| bound.pod.is_none())),
        ];
        for (kind, resource, namespace, named) in places {
            let Some(Named { name, uid }) = named else { continue };
            if !self.exists(&Key::new(resource, namespace, name.as_str()), uid) {
                return Err(RefuseToken::Gone { kind });
            }
        }
        Ok(())
    }

    /// Whether this very object is there and not past its deletion.
    fn exists(&self, key: &Key, uid: &str) -> bool {
        let Some(metadata) = self.metadata(key) else { return false };
        let deleted = metadata["deletionTimestamp"].as_str().and_then(|it| it.parse::<Timestamp>().ok());
        let over = deleted.is_some_and(|it| it.as_second() + LEEWAY < self.world.clock.now().as_second());
        !uid.is_empty() && metadata["uid"] == uid && !over
    }

    pub(super) fn metadata(&self, key: &Key) -> Option<Value> {
        let mut object: Value = serde_json::from_slice(&self.store.get(key)?.value).ok()?;
        Some(object["metadata"].take())
    }

    /// `/.well-known/openid-configuration`.
    pub(crate) fn configuration(&self) -> Value {
        let issuer = &self.options.issuer;
        json!({
            "issuer": issuer,
            "jwks_uri": format!("{}/openid/v1/jwks", issuer.trim_end_matches('/')),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    /// `/openid/v1/jwks`.
    pub(crate) fn keys(&self) -> Value {
        self.key.public()
    }
}

fn extra(claims: &Claims) -> std::collections::BTreeMap<String, Vec<String>> {
    let mut extra = std::collections::BTreeMap::new();
    let mut say = |key: &str, value: String| extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value]);
    say("credential-id", format!("JTI={}", claims.jti));
    for (kind, named) in [("pod", &claims.bound.pod), ("node", &claims.bound.node)] {
        if let Some(Named { name, uid }) = named {
            say(&format!("{kind}-name"), name.clone());
            say(&format!("{kind}-uid"), uid.clone());
        }
    }
    extra
}
