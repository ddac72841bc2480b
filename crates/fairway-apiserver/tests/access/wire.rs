//! The same over a socket: TLS, certificates, headers a peer could try.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairway_apiserver::pki::{IssuedClient, Pki, PkiOptions};
use fairway_clock::{ManualClock, World};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::plane::Plane;

/// Shows its certificate whatever the server asks for.
#[derive(Debug)]
struct Always(Arc<dyn rustls::client::ResolvesClientCert>);

impl rustls::client::ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], schemes: &[rustls::SignatureScheme]) -> Option<Arc<rustls::sign::CertifiedKey>> {
        self.0.resolve(&[], schemes)
    }

    fn has_certs(&self) -> bool {
        self.0.has_certs()
    }
}

fn config(pki: &Pki, identity: Option<&IssuedClient>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pki.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let Some(identity) = identity else { return builder.with_no_client_auth() };
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let mut config = builder.with_client_auth_cert(vec![certificate], key).unwrap();
    config.client_auth_cert_resolver = Arc::new(Always(config.client_auth_cert_resolver.clone()));
    config
}

/// One GET over a connection of its own.
async fn get(
    port: u16,
    mut config: ClientConfig,
    http2: bool,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, Value) {
    config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TokioIo::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap());
    let mut request = Request::get(format!("https://localhost{path}")).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let mut tasks = JoinSet::new();
    let response = if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tasks.spawn(async move { drop(connection.await) });
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tasks.spawn(async move { drop(connection.await) });
        sender.send_request(request).await.unwrap()
    };
    let code = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn serve(plane: &Plane) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    plane.server.serve(listener, (*plane.pki.server_config().unwrap()).clone());
    port
}

/// The same authority as it was a day ago.
fn yesterday(plane: &Plane) -> Arc<Pki> {
    let World { clock, entropy } = World::system();
    let day = jiff::SignedDuration::from_hours(-24);
    let clock = Arc::new(ManualClock::new(clock.now().saturating_add(day).unwrap()));
    Pki::open(PkiOptions::new(plane.folder.path().join("pki")), World { clock, entropy }).unwrap()
}

const PODS: &str = "/api/v1/namespaces/default/pods";

#[tokio::test]
async fn a_certificate_of_ours_is_believed_and_any_other_gets_a_401() {
    let plane = Plane::start().await;
    let port = serve(&plane).await;
    let hour = Duration::from_hours(1);
    let master = plane.pki.issue_client("root", Some("system:masters"), hour).unwrap();
    let nobody = plane.pki.issue_client("carl", None, hour).unwrap();
    let home = tempfile::tempdir().unwrap();
    let other = Pki::open(PkiOptions::new(home.path()), World::system()).unwrap();
    let forged = other.issue_client("root", Some("system:masters"), hour).unwrap();
    let expired = yesterday(&plane).issue_client("root", Some("system:masters"), hour).unwrap();
    for http2 in [false, true] {
        let ask = |identity| get(port, config(&plane.pki, identity), http2, PODS, &[]);
        assert_eq!(ask(Some(&master)).await.0, 200);
        let (code, answer) = ask(Some(&nobody)).await;
        assert_eq!(code, 403);
        assert!(answer["message"].as_str().unwrap().contains("User \"carl\" cannot list"), "{answer}");
        for wrong in [&forged, &expired] {
            let (code, answer) = ask(Some(wrong)).await;
            assert_eq!((code.as_u16(), &answer["reason"]), (401, &json!("Unauthorized")));
        }
        assert_eq!(ask(None).await.0, 403);
    }
    plane.stop().await;
}

#[tokio::test]
async fn nothing_a_peer_writes_into_headers_makes_it_somebody() {
    let plane = Plane::start().await;
    let port = serve(&plane).await;
    for http2 in [false, true] {
        for headers in [
            &[("x-remote-user", "root"), ("x-remote-group", "system:masters")][..],
            &[("x-forwarded-user", "root"), ("x-forwarded-client-cert", "Subject=\"CN=root,O=system:masters\"")],
            &[("identity", "root"), ("x-identity", "system:masters"), ("x-forwarded-for", "127.0.0.1")],
            &[("impersonate-user", "root"), ("impersonate-group", "system:masters")],
            &[("cookie", "authorization=Bearer x"), ("proxy-authorization", "Basic cm9vdDpyb290")],
        ] {
            let (code, answer) = get(port, config(&plane.pki, None), http2, PODS, headers).await;
            assert_eq!(code, 403, "{headers:?}");
            assert!(answer["message"].as_str().unwrap().contains("User \"system:anonymous\""), "{answer}");
        }
        let token = format!("Bearer {}", plane.root);
        let (code, _) = get(port, config(&plane.pki, None), http2, PODS, &[("authorization", &token)]).await;
        assert_eq!(code, 200);
        let query = format!("{PODS}?access_token={}&token={}", plane.root, plane.root);
        assert_eq!(get(port, config(&plane.pki, None), http2, &query, &[]).await.0, 403, "no credentials in addresses");
    }
    plane.stop().await;
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_the_next_request() {
    let plane = Plane::start().await;
    let port = serve(&plane).await;
    let token = format!("Bearer {}", plane.root);
    let headers = [("authorization", token.as_str())];
    let ask = || get(port, config(&plane.pki, None), true, PODS, &headers);
    assert_eq!(ask().await.0, 200);
    for info in plane.tokens.list() {
        plane.tokens.revoke(&info.id).unwrap();
    }
    assert_eq!(ask().await.0, 401);
    plane.stop().await;
}

/// More than the server keeps under way, and fewer than a test may hold open.
const IDLE: usize = 1500;

#[tokio::test]
async fn connections_that_say_nothing_hold_up_nobody_and_are_closed() {
    let plane = Plane::start().await;
    let port = serve(&plane).await;
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    for http2 in [false, true] {
        assert_eq!(get(port, config(&plane.pki, None), http2, "/healthz", &[]).await.0, 200);
    }
    // The first of them made room for the last.
    let mut first = idle.swap_remove(0);
    let mut said = [0; 1];
    let read = tokio::io::AsyncReadExt::read(&mut first, &mut said).await;
    assert!(!matches!(read, Ok(1..)), "it was closed without a word");
    plane.stop().await;
}
