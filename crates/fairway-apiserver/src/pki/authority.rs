//! The authority: a key and a certificate that signs itself, made once.

use std::time::Duration;

use fairway_clock::World;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{OpenPki, PrivateFolder};

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const LIFE: Duration = Duration::from_hours(24 * 3_650);
/// Certificates begin a little before they are made: clocks of clients may be behind.
const BEFORE: i64 = 3_600;

/// Signs certificates.
pub(crate) struct Authority {
    /// PEM.
    pub(crate) certificate: String,
    pub(crate) der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The one in the folder; a new one if there is none, or if its time is over.
    pub(crate) fn open(folder: &PrivateFolder, world: &World) -> Result<Self, OpenPki> {
        let certificate = folder.read(CERTIFICATE).map_err(OpenPki::Keep)?;
        let key = folder.read(KEY).map_err(OpenPki::Keep)?;
        if let (Some(certificate), Some(key)) = (&certificate, &key) {
            let found = Self::of(folder, certificate, key)?;
            let (_, end) = life(&found.der).ok_or_else(|| unclear(folder, CERTIFICATE))?;
            if end > world.clock.now() {
                return Ok(found);
            }
            tracing::warn!("the certificate authority has expired and is made anew: clients need the new ca.crt");
        } else if certificate.is_some() {
            // The key is written first: a certificate alone was not left by an interrupted start.
            return Err(unclear(folder, KEY));
        }
        Self::make(folder, world)
    }

    fn of(folder: &PrivateFolder, certificate: &str, key: &str) -> Result<Self, OpenPki> {
        let key = KeyPair::from_pem(key).map_err(|_| unclear(folder, KEY))?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| unclear(folder, CERTIFICATE))?;
        let certified = public_key(&der).ok_or_else(|| unclear(folder, CERTIFICATE))?;
        if certified != key.public_key_raw() {
            return Err(unclear(folder, KEY));
        }
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|_| unclear(folder, CERTIFICATE))?;
        Ok(Self { certificate: certificate.to_owned(), der, issuer })
    }

    fn make(folder: &PrivateFolder, world: &World) -> Result<Self, OpenPki> {
        let key = KeyPair::generate().map_err(OpenPki::Make)?;
        let mut params = params(world.clock.now(), LIFE);
        // A part of its own, so that two authorities on one machine are told from each other.
        params.distinguished_name.push(DnType::CommonName, format!("kubernetes-ca-{}", world.entropy.suffix(6)));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key).map_err(OpenPki::Make)?.pem();
        folder.write(KEY, &key.serialize_pem()).map_err(OpenPki::Keep)?;
        folder.write(CERTIFICATE, &certificate).map_err(OpenPki::Keep)?;
        Self::of(folder, &certificate, &key.serialize_pem())
    }

    /// A certificate for the server under these names.
    pub(crate) fn certify_server(
        &self,
        names: Vec<SanType>,
        now: Timestamp,
        life: Duration,
    ) -> Result<(Certificate, KeyPair), OpenPki> {
        let mut params = params(now, life);
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.subject_alt_names = names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A certificate for a client.
    pub(crate) fn certify_client(
        &self,
        user: &str,
        group: Option<&str>,
        now: Timestamp,
        life: Duration,
    ) -> Result<(Certificate, KeyPair), OpenPki> {
        let mut params = params(now, life);
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params.distinguished_name.push(DnType::CommonName, user);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<(Certificate, KeyPair), OpenPki> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(OpenPki::Make)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(OpenPki::Make)?;
        Ok((certificate, key))
    }
}

fn params(now: Timestamp, life: Duration) -> CertificateParams {
    let epoch = date_time_ymd(1970, 1, 1);
    let start = Duration::from_secs(u64::try_from(now.as_second() - BEFORE).unwrap_or_default());
    let mut params = CertificateParams::default();
    params.not_before = epoch + start;
    params.not_after = params.not_before + Duration::from_secs(BEFORE.unsigned_abs()) + life;
    params.distinguished_name = DistinguishedName::new();
    params
}

/// From when to when a certificate is valid.
pub(crate) fn life(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (_, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
    let validity = parsed.validity();
    let time = |it: x509_parser::time::ASN1Time| Timestamp::from_second(it.timestamp()).ok();
    Some((time(validity.not_before)?, time(validity.not_after)?))
}

/// The key a certificate is about.
pub(crate) fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(parsed.public_key().subject_public_key.data.to_vec())
}

pub(crate) fn unclear(folder: &PrivateFolder, name: &str) -> OpenPki {
    OpenPki::Understand { file: folder.file(name).display().to_string() }
}
