//! What the server itself says about access: the certificate a peer showed, and a plane without guards.

use http::request::Parts;

use crate::{ApiError, Attributes, Authenticate, Authorize, Decision, Identity};

/// The certificates a client showed in its TLS handshake, verified against the server's client CA; a request
/// extension set by the server.
#[derive(Debug, Clone)]
pub struct PeerCertificates(pub std::sync::Arc<[rustls::pki_types::CertificateDer<'static>]>);

/// Knows nobody and lets everybody do everything: for tests and for planes that one process owns alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unguarded;

impl Authenticate for Unguarded {
    fn authenticate(&self, _: &Parts) -> Result<Identity, ApiError> {
        Ok(Identity::anonymous())
    }
}

impl Authorize for Unguarded {
    fn authorize(&self, _: &Identity, _: &Attributes<'_>) -> Decision {
        Decision::Allow
    }
}
