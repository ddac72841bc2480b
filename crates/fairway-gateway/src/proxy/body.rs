//! Bodies on their way through, never held: the request's can be handed to another endpoint as long as nothing of it was
//! taken, the answer's gives its connection back and counts the request when it ends.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use fairway_clock::Clock;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tokio::time::{Instant, Sleep};

use super::Line;
use crate::endpoint::InFlight;
use crate::metrics::Counters;

/// The request's body and who reads it.
#[derive(Debug)]
pub(super) struct RequestSlot {
    state: Mutex<State>,
    /// Frames taken so far, and whether the client stopped sending: what those who wait for the answer look at.
    frames: AtomicU64,
    empty: bool,
    idle: Duration,
}

#[derive(Debug)]
struct State {
    body: Incoming,
    reader: u64,
    stalled: bool,
}

impl RequestSlot {
    pub(super) fn new(body: Incoming, idle: Duration) -> Arc<Self> {
        let empty = body.is_end_stream();
        let state = Mutex::new(State { body, reader: 0, stalled: false });
        Arc::new(Self { state, frames: AtomicU64::new(0), empty, idle })
    }

    /// A body for one attempt; those of earlier attempts read nothing from now on.
    pub(super) fn attempt(self: &Arc<Self>) -> RequestBody {
        let mut state = self.lock();
        state.reader += 1;
        RequestBody { slot: self.clone(), reader: state.reader, timer: None, ended: self.empty }
    }

    /// Whether the request has no body at all.
    pub(super) fn is_empty(&self) -> bool {
        self.empty
    }

    /// Frames taken so far.
    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Acquire)
    }

    /// Whether the client stopped sending in the middle.
    pub(super) fn stalled(&self) -> bool {
        self.lock().stalled
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The request's body as one attempt reads it.
#[derive(Debug)]
pub(crate) struct RequestBody {
    slot: Arc<RequestSlot>,
    reader: u64,
    timer: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let mut state = this.slot.lock();
        if state.reader != this.reader {
            return Poll::Ready(Some(Err("the request went to another endpoint".into())));
        }
        if let Poll::Ready(frame) = Pin::new(&mut state.body).poll_frame(cx) {
            this.timer = None;
            this.ended = frame.is_none();
            this.slot.frames.fetch_add(1, Ordering::Release);
            return Poll::Ready(frame.map(|it| it.map_err(Into::into)));
        }
        let idle = this.slot.idle;
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        ready!(timer.as_mut().poll(cx));
        state.stalled = true;
        Poll::Ready(Some(Err("the request body stopped coming".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.slot.lock().body.size_hint()
    }
}

/// What is done when an answer ends.
pub(crate) struct Ending {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counters: Arc<Counters>,
    pub(super) started: Duration,
    pub(super) line: Line,
}

/// The connection that an answer comes from, to be given back after its end.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) clock: LeaseClock,
}

/// A clock that can be printed.
pub(super) struct LeaseClock(pub(super) Arc<dyn Clock>);

impl std::fmt::Debug for LeaseClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// The body of an answer.
pub(crate) struct GatewayBody {
    source: Source,
    status: StatusCode,
    lease: Option<Lease>,
    in_flight: Option<InFlight>,
    deadline: Option<Pin<Box<Sleep>>>,
    ending: Option<Ending>,
}

enum Source {
    Own(Full<Bytes>),
    Endpoint(Incoming),
}

impl From<Full<Bytes>> for GatewayBody {
    fn from(own: Full<Bytes>) -> Self {
        let status = StatusCode::OK;
        Self { source: Source::Own(own), status, lease: None, in_flight: None, deadline: None, ending: None }
    }
}

impl GatewayBody {
    /// The body of an endpoint's answer.
    pub(super) fn new(body: Incoming, status: StatusCode, lease: Lease, in_flight: InFlight) -> Self {
        let source = Source::Endpoint(body);
        let mut it =
            Self { source, status, lease: Some(lease), in_flight: Some(in_flight), deadline: None, ending: None };
        if status == StatusCode::SWITCHING_PROTOCOLS {
            it.lease = None;
        } else if it.is_end_stream() {
            it.give_back();
        }
        it
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Breaks the answer off at that moment.
    pub(super) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline.map(|it| Box::pin(tokio::time::sleep_until(it)));
        self
    }

    pub(super) fn ending_with(mut self, ending: Ending) -> Self {
        self.ending = Some(ending);
        if self.is_end_stream() {
            self.finish(true);
        }
        self
    }

    /// For an answer that lives on as a tunnel: the request counts as on its way until that ends.
    pub(super) fn take_in_flight(&mut self) -> Option<InFlight> {
        self.in_flight.take()
    }

    fn give_back(&mut self) {
        let in_flight = self.in_flight.take();
        if let (Some(lease), Some(in_flight)) = (self.lease.take(), in_flight) {
            in_flight.endpoint.give_back(lease.sender, lease.clock.0.monotonic());
        }
    }

    fn finish(&mut self, complete: bool) {
        if let Some(ending) = self.ending.take() {
            let took = ending.clock.monotonic().saturating_sub(ending.started);
            ending.counters.count(self.status, took, complete);
            ending.line.log(self.status, took, complete);
        }
    }
}

impl Body for GatewayBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        let frame = match &mut this.source {
            Source::Own(own) => ready!(Pin::new(own).poll_frame(cx)).map(|it| it.map_err(|never| match never {})),
            Source::Endpoint(body) => ready!(Pin::new(body).poll_frame(cx)).map(|it| it.map_err(io::Error::other)),
        };
        if frame.is_none() || (matches!(frame, Some(Ok(_))) && this.is_end_stream()) {
            this.give_back();
            this.finish(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(own) => own.is_end_stream(),
            Source::Endpoint(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(own) => own.size_hint(),
            Source::Endpoint(body) => body.size_hint(),
        }
    }
}

impl Drop for GatewayBody {
    fn drop(&mut self) {
        // A HEAD answer is never read; an answer dropped with bytes left was broken off by one of the ends.
        let complete = self.is_end_stream();
        self.finish(complete);
    }
}
