//! What one request may take: bytes of its body, and time.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Limited};

use crate::ApiError;
use crate::body::BodyError;
use crate::request::{Query, RequestInfo};

/// No body may be longer.
const BODY_LIMIT: usize = 3 << 20;
/// And none may take longer to come.
const BODY_TIME: Duration = Duration::from_secs(30);
/// A write that is not done by then is not waited for: as long as the real server waits.
const WRITE_TIME: Duration = Duration::from_secs(34);

/// How long the request may take: a write as long as it asks for, up to what every write has; a read for ever, as a
/// watch and a log do.
pub(super) fn time(info: &RequestInfo, query: &Query) -> Result<Option<Duration>, ApiError> {
    if !info.is_write() {
        return Ok(None);
    }
    let Some(asked) = query.given("timeout") else { return Ok(Some(WRITE_TIME)) };
    let parsed = asked.parse::<jiff::SignedDuration>().ok().and_then(|it| Duration::try_from(it).ok());
    let Some(asked) = parsed else {
        return Err(ApiError::bad_request(format!("invalid timeout specified in the request URL: {asked:?}")));
    };
    Ok(Some(if asked.is_zero() { WRITE_TIME } else { asked.min(WRITE_TIME) }))
}

/// Waits no longer than that. What was given to the store by then is still written or refused as a whole.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let Some(limit) = limit else { return work.await };
    let message = "Timeout: request did not complete within the allotted timeout";
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(ApiError::new(504, "Timeout", message)))
}

/// The whole body.
pub(super) async fn read_body<B>(headers: &HeaderMap, body: B) -> Result<Bytes, ApiError>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    let too_large = || {
        let message = format!("Request entity too large: limit is {BODY_LIMIT}");
        ApiError::new(413, "RequestEntityTooLarge", message)
    };
    let announced = headers.get(http::header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|it| it > BODY_LIMIT) {
        return Err(too_large());
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let Ok(read) = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_LIMIT).collect()).await else {
        return Err(ApiError::new(504, "Timeout", "the body did not come in time"));
    };
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(_) => Err(ApiError::bad_request("the body broke off before its end")),
    }
}

#[cfg(test)]
mod tests;
