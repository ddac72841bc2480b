//! Just enough HTTP to get a file: one request at a time on a connection, several connections, no state.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fairway_outside::{Outside, ReachOutside};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::digest::Digest;

/// How long a mirror may take to begin to answer, and to go on.
const PATIENCE: Duration = Duration::from_secs(30);
/// The slowest that a whole file may come, in bytes a second.
const SLOWEST: u64 = 16 << 10;
/// How often a mirror may send us elsewhere.
const MOST_REDIRECTS: usize = 4;
/// Connections that are kept for the next file.
const MOST_IDLE: usize = 8;

/// Why a file did not come from a mirror.
#[derive(Debug, thiserror::Error)]
pub enum FetchFile {
    #[error("it is not a URL like https://host/path")]
    Url,
    #[error("reach it")]
    Reach(#[source] ReachOutside),
    #[error("its certificate is not accepted, or it does not speak TLS")]
    Tls(#[source] std::io::Error),
    #[error("it does not speak HTTP as it should")]
    Http(#[source] hyper::Error),
    #[error("it has no such file")]
    NotFound,
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("it sends us from one place to the next, or from https to http")]
    Redirects,
    #[error("it did not send anything for {} s, or sends too slowly", PATIENCE.as_secs())]
    Slow,
    #[error("it says that the file has {found} bytes, and it has {expected}")]
    OtherSize { expected: u64, found: u64 },
    #[error("it sends more than the {limit} bytes that there may be")]
    TooLong { limit: u64 },
    #[error("it ended after {found} of {expected} bytes")]
    Truncated { expected: u64, found: u64 },
    #[error("its {length} bytes are {found}, and not {expected}")]
    WrongDigest { expected: Digest, found: Digest, length: u64 },
    #[error("the disk did not take it")]
    Stopped,
}

/// The connections to mirrors. Clones are the same.
#[derive(Clone)]
pub(super) struct Client(Arc<Parts>);

struct Parts {
    outside: Outside,
    tls: TlsConnector,
    idle: Mutex<Vec<Connection>>,
}

/// A connection, and the task that drives it: it ends with it.
struct Connection {
    place: Place,
    sender: SendRequest<Empty<Bytes>>,
    _driver: JoinSet<()>,
}

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    secure: bool,
    host: String,
    port: u16,
}

impl Place {
    fn of(uri: &Uri) -> Result<Self, FetchFile> {
        let secure = match uri.scheme_str() {
            Some("https") => true,
            // What packages are is known before they come: who reads along learns no secret, who changes them is found out.
            Some("http") => false,
            _ => return Err(FetchFile::Url),
        };
        let host = uri.host().ok_or(FetchFile::Url)?.trim_matches(['[', ']']).to_owned();
        Ok(Self { secure, host, port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }) })
    }
}

impl Client {
    /// Certificates in PEM form are those that mirrors are held to.
    pub(super) fn new(outside: Outside, authorities: &str) -> Self {
        let mut roots = RootCertStore::empty();
        // One that cannot be read is one less to be believed.
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(authorities.as_bytes()).filter_map(Result::ok));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(config));
        Self(Arc::new(Parts { outside, tls, idle: Mutex::default() }))
    }

    /// Gets a file of at most `size` bytes, or of just as many if it is `exact`.
    pub(super) async fn get(
        &self,
        url: &str,
        size: u64,
        exact: bool,
        take: impl FnMut(&Bytes) -> Result<(), FetchFile>,
    ) -> Result<(), FetchFile> {
        let long = PATIENCE + Duration::from_secs(size / SLOWEST);
        timeout(long, self.follow(url, size, exact, take)).await.unwrap_or(Err(FetchFile::Slow))
    }

    async fn follow(
        &self,
        url: &str,
        size: u64,
        exact: bool,
        take: impl FnMut(&Bytes) -> Result<(), FetchFile>,
    ) -> Result<(), FetchFile> {
        let mut uri: Uri = url.parse().map_err(|_| FetchFile::Url)?;
        for _ in 0..=MOST_REDIRECTS {
            let (connection, answer) = self.ask(&uri).await?;
            let status = answer.status();
            match status {
                StatusCode::OK => return self.read(connection, answer, size, exact, take).await,
                StatusCode::NOT_FOUND | StatusCode::GONE => return Err(FetchFile::NotFound),
                _ if status.is_redirection() => uri = next(&uri, &answer).ok_or(FetchFile::Redirects)?,
                _ => return Err(FetchFile::Status(status)),
            }
        }
        Err(FetchFile::Redirects)
    }

    /// Asks on a connection that is left over, or on a new one: one that is left over may have ended meanwhile.
    async fn ask(&self, uri: &Uri) -> Result<(Connection, Response<Incoming>), FetchFile> {
        let place = Place::of(uri)?;
        while let Some(mut idle) = self.left_over(&place) {
            if idle.sender.ready().await.is_ok()
                && let Ok(answer) = idle.ask(uri).await
            {
                return Ok((idle, answer));
            }
        }
        let mut connection = self.open(place).await?;
        let answer = connection.ask(uri).await?;
        Ok((connection, answer))
    }

    fn left_over(&self, place: &Place) -> Option<Connection> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let index = idle.iter().position(|it| it.place == *place)?;
        Some(idle.swap_remove(index))
    }

    async fn open(&self, place: Place) -> Result<Connection, FetchFile> {
        let stream = self.0.outside.connect(&place.host, place.port).await.map_err(FetchFile::Reach)?;
        if !place.secure {
            return start(place, stream).await;
        }
        let name = ServerName::try_from(place.host.clone()).map_err(|_| FetchFile::Url)?;
        let secured = timeout(PATIENCE, self.0.tls.connect(name, stream)).await.map_err(|_| FetchFile::Slow)?;
        start(place, secured.map_err(FetchFile::Tls)?).await
    }

    async fn read(
        &self,
        connection: Connection,
        answer: Response<Incoming>,
        size: u64,
        exact: bool,
        mut take: impl FnMut(&Bytes) -> Result<(), FetchFile>,
    ) -> Result<(), FetchFile> {
        let said = answer.headers().get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
        match said {
            Some(found) if exact && found != size => return Err(FetchFile::OtherSize { expected: size, found }),
            Some(found) if found > size => return Err(FetchFile::TooLong { limit: size }),
            _ => {}
        }
        let mut body = answer.into_body();
        let mut found = 0;
        while let Some(frame) = timeout(PATIENCE, body.frame()).await.map_err(|_| FetchFile::Slow)? {
            let frame = match frame {
                Ok(frame) => frame,
                Err(_) if exact => return Err(FetchFile::Truncated { expected: size, found }),
                Err(error) => return Err(FetchFile::Http(error)),
            };
            let Ok(part) = frame.into_data() else { continue };
            found += part.len() as u64;
            if found > size {
                return Err(FetchFile::TooLong { limit: size });
            }
            take(&part)?;
        }
        if exact && found < size {
            return Err(FetchFile::Truncated { expected: size, found });
        }
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
        Ok(())
    }
}

impl Connection {
    async fn ask(&mut self, uri: &Uri) -> Result<Response<Incoming>, FetchFile> {
        let path = uri.path_and_query().map_or("/", |it| it.as_str());
        let host = uri.authority().map(|it| it.as_str().rsplit('@').next().unwrap_or_default()).unwrap_or_default();
        let request = Request::get(path)
            .header(HOST, host)
            .header(USER_AGENT, "fairway")
            .header(ACCEPT_ENCODING, "identity")
            .body(Empty::new())
            .map_err(|_| FetchFile::Url)?;
        let answer = timeout(PATIENCE, self.sender.send_request(request)).await.map_err(|_| FetchFile::Slow)?;
        answer.map_err(FetchFile::Http)
    }
}

async fn start(
    place: Place,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Connection, FetchFile> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(FetchFile::Http)?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // Who waits for an answer hears of the error.
        let _ = connection.await;
    });
    Ok(Connection { place, sender, _driver: driver })
}

/// Where an answer sends us: never from https to http.
fn next(from: &Uri, answer: &Response<Incoming>) -> Option<Uri> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    let next = match location.strip_prefix('/') {
        Some(_) => format!("{}://{}{location}", from.scheme_str()?, from.authority()?),
        None => location.to_owned(),
    };
    let next: Uri = next.parse().ok()?;
    let safe = next.scheme_str() == Some("https") || from.scheme_str() == Some("http");
    safe.then_some(next)
}
