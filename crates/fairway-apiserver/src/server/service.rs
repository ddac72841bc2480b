//! From an HTTP request to an answer: who asks, what for, may they, and which handler does it.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use fairway_schema::selector::FieldSelector;
use fairway_store::Key;
use futures::FutureExt as _;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, Request, Response};

use super::{Reply, Shared, Upgrade, bounds, documents, lease, refusal};
use crate::body::{Body, BodyError};
use crate::registry::Served;
use crate::request::{Accept, Query, RequestInfo, WriteOptions};
use crate::{ApiError, AuditNote, Identity, authentication, authorization, handlers};

/// Paths beside the Kubernetes API, behind the same authentication and authorization.
#[async_trait]
pub trait ExtraRoutes: Send + Sync + 'static {
    /// Whether a path is one of these. Paths of the Kubernetes API are never asked for.
    fn serves(&self, path: &str) -> bool;

    /// Answers. The caller was authenticated and authorized for the path, not for what is behind it. The body comes as
    /// the peer sends it: whoever wants all of it says how much that may be ([`Body::read_whole`]).
    async fn answer(&self, request: Request<Body>, identity: Identity) -> Response<Body>;
}

/// The server as a `tower` service.
#[derive(Clone)]
pub struct ApiService {
    shared: Arc<Shared>,
    in_process: bool,
    identity: Option<Identity>,
}

impl ApiService {
    pub(super) fn new(shared: Arc<Shared>, in_process: bool) -> Self {
        Self { shared, in_process, identity: None }
    }

    /// The same service, every request of which is this identity's.
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }
}

impl<B> tower::Service<Request<B>> for ApiService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(identity) = &self.identity {
            request.extensions_mut().insert(identity.clone());
        }
        let (shared, in_process) = (Arc::clone(&self.shared), self.in_process);
        Box::pin(async move { Ok(answer(shared, request, in_process).await) })
    }
}

/// One authorized request for a resource.
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) info: RequestInfo,
    pub(crate) query: Query,
    pub(crate) accept: Accept,
    pub(crate) identity: Identity,
    pub(crate) in_process: bool,
    pub(crate) user_agent: String,
    pub(crate) content_type: String,
    pub(crate) served: Arc<Served>,
    pub(crate) body: Bytes,
    /// The wish to go on in another way than HTTP.
    pub(crate) upgrade: Option<Upgrade>,
}

impl Call {
    /// The options of a write, whose option kind (`CreateOptions` …) errors name.
    pub(crate) fn write_options(&self, kind: &str) -> Result<WriteOptions, ApiError> {
        WriteOptions::parse(&self.query, kind, &self.user_agent)
    }

    /// What the journal is told.
    pub(crate) fn note(&self, field_manager: &str) -> AuditNote {
        let served = &self.served;
        AuditNote {
            identity: self.identity.clone(),
            verb: self.info.verb.into(),
            group: Arc::clone(&served.group),
            version: Arc::clone(&served.version),
            resource: Arc::clone(&served.plural),
            subresource: self.info.subresource.as_str().into(),
            kind: Arc::clone(&served.kind),
            namespace: self.info.namespace.as_str().into(),
            name: self.info.name.as_str().into(),
            user_agent: self.user_agent.as_str().into(),
            field_manager: field_manager.into(),
            in_process: self.in_process,
            refused: None,
            entered: None,
            at: self.shared.world.clock.now(),
        }
    }

    /// The object the path names.
    pub(crate) fn key(&self) -> Key {
        Key::new(Arc::clone(&self.served.storage), self.info.namespace.as_str(), self.info.name.as_str())
    }

    /// 404 for the object the path names.
    pub(crate) fn not_found(&self) -> ApiError {
        ApiError::not_found(&self.served.group, &self.served.plural, &self.info.name)
    }
}

async fn answer<B>(shared: Arc<Shared>, request: Request<B>, in_process: bool) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    let (parts, body) = request.into_parts();
    let negotiated = Query::parse(parts.uri.query()).and_then(|it| Ok((negotiate(&shared, &parts, &it)?, it)));
    let accept = negotiated.as_ref().map_or(Accept::JSON, |it| it.0);
    let answered = match negotiated {
        Ok((accept, query)) => {
            let processed = AssertUnwindSafe(process(&shared, &parts, body, query, accept, in_process));
            // A fault of ours harms the request it belongs to, and nobody else's.
            processed.catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!(method = %parts.method, path = parts.uri.path(), "a handler panicked");
                Err(ApiError::internal("the server met a fault of its own; its log says more"))
            })
        }
        // Refused only after it is known who asks: an unknown caller learns nothing but that.
        Err(error) => identify(&shared, &parts).and(Err(error)),
    };
    let mut response = match answered {
        Ok(response) => response,
        Err(error) => Reply::error(&error, accept),
    };
    let headers = response.headers_mut();
    if let Ok(id) = shared.world.entropy.uuid().parse() {
        headers.insert("audit-id", id);
    }
    headers.entry(http::header::CACHE_CONTROL).or_insert(http::HeaderValue::from_static("no-cache, private"));
    response
}

/// In which form the answer goes out. OpenAPI v2 has one of its own, and so have those who answer beside the API.
fn negotiate(shared: &Shared, parts: &Parts, query: &Query) -> Result<Accept, ApiError> {
    match Accept::negotiate(&parts.headers, query) {
        Err(_) if documents::is_openapi_v2(parts) => Ok(Accept::JSON),
        Err(_) if documents::extra_routes(shared, parts.uri.path()).is_some() => Ok(Accept::JSON),
        other => other,
    }
}

async fn process<B>(
    shared: &Arc<Shared>,
    parts: &Parts,
    body: B,
    query: Query,
    accept: Accept,
    in_process: bool,
) -> Result<Response<Body>, ApiError>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    let caller = caller(shared, parts)?;
    let user_agent = header(&parts.headers, USER_AGENT.as_str(), 256);
    let who = refusal::Who { user_agent: &user_agent, in_process };
    let identity = match act_as(shared, &caller, parts) {
        Ok(identity) => identity,
        Err(refused) => {
            refusal::record_impersonation(shared, &caller, &parts.headers, who, &refused).await;
            return Err(refused);
        }
    };
    let mut info = RequestInfo::parse(&parts.method, parts.uri.path(), &query)?;
    name_from_selector(&mut info, &query);
    if let Err(refused) = authorization::check(&*shared.authorize, &identity, &info.attributes()) {
        if info.is_write() {
            refusal::record(shared, &info, identity, who, &refused).await;
        }
        return Err(refused);
    }
    if !info.is_resource {
        return documents::answer(shared, parts, body, &info, accept, identity).await;
    }
    let registry = shared.registry();
    let Some(served) = registry.find(&info.group, &info.version, &info.resource) else {
        if registry.has_version(&info.group, &info.version) {
            return Err(ApiError::no_such_resource());
        }
        return Ok(Reply::page_not_found());
    };
    let served = Arc::clone(served);
    drop(registry);
    let limit = bounds::time(&info, &query)?;
    let content_type = header(&parts.headers, CONTENT_TYPE.as_str(), 256);
    let shared = Arc::clone(shared);
    let answered = bounds::within(limit, async {
        let body = bounds::read_body(&parts.headers, body).await?;
        let upgrade = Upgrade::read(parts);
        let call =
            Call { shared, info, query, accept, identity, in_process, user_agent, content_type, served, body, upgrade };
        let reply = handlers::dispatch(&call).await?;
        Ok((reply.render(&call)?, call))
    });
    let (response, call) = answered.await?;
    Ok(lease::while_allowed(&call.shared, parts, &call.info, response))
}

/// Who asks: the extension of an in-process caller, else the credentials; then whom they ask to be.
pub(super) fn identify(shared: &Shared, parts: &Parts) -> Result<Identity, ApiError> {
    act_as(shared, &caller(shared, parts)?, parts)
}

fn caller(shared: &Shared, parts: &Parts) -> Result<Identity, ApiError> {
    match parts.extensions.get::<Identity>() {
        Some(identity) => Ok(identity.clone()),
        None => shared.authenticate.authenticate(parts),
    }
}

/// Whom the caller asks to be, if they may.
fn act_as(shared: &Shared, caller: &Identity, parts: &Parts) -> Result<Identity, ApiError> {
    let other = authentication::impersonate(&*shared.authorize, caller, &parts.headers)?;
    Ok(other.unwrap_or_else(|| caller.clone()))
}

/// A list of the one object of a name is authorized as a request for that name, as in Kubernetes.
fn name_from_selector(info: &mut RequestInfo, query: &Query) {
    if info.is_resource && info.name.is_empty() && matches!(info.verb, "list" | "watch" | "deletecollection") {
        // Read as the handler reads it, escapes and all: what is authorized must be what is listed.
        let selector = FieldSelector::parse(query.get("fieldSelector").unwrap_or_default());
        let name = selector.as_ref().ok().and_then(|it| it.exact("metadata.name"));
        name.unwrap_or_default().clone_into(&mut info.name);
    }
}

fn header(headers: &HeaderMap, name: &str, limit: usize) -> String {
    let text = headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    text.get(..limit).unwrap_or(text).to_owned()
}
