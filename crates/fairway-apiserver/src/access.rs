//! What the server itself says about access: the certificate a peer showed, and a plane without guards.

use http::request::Parts;

use crate::{ApiError, Attributes, Authenticate, Authorize, Decision, Identity};

/// The certificates a client showed in its TLS handshake, whose key it has; a request extension set by the server.
///
/// Nothing else about them is verified yet: authentication does that, so that a wrong one gets a 401 and no TLS alert.
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
