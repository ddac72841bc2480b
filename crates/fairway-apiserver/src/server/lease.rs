//! An answer that streams goes on no longer than the right to it: a revoked token or role ends a watch or a log that
//! was opened with it, within seconds.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use http::Response;
use http::request::Parts;

use super::Shared;
use super::service::identify;
use crate::authorization;
use crate::body::Body;
use crate::request::RequestInfo;

/// How often the right is asked for again.
const LOOK: Duration = Duration::from_secs(4);

/// The same answer, which ends when its request would be refused. One that does not stream is left as it is.
pub(super) fn while_allowed(
    shared: &Arc<Shared>,
    parts: &Parts,
    info: &RequestInfo,
    response: Response<Body>,
) -> Response<Body> {
    let (head, body) = response.into_parts();
    let Body::Stream(pieces) = body else { return Response::from_parts(head, body) };
    Response::from_parts(head, Body::stream(pieces.take_until(lost(shared, parts, info))))
}

/// Comes when a request that was allowed would be refused.
pub(crate) fn lost(
    shared: &Arc<Shared>,
    parts: &Parts,
    info: &RequestInfo,
) -> impl Future<Output = ()> + Send + 'static + use<> {
    let (shared, parts, info) = (Arc::clone(shared), parts.clone(), info.clone());
    async move {
        loop {
            tokio::time::sleep(LOOK).await;
            let allowed = identify(&shared, &parts)
                .and_then(|it| authorization::check(&*shared.authorize, &it, &info.attributes()));
            if let Err(refusal) = allowed {
                tracing::debug!(%refusal, "a stream ends with the right to it");
                return;
            }
        }
    }
}
