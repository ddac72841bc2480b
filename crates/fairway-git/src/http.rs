//! Smart HTTP in front of the repositories, without knowing servers or users: whoever mounts it parses the request into
//! a [`Call`], decides by [`Call::repository`] and [`Call::access`] whether the caller may do it, and hands the same call
//! to [`Host::serve`], so that what was decided about is what is done.

mod call;

mod answer;

mod feed;

mod packet;

mod fetch;

mod push;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Host;
use crate::forge::Push;
pub use answer::Body;
use answer::plain;
pub use call::{Access, Call};
use call::{Service, Step};
use feed::Feed;

/// Pushes at one time; a git that takes one may need much memory.
const PUSHES: usize = 8;
/// Fetches at one time.
const FETCHES: usize = 32;
/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(30);
/// How often it is asked whether the caller still may.
const LOOK: Duration = Duration::from_secs(4);

/// Who fetches or pushes.
#[derive(Clone)]
pub struct Caller {
    /// As the API calls them.
    pub user: String,
    /// The groups they are in.
    pub groups: Vec<String>,
    /// The id that the push's event will have.
    pub cause: String,
    /// Who knows about their rights, and keeps the record.
    pub witness: Arc<dyn Witness>,
}

/// A push of which nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedPush {
    /// What was wanted.
    pub push: Push,
    /// Why it was refused, in a sentence or a few.
    pub why: String,
}

/// What a host needs of its platform while it serves somebody.
#[async_trait]
pub trait Witness: Send + Sync + 'static {
    /// Whether they still may: a token can expire, a right can be taken away.
    fn may_go_on(&self) -> bool;

    /// Records a push. It is acknowledged only after that; the refs have moved by then.
    async fn record(&self, push: &Push) -> Result<(), String>;

    /// Records that a push was refused.
    async fn record_refused(&self, refused: &RefusedPush) -> Result<(), String>;
}

/// What all requests share.
pub(crate) struct Traffic {
    pushes: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
    /// Every git that serves somebody belongs to one of these.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            pushes: Arc::new(Semaphore::new(PUSHES)),
            fetches: Arc::new(Semaphore::new(FETCHES)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }
}

impl Traffic {
    async fn turn(&self, service: Service) -> Option<OwnedSemaphorePermit> {
        let of = if service == Service::Push { &self.pushes } else { &self.fetches };
        tokio::time::timeout(TURN, Arc::clone(of).acquire_owned()).await.ok()?.ok()
    }
}

impl Host {
    /// Answers a call that the caller may make. `request` is the one that the call was parsed from.
    pub async fn serve<B>(&self, call: &Call, request: Request<B>, caller: Caller) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::fmt::Display,
    {
        let Ok(repository) = self.existing(call.repository()) else {
            return plain(StatusCode::NOT_FOUND, "there is no such repository");
        };
        if self.traffic().stop.is_cancelled() {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "the platform stops; try again when it is up");
        }
        let Some(turn) = self.traffic().turn(call.service).await else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "too many are served already; try again in a minute");
        };
        if call.step == Step::Advertise {
            return fetch::advertise(self, &repository, call.service, request.headers()).await;
        }
        let (parts, body) = request.into_parts();
        if parts.headers.get(http::header::CONTENT_TYPE).is_none_or(|it| *it != *call.service.request_type()) {
            let text = format!("the content type must be {}", call.service.request_type());
            return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
        }
        let Ok(feed) = Feed::new(body, &parts.headers) else {
            return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content encoding must be gzip, or none");
        };
        match call.service {
            Service::Fetch => fetch::exchange(self, &repository, feed, &parts.headers, caller, turn),
            Service::Push => push::exchange(self, call.repository(), repository, feed, caller, turn).await,
        }
    }

    /// Ends what is served and waits for it. A push that is whole is still taken; others are not.
    pub async fn stop(&self) {
        self.traffic().stop.cancel();
        self.traffic().tasks.close();
        self.traffic().tasks.wait().await;
    }
}
