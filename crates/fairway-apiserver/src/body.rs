//! The body of an answer, or of a request beside the API: bytes at once, or as they come.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{BoxStream, Stream, TryStreamExt as _};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};

use crate::ApiError;

/// Why a body broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// What [`crate::ApiService`] answers with, and what [`crate::ExtraRoutes`] are asked with.
pub enum Body {
    /// All of it, once.
    Full(Option<Bytes>),
    /// Piece by piece; each piece is sent as soon as it is there.
    Stream(BoxStream<'static, Result<Bytes, BodyError>>),
}

impl Body {
    /// No bytes at all.
    pub fn empty() -> Self {
        Self::Full(None)
    }

    /// A stream of pieces.
    pub fn stream(pieces: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static) -> Self {
        Self::Stream(Box::pin(pieces))
    }

    /// Any body, as it comes.
    pub(crate) fn carry<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        if body.is_end_stream() { Self::empty() } else { Self::stream(body.into_data_stream().map_err(Into::into)) }
    }

    /// All of it, if it is not longer than `limit` bytes.
    pub async fn read_whole(self, limit: usize) -> Result<Bytes, ApiError> {
        match Limited::new(self, limit).collect().await {
            Ok(whole) => Ok(whole.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                let message = format!("Request entity too large: limit is {limit}");
                Err(ApiError::new(413, "RequestEntityTooLarge", message))
            }
            Err(_) => Err(ApiError::bad_request("the body broke off before its end")),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        let bytes = bytes.into();
        Self::Full((!bytes.is_empty()).then_some(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|it| Ok(Frame::data(it)))),
            Self::Stream(stream) => stream.as_mut().poll_next(context).map(|it| it.map(|it| it.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |it| it.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests;
