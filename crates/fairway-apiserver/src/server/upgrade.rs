//! Requests that want to leave HTTP: WebSocket, and what is not spoken here.

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::ApiError;
use crate::body::Body;

/// No message may be longer: clients send pieces of a few kilobytes.
const MESSAGE: usize = 4 << 20;

/// A connection that speaks WebSocket.
pub(crate) type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// The wish to speak something else.
pub(crate) struct Upgrade {
    parts: Parts,
}

impl Upgrade {
    /// What the head of a request wishes, if anything.
    pub(super) fn read(parts: &Parts) -> Option<Self> {
        parts.headers.contains_key(UPGRADE).then(|| Self { parts: parts.clone() })
    }

    /// The head of the request: who asked, to be asked again.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Which of these subprotocols of WebSocket is spoken from now on: the first of ours that the client offers.
    pub(crate) fn choose(&self, ours: &[&'static str]) -> Result<&'static str, ApiError> {
        if !self.has(UPGRADE, "websocket") {
            let message = "unable to upgrade: this server speaks WebSocket for this, and not SPDY; use kubectl 1.30 or \
                           newer for exec, and `platform port-forward` in place of kubectl port-forward";
            return Err(ApiError::bad_request(message));
        }
        let version = self.parts.headers.get("sec-websocket-version").is_some_and(|it| it == "13");
        if !version || !self.has(CONNECTION, "upgrade") || !self.parts.headers.contains_key(SEC_WEBSOCKET_KEY) {
            return Err(ApiError::bad_request("unable to upgrade: the WebSocket handshake is incomplete"));
        }
        let chosen = ours.iter().find(|it| self.has(SEC_WEBSOCKET_PROTOCOL, it)).copied();
        let refuse = || {
            let ours = ours.join(", ");
            ApiError::bad_request(format!("unable to upgrade: none of the subprotocols offered is one of {ours}"))
        };
        chosen.ok_or_else(refuse)
    }

    /// Whether a header's list names this.
    fn has(&self, header: HeaderName, wanted: &str) -> bool {
        let values = self.parts.headers.get_all(header);
        let mut words = values.iter().filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
        words.any(|it| it.trim().eq_ignore_ascii_case(wanted))
    }

    /// The answer that begins it, and what comes of it once that is sent.
    pub(crate) fn accept(&self, protocol: &'static str) -> Result<(Response<Body>, Switching), ApiError> {
        let on = self.parts.extensions.get::<OnUpgrade>().cloned();
        let on = on.ok_or_else(|| ApiError::bad_request("unable to upgrade: connect by HTTP/1.1"))?;
        let key = self.parts.headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        let accept = HeaderValue::from_str(&derive_accept_key(key))
            .map_err(|_| ApiError::bad_request("unable to upgrade: the WebSocket handshake is incomplete"))?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        Ok((response, Switching(on)))
    }
}

/// A connection on its way to WebSocket.
pub(crate) struct Switching(OnUpgrade);

impl Switching {
    /// Comes when the client has switched too; nothing, if it went away instead.
    pub(crate) async fn done(self) -> Option<WebSocket> {
        let upgraded = self.0.await.ok()?;
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE));
        Some(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await)
    }
}
