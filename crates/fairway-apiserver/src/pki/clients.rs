//! Client certificates: any is taken in the handshake, so that a wrong one gets the 401 that says so; who it names is
//! believed only if our authority signed it and its time has come and is not over.

use std::sync::Arc;

use fairway_clock::World;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs::default_provider};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::OpenPki;
use super::authority::Authority;
use crate::Identity;

#[cfg(test)]
mod tests;

/// Why a client certificate names nobody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefuseCertificate {
    #[error("the list of client certificates is empty")]
    None,
    #[error("check the client certificate")]
    Verify(#[source] Error),
    #[error("the client certificate has no common name to take as the user")]
    NoName,
}

/// Judges client certificates.
pub(crate) struct ClientCertificates {
    verifier: Arc<dyn ClientCertVerifier>,
    world: World,
}

impl ClientCertificates {
    pub(crate) fn of(authority: &Authority, world: World) -> Result<Self, OpenPki> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der.clone()).map_err(OpenPki::Tls)?;
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
        let verifier = builder.build().map_err(|error| OpenPki::Tls(Error::General(error.to_string())))?;
        Ok(Self { verifier, world })
    }

    /// CN is the user, each O a group.
    pub(crate) fn identify(&self, chain: &[CertificateDer<'_>]) -> Result<Identity, RefuseCertificate> {
        let (client, between) = chain.split_first().ok_or(RefuseCertificate::None)?;
        let seconds = u64::try_from(self.world.clock.now().as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        self.verifier.verify_client_cert(client, between, now).map_err(RefuseCertificate::Verify)?;
        named(client).ok_or(RefuseCertificate::NoName)
    }
}

fn named(client: &CertificateDer<'_>) -> Option<Identity> {
    let (_, parsed) = x509_parser::parse_x509_certificate(client).ok()?;
    let text = |it: &x509_parser::x509::AttributeTypeAndValue<'_>| it.as_str().ok().map(ToOwned::to_owned);
    let user = parsed.subject().iter_common_name().last().and_then(text).filter(|it| !it.is_empty())?;
    let mut groups: Vec<String> = parsed.subject().iter_organization().map(text).collect::<Option<_>>()?;
    groups.push("system:authenticated".to_owned());
    Some(Identity { user, groups, ..Identity::default() })
}

/// Takes every client certificate whose key the client has, or none.
#[derive(Debug)]
pub(crate) struct AnyClient {
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyClient {
    pub(crate) fn new(authority: &Authority, provider: &CryptoProvider) -> Self {
        let subject =
            x509_parser::parse_x509_certificate(&authority.der).ok().map(|it| it.1.subject().as_raw().to_vec());
        let hints = subject.into_iter().map(DistinguishedName::from).collect();
        Self { hints, algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
