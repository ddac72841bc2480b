//! One request to one of several endpoints: chosen, asked, and asked elsewhere when nothing can have happened yet.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::Proxy;
use super::body::{GatewayBody, Lease, LeaseClock, RequestBody, RequestSlot};
use crate::answer::Refusal;
use crate::backends::BackendKey;
use crate::endpoint::Endpoint;
use crate::table::Rule;

/// Endpoints asked for one request.
const ATTEMPTS: usize = 4;

/// A request as every attempt sends it.
pub(super) struct Exchange {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Arc<RequestSlot>,
    pub(super) rule: Arc<Rule>,
}

/// How one attempt failed.
enum Failure {
    /// No connection: the endpoint has seen nothing.
    Connect,
    /// The connection ended before the answer began.
    Broken {
        reused: bool,
        unsent: bool,
    },
    Timeout,
}

impl Exchange {
    fn request(&self) -> Request<RequestBody> {
        let mut request = Request::new(self.body.attempt());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Whether another endpoint may be asked: the request is whole, and the one asked cannot have acted on it, or acting
    /// twice is the same as once (RFC 9110, 9.2.2).
    fn may_ask_again(&self, failure: &Failure) -> bool {
        let untouched = self.body.frames() == 0;
        match failure {
            Failure::Connect => true,
            Failure::Broken { unsent: true, .. } => untouched || self.body.is_empty(),
            Failure::Broken { .. } => {
                let half_sent = untouched && !self.body.is_empty();
                // With such a key the client asks for this: the program knows the request again.
                let repeatable = self.method.is_idempotent() || self.headers.contains_key("idempotency-key");
                half_sent || (repeatable && (untouched || self.body.is_empty()))
            }
            Failure::Timeout => false,
        }
    }
}

impl Proxy {
    /// The answer of an endpoint of the backend whose turn it is.
    pub(super) async fn forward(&self, exchange: &Exchange) -> Result<Response<GatewayBody>, Refusal> {
        let rule = &exchange.rule;
        let unresolved = || Refusal::Unresolved { route: rule.route.clone() };
        let backend = rule.next_backend().ok_or_else(unresolved)?;
        let deadline = rule.request_timeout.map(|it| Instant::now() + it);
        let mut tried = Vec::new();
        let mut fresh = false;
        let mut last = None;
        for _ in 0..ATTEMPTS {
            // Asked anew each time: endpoints may have come and gone meanwhile.
            let set = self.backends.get(backend).ok_or_else(unresolved)?;
            let Some(endpoint) = set.pick(&tried, self.now()) else { break };
            let failure = match self.attempt(&endpoint, exchange, fresh, deadline).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let again = exchange.may_ask_again(&failure);
            match &failure {
                Failure::Connect => {
                    endpoint.suspect(self.now());
                    tried.push(endpoint.key.clone());
                }
                // The endpoint may be well and only that connection too old: ask it again on a new one.
                Failure::Broken { reused: true, .. } => fresh = true,
                _ => tried.push(endpoint.key.clone()),
            }
            last = Some(failure);
            if !again {
                break;
            }
        }
        Err(refusal(exchange, backend, last.as_ref()))
    }

    async fn attempt(
        &self,
        endpoint: &Arc<Endpoint>,
        exchange: &Exchange,
        fresh: bool,
        deadline: Option<Instant>,
    ) -> Result<Response<GatewayBody>, Failure> {
        let in_flight = endpoint.enter();
        let per_attempt = exchange.rule.backend_timeout.map(|it| Instant::now() + it);
        let deadline = deadline.into_iter().chain(per_attempt).min();
        let kept = if fresh { None } else { endpoint.take(self.now()) };
        let reused = kept.is_some();
        let mut sender = match kept {
            Some(kept) => kept,
            None => self.connect(endpoint, deadline).await?,
        };
        let answer = sender.try_send_request(exchange.request());
        let answer = self.in_time(answer, exchange, deadline).await.ok_or(Failure::Timeout)?;
        let response = answer.map_err(|mut it| {
            tracing::debug!(endpoint = %endpoint.key.address, error = %it.error(), "endpoint did not answer");
            Failure::Broken { reused, unsent: it.take_message().is_some() }
        })?;
        let lease = Lease { sender, clock: LeaseClock(self.world.clock.clone()) };
        let tunnel = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let until = deadline.filter(|_| !tunnel);
        let status = response.status();
        Ok(response.map(|body: Incoming| GatewayBody::new(body, status, lease, in_flight).until(until)))
    }

    /// Waits for the head of an answer: until the deadline if the rule has one, else for as long as the request's body
    /// makes progress, and the default limit from then on.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = T>,
        exchange: &Exchange,
        deadline: Option<Instant>,
    ) -> Option<T> {
        tokio::pin!(answer);
        if let Some(deadline) = deadline {
            return tokio::time::timeout_at(deadline, answer).await.ok();
        }
        loop {
            let before = exchange.body.frames();
            if let Ok(answer) = tokio::time::timeout(self.limits.answer, &mut answer).await {
                return Some(answer);
            }
            if exchange.body.frames() == before {
                return None;
            }
        }
    }

    /// A new connection, driven by a task of its own.
    async fn connect(
        &self,
        endpoint: &Endpoint,
        deadline: Option<Instant>,
    ) -> Result<SendRequest<RequestBody>, Failure> {
        let limit = Instant::now() + self.limits.connect;
        let opened =
            tokio::time::timeout_at(deadline.unwrap_or(limit).min(limit), self.dial.dial(endpoint.key.address));
        let stream = match opened.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(why)) => {
                tracing::debug!(endpoint = %endpoint.key.address, error = %why, "endpoint cannot be reached");
                return Err(Failure::Connect);
            }
            Err(_) => return Err(Failure::Connect),
        };
        // Best effort: a socket that is not TCP has no such delay.
        let _ = stream.set_nodelay(true);
        let mut settings = http1::Builder::new();
        settings.max_buf_size(self.limits.header_bytes.max(8192) * 2);
        let (sender, connection) = settings.handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Connect)?;
        let stopped = self.stopped.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                // Its end, in order or not, shows in the sender.
                _ = connection.with_upgrades() => {}
            }
        });
        Ok(sender)
    }
}

fn refusal(exchange: &Exchange, backend: &BackendKey, last: Option<&Failure>) -> Refusal {
    let (route, backend) = (exchange.rule.route.clone(), backend.to_string());
    match last {
        None => Refusal::NoEndpoint { route, backend },
        Some(_) if exchange.body.stalled() => Refusal::BodyStalled,
        Some(Failure::Connect) => Refusal::Unreachable { route, backend },
        Some(Failure::Broken { .. }) => Refusal::Broken { route, backend },
        Some(Failure::Timeout) => Refusal::TimedOut { route, backend },
    }
}
