use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fairway_clock::{Clock, ManualClock, SystemEntropy};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

use super::*;

/// A plane's certificates in a folder of its own, at a time that can be moved.
pub(super) struct Setting {
    pub(super) folder: tempfile::TempDir,
    pub(super) clock: Arc<ManualClock>,
}

impl Setting {
    pub(super) fn new() -> Self {
        let now = fairway_clock::SystemClock::new().now();
        Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::new(now)) }
    }

    pub(super) fn world(&self) -> World {
        World { clock: self.clock.clone(), entropy: Arc::new(SystemEntropy) }
    }

    pub(super) fn open(&self) -> Arc<Pki> {
        Pki::open(PkiOptions::new(self.folder.path()), self.world()).unwrap()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }
}

fn client(ca: &str, identity: Option<&IssuedClient>, alpn: &[&[u8]]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(it) => {
            let certificate = CertificateDer::from_pem_slice(it.certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(it.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    config.alpn_protocols = alpn.iter().map(|it| it.to_vec()).collect();
    config
}

/// A whole handshake in memory. Gives both ends.
fn handshake(
    pki: &Arc<Pki>,
    config: ClientConfig,
    name: &str,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let mut server = ServerConnection::new(pki.server_config().unwrap())?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name)?;
    for _ in 0..10 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

#[test]
fn the_server_is_believed_under_each_of_its_names_and_no_other() {
    let setting = Setting::new();
    let mut options = PkiOptions::new(setting.folder.path());
    options.names = vec!["hub.example.org".to_owned(), "192.0.2.7".to_owned(), "localhost".to_owned()];
    let pki = Pki::open(options, setting.world()).unwrap();
    let good = [
        "localhost",
        "127.0.0.1",
        "::1",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "10.96.0.1",
        "hub.example.org",
        "192.0.2.7",
    ];
    for name in good {
        assert!(handshake(&pki, client(pki.ca_pem(), None, &[]), name).is_ok(), "{name}");
    }
    for name in ["example.org", "kubernetes.default.svc.evil.org", "10.96.0.2", "127.0.0.2"] {
        assert!(handshake(&pki, client(pki.ca_pem(), None, &[]), name).is_err(), "{name}");
    }
    let stranger = Setting::new().open();
    assert!(handshake(&pki, client(stranger.ca_pem(), None, &[]), "localhost").is_err(), "another authority");
}

#[test]
fn http_2_and_1_1_are_agreed_on() {
    let pki = Setting::new().open();
    for (offered, agreed) in [
        (&[b"h2".as_slice(), b"http/1.1"][..], Some(b"h2".as_slice())),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let (client, server) = handshake(&pki, client(pki.ca_pem(), None, offered), "localhost").unwrap();
        assert_eq!((client.alpn_protocol(), server.alpn_protocol()), (agreed, agreed));
    }
    assert!(handshake(&pki, client(pki.ca_pem(), None, &[b"spdy/3.1"]), "localhost").is_err());
}

#[test]
fn data_flows_and_the_client_certificate_arrives() {
    let pki = Setting::new().open();
    let issued = pki.issue_client("ann", Some("dev"), Duration::from_hours(1)).unwrap();
    let (mut sender, mut receiver) = handshake(&pki, client(pki.ca_pem(), Some(&issued), &[]), "localhost").unwrap();
    sender.writer().write_all(b"ping").unwrap();
    let mut wire = Vec::new();
    sender.write_tls(&mut wire).unwrap();
    receiver.read_tls(&mut wire.as_slice()).unwrap();
    receiver.process_new_packets().unwrap();
    let mut got = [0; 4];
    receiver.reader().read_exact(&mut got).unwrap();
    assert_eq!(&got, b"ping");
    let who = pki.identify(receiver.peer_certificates().unwrap()).unwrap();
    assert_eq!((who.user.as_str(), who.groups), ("ann", vec!["dev".into(), "system:authenticated".into()]));
}

#[test]
fn a_certificate_of_another_authority_passes_the_handshake_to_be_refused_with_a_401() {
    let pki = Setting::new().open();
    let stranger = Setting::new().open();
    let issued = stranger.issue_client("root", Some("system:masters"), Duration::from_hours(1)).unwrap();
    let mut config = client(pki.ca_pem(), Some(&issued), &[]);
    // Our server hints which authorities it knows; a hostile client shows its certificate anyway.
    config.client_auth_cert_resolver = Arc::new(Always(config.client_auth_cert_resolver.clone()));
    let (_, server) = handshake(&pki, config, "localhost").unwrap();
    assert!(pki.identify(server.peer_certificates().unwrap()).is_err());
}

#[derive(Debug)]
struct Always(Arc<dyn rustls::client::ResolvesClientCert>);

impl rustls::client::ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], schemes: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.resolve(&[], schemes)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[test]
fn the_next_start_uses_the_same_certificates() {
    let setting = Setting::new();
    setting.open();
    let files = ["ca.crt", "ca.key", "server.crt", "server.key"];
    let first = files.map(|it| setting.text(it));
    setting.open();
    assert_eq!(files.map(|it| setting.text(it)), first);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in files {
        assert_eq!(mode(&setting.folder.path().join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(setting.folder.path()), 0o700);
}

#[test]
fn the_server_gets_a_new_certificate_after_two_thirds_of_a_year_without_a_restart() {
    let setting = Setting::new();
    let pki = setting.open();
    let (ca, first) = (setting.text("ca.crt"), setting.text("server.crt"));
    setting.clock.advance(Duration::from_hours(24 * 240));
    assert!(!pki.renew_if_due().unwrap());
    setting.clock.advance(Duration::from_hours(24 * 5));
    assert!(pki.renew_if_due().unwrap());
    assert!(!pki.renew_if_due().unwrap());
    assert_ne!(setting.text("server.crt"), first);
    assert_eq!(setting.text("ca.crt"), ca);
    assert_eq!(
        pki.current().end_entity_cert().unwrap(),
        &CertificateDer::from_pem_slice(setting.text("server.crt").as_bytes()).unwrap()
    );
}

#[test]
fn new_names_a_lost_key_or_another_authority_give_a_new_server_certificate() {
    let setting = Setting::new();
    setting.open();
    let mut options = PkiOptions::new(setting.folder.path());
    options.names = vec!["new.example.org".to_owned()];
    let pki = Pki::open(options, setting.world()).unwrap();
    assert!(handshake(&pki, client(pki.ca_pem(), None, &[]), "new.example.org").is_ok());
    let other = Setting::new();
    other.open();
    for (file, text) in [
        ("server.key", String::new()),
        ("server.key", other.text("server.key")),
        ("server.crt", other.text("server.crt")),
        ("server.crt", "no certificate".to_owned()),
    ] {
        setting.put(file, &text);
        let pki = setting.open();
        assert!(handshake(&pki, client(pki.ca_pem(), None, &[]), "localhost").is_ok(), "{file}");
    }
}

#[test]
fn a_damaged_authority_is_an_error_and_never_replaced_in_silence() {
    let setting = Setting::new();
    setting.open();
    let (ca, key) = (setting.text("ca.crt"), setting.text("ca.key"));
    let other = Setting::new();
    other.open();
    for (file, text) in [("ca.crt", "x".to_owned()), ("ca.key", "x".to_owned()), ("ca.key", other.text("ca.key"))] {
        setting.put(file, &text);
        let Err(error) = Pki::open(PkiOptions::new(setting.folder.path()), setting.world()) else { panic!("{file}") };
        assert!(error.to_string().contains("restore it"), "{error}");
        setting.put("ca.crt", &ca);
        setting.put("ca.key", &key);
    }
    std::fs::remove_file(setting.folder.path().join("ca.key")).unwrap();
    assert!(Pki::open(PkiOptions::new(setting.folder.path()), setting.world()).is_err());
}

#[test]
fn an_interrupted_first_start_is_finished_by_the_next() {
    let setting = Setting::new();
    let other = Setting::new();
    other.open();
    setting.put("ca.key", &other.text("ca.key"));
    let pki = setting.open();
    assert!(handshake(&pki, client(pki.ca_pem(), None, &[]), "localhost").is_ok());
}

#[test]
fn an_expired_authority_is_made_anew() {
    let setting = Setting::new();
    setting.open();
    let old = setting.text("ca.crt");
    setting.clock.advance(Duration::from_hours(24 * 3_651));
    let pki = setting.open();
    assert_ne!(pki.ca_pem(), old);
}

#[test]
fn a_name_that_is_none_is_an_error_that_says_which() {
    let setting = Setting::new();
    for name in ["", "a b", "ü.example", "http://x", "a..b", "*"] {
        let mut options = PkiOptions::new(setting.folder.path());
        options.names = vec![name.to_owned()];
        let Err(error) = Pki::open(options, setting.world()) else { panic!("{name:?} was taken") };
        assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
    }
}
