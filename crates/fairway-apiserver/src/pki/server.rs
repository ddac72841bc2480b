//! The server's certificate: issued for its names, kept in the folder, renewed in time, handed to TLS.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use fairway_clock::World;
use jiff::Timestamp;
use rcgen::SanType;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;

use super::authority::{Authority, life};
use super::clients::AnyClient;
use super::{OpenPki, Pki, PkiOptions, PrivateFolder};

const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";
const LIFE: Duration = Duration::from_hours(24 * 365);

/// What is served now, and until when.
pub(crate) struct Current {
    pub(crate) key: Arc<CertifiedKey>,
    pub(crate) renew_at: Timestamp,
}

/// The certificate in the folder if it still does, else a new one.
pub(crate) fn open(
    folder: &PrivateFolder,
    authority: &Authority,
    options: &PkiOptions,
    world: &World,
) -> Result<Current, OpenPki> {
    match reuse(folder, authority, options, world)? {
        Some(current) => Ok(current),
        None => issue(folder, authority, options, world),
    }
}

/// A new certificate with a new key.
pub(crate) fn issue(
    folder: &PrivateFolder,
    authority: &Authority,
    options: &PkiOptions,
    world: &World,
) -> Result<Current, OpenPki> {
    let (certificate, key) = authority.certify_server(names(options)?, world.clock.now(), LIFE)?;
    // One after the other: a crash in between leaves two that do not fit, which `reuse` notices.
    folder.write(KEY, &key.serialize_pem()).map_err(OpenPki::Keep)?;
    folder.write(CERTIFICATE, &certificate.pem()).map_err(OpenPki::Keep)?;
    let der =
        PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| OpenPki::Make(rcgen::Error::CouldNotParseKeyPair))?;
    current(authority, certificate.der().clone(), der)
}

fn reuse(
    folder: &PrivateFolder,
    authority: &Authority,
    options: &PkiOptions,
    world: &World,
) -> Result<Option<Current>, OpenPki> {
    let (certificate, key) =
        (folder.read(CERTIFICATE).map_err(OpenPki::Keep)?, folder.read(KEY).map_err(OpenPki::Keep)?);
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
    let Ok(der) = CertificateDer::from_pem_slice(certificate.as_bytes()) else { return Ok(None) };
    let Ok(key) = PrivateKeyDer::from_pem_slice(key.as_bytes()) else { return Ok(None) };
    if !fits(&der, authority, &names(options)?) {
        return Ok(None);
    }
    let found = current(authority, der, key).ok().filter(|it| it.key.keys_match().is_ok());
    Ok(found.filter(|it| it.renew_at > world.clock.now()))
}

/// Whether our authority made it, for exactly these names.
fn fits(der: &CertificateDer<'_>, authority: &Authority, names: &[SanType]) -> bool {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(der) else { return false };
    let Ok((_, signer)) = x509_parser::parse_x509_certificate(&authority.der) else { return false };
    let same_signer = parsed.issuer().as_raw() == signer.subject().as_raw();
    let Ok(Some(held)) = parsed.subject_alternative_name() else { return false };
    let held: Vec<String> = held.value.general_names.iter().map(shown).collect();
    let wanted: Vec<String> = names.iter().map(spelled).collect();
    same_signer && held == wanted
}

fn shown(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(v4), _) => IpAddr::from(v4).to_string(),
            (_, Ok(v6)) => IpAddr::from(v6).to_string(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn spelled(name: &SanType) -> String {
    match name {
        SanType::DnsName(name) => name.as_str().to_owned(),
        SanType::IpAddress(address) => address.to_string(),
        _ => String::new(),
    }
}

fn current(
    authority: &Authority,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<Current, OpenPki> {
    let (start, end) = life(&certificate).ok_or(OpenPki::Make(rcgen::Error::CouldNotParseCertificate))?;
    let renew_at = Timestamp::from_second(start.as_second() + (end.as_second() - start.as_second()) / 3 * 2);
    let chain = vec![certificate, authority.der.clone()];
    let key = CertifiedKey::from_der(chain, key, &default_provider()).map_err(OpenPki::Tls)?;
    Ok(Current { key: Arc::new(key), renew_at: renew_at.unwrap_or(start) })
}

/// What the server is called, each name once.
fn names(options: &PkiOptions) -> Result<Vec<SanType>, OpenPki> {
    let usual = [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ];
    let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into(), options.service_address];
    let mut names = Vec::new();
    for name in usual.into_iter().chain(options.names.iter().map(String::as_str)) {
        names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => host(name)?,
        });
    }
    names.extend(addresses.map(SanType::IpAddress));
    let mut seen = std::collections::HashSet::new();
    names.retain(|it| seen.insert(spelled(it)));
    Ok(names)
}

fn host(name: &str) -> Result<SanType, OpenPki> {
    let sound = rustls::pki_types::DnsName::try_from(name).is_ok();
    let text = name.to_owned().try_into().ok().filter(|_| sound);
    text.map(SanType::DnsName).ok_or_else(|| OpenPki::Name { name: name.to_owned() })
}

pub(crate) fn config(pki: &Arc<Pki>) -> Result<Arc<ServerConfig>, OpenPki> {
    let provider = Arc::new(default_provider());
    let clients = Arc::new(AnyClient::new(&pki.authority, &provider));
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder
        .map_err(OpenPki::Tls)?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(Served(Arc::clone(pki))));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Gives each handshake the certificate of the moment.
struct Served(Arc<Pki>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current())
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Served")
    }
}
