//! One request through the gateway: find its rule, find an endpoint, pass both bodies on as they come.

mod body;
mod forward;
mod headers;
mod upgrade;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use fairway_clock::World;
use http::{HeaderMap, Method, Request, Response, StatusCode, header, request};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use body::{Ending, RequestSlot};
pub(crate) use body::{GatewayBody, RequestBody};
use forward::Exchange;

use crate::answer::Refusal;
use crate::backends::Backends;
use crate::dial::Dial;
use crate::gateway::Limits;
use crate::metrics::Metrics;
use crate::table::{Found, Rule, Table};

/// What all requests share.
pub(crate) struct Proxy {
    pub(crate) world: World,
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) limits: Limits,
    /// The port that clients reach, for redirects.
    pub(crate) port: u16,
    pub(crate) table: RwLock<Arc<Table>>,
    pub(crate) backends: Backends,
    pub(crate) metrics: Metrics,
    /// Whether the table shows the cluster's objects yet.
    pub(crate) ready: AtomicBool,
    /// Owns the tasks of connections to endpoints and of upgraded connections; `stopped` ends them.
    pub(crate) tasks: TaskTracker,
    pub(crate) stopped: CancellationToken,
}

impl Proxy {
    pub(crate) fn replace_table(&self, table: Table) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
    }

    /// Answers one request.
    pub(crate) async fn serve(
        self: Arc<Self>,
        peer: SocketAddr,
        mut request: Request<Incoming>,
    ) -> Response<GatewayBody> {
        let started = self.world.clock.monotonic();
        let upgrade = upgrade::wanted(&mut request);
        let (parts, body) = request.into_parts();
        let mut line = Line::read(&parts, peer);
        let routed = self.route(&parts, &mut line);
        let counters = self.metrics.of(&line.route);
        let ending = Ending { clock: self.world.clock.clone(), counters, started, line };
        let answered = match routed {
            Ok((host, rule)) => self.answer(&parts, body, peer, &host, &rule, upgrade).await,
            Err(refusal) => Err(refusal),
        };
        match answered {
            Ok(response) => response.map(|it| it.ending_with(ending)),
            Err(refusal) => {
                tracing::debug!(http.host = ending.line.host, reason = %refusal, "request refused");
                refused(&refusal, &parts.headers, ending)
            }
        }
    }

    /// The host and the rule for a request.
    fn route(&self, parts: &request::Parts, line: &mut Line) -> Result<(String, Arc<Rule>), Refusal> {
        if parts.method == Method::CONNECT {
            return Err(Refusal::Connect);
        }
        let host = headers::host(parts)?;
        line.host.clone_from(&host);
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner).clone();
        match table.find(&host, parts) {
            Found::Rule(rule) => {
                line.route.clone_from(&rule.route);
                Ok((host, rule.clone()))
            }
            _ if !self.ready.load(Ordering::Acquire) => Err(Refusal::Starting),
            Found::NoRule => Err(Refusal::NoRule { host }),
            Found::NoHost => Err(Refusal::NoHost { host }),
        }
    }

    /// The answer of a rule: a redirect, or what an endpoint says.
    async fn answer(
        self: &Arc<Self>,
        parts: &request::Parts,
        body: Incoming,
        peer: SocketAddr,
        host: &str,
        rule: &Arc<Rule>,
        upgrade: Option<upgrade::Wanted>,
    ) -> Result<Response<GatewayBody>, Refusal> {
        if let Some(redirect) = &rule.filters.redirect {
            let (status, location) = redirect.location(host, self.port, parts);
            return Ok(redirected(status, &location));
        }
        let mut headers = headers::forwarded(parts, peer.ip());
        rule.filters.request.apply(&mut headers);
        if let Some(wanted) = &upgrade {
            wanted.ask(&mut headers);
        }
        let exchange = Exchange {
            method: parts.method.clone(),
            uri: headers::origin_form(&parts.uri),
            headers,
            body: RequestSlot::new(body, self.limits.body_idle),
            rule: rule.clone(),
        };
        let mut response = self.forward(&exchange).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.join(upgrade, &mut response, rule)?;
        }
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        headers::clean_answer(response.headers_mut(), switched);
        rule.filters.response.apply(response.headers_mut());
        Ok(response)
    }

    /// Monotonic time, for pools.
    fn now(&self) -> Duration {
        self.world.clock.monotonic()
    }
}

fn refused(refusal: &Refusal, request: &HeaderMap, ending: Ending) -> Response<GatewayBody> {
    let mut response = refusal.answer(request).map(GatewayBody::from);
    if matches!(refusal, Refusal::BadRequest(_) | Refusal::Connect | Refusal::BodyStalled) {
        // Whoever sends such a request may mean something else by the bytes that follow it.
        response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    let status = response.status();
    response.map(|it| it.with_status(status).ending_with(ending))
}

fn redirected(status: StatusCode, location: &str) -> Response<GatewayBody> {
    let mut response = Response::new(GatewayBody::from(http_body_util::Full::default()).with_status(status));
    *response.status_mut() = status;
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// What the access log says about a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    method: String,
    host: String,
    path: String,
    peer: String,
    route: String,
}

impl Line {
    fn read(parts: &request::Parts, peer: SocketAddr) -> Self {
        // The query may carry secrets: it is not logged.
        let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
        Self { method, path, peer: peer.ip().to_string(), ..Self::default() }
    }

    pub(crate) fn log(&self, status: StatusCode, took: Duration, complete: bool) {
        tracing::debug!(
            http.method = self.method,
            http.host = self.host,
            http.path = self.path,
            http.status = status.as_u16(),
            client.address = self.peer,
            route.name = self.route,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            complete,
            "request"
        );
    }
}
