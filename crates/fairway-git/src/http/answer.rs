//! Answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio::sync::mpsc;

/// What comes back: at once, or as git says it.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The other end of an answer that comes piece by piece.
pub(super) type Pieces = mpsc::Sender<Bytes>;

/// A sentence; git shows it to its user.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = of(status, "text/plain; charset=utf-8", format!("fairway: {}\n", text.into()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    }
    response
}

/// All of it at once.
pub(super) fn of(status: StatusCode, kind: &str, bytes: impl Into<Bytes>) -> Response<Body> {
    dress(status, kind, Full::new(bytes.into()).map_err(|it| match it {}).boxed_unsync())
}

/// Piece by piece; it ends when the sender is dropped.
pub(super) fn stream(kind: &str) -> (Pieces, Response<Body>) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(16);
    let pieces = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
    let frames = futures::StreamExt::map(pieces, |it| Ok(http_body::Frame::data(it)));
    (sender, dress(StatusCode::OK, kind, StreamBody::new(frames).boxed_unsync()))
}

fn dress(status: StatusCode, kind: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0, must-revalidate"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}
