//! Real servers behind a real gateway, all on loopback ports.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::*;
use crate::TcpDial;
use crate::watch::Change;
use crate::watch::Cluster;

pub(super) type Answer = Response<BoxBody<Bytes, hyper::Error>>;

pub(super) fn text(body: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed())
}

/// A server as a pod would run it.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    pub(super) hits: Arc<AtomicUsize>,
    /// Connections ever taken, and those that are open.
    connections: Arc<(AtomicUsize, AtomicUsize)>,
    stopping: CancellationToken,
    tasks: JoinSet<()>,
}

impl Backend {
    pub(super) async fn start<F, R>(handler: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (hits, stopping) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let connections = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let open = connections.clone();
        let mut tasks = JoinSet::new();
        let (counted, stop, handler) = (hits.clone(), stopping.clone(), Arc::new(handler));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
                let (counted, stop, handler) = (counted.clone(), stop.clone(), handler.clone());
                open.0.fetch_add(1, Ordering::SeqCst);
                open.1.fetch_add(1, Ordering::SeqCst);
                let open = open.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        counted.fetch_add(1, Ordering::SeqCst);
                        let answer = handler(request);
                        async move { Ok::<_, Infallible>(answer.await) }
                    });
                    let server = hyper::server::conn::http1::Builder::new();
                    let mut connection =
                        std::pin::pin!(server.serve_connection(TokioIo::new(stream), service).with_upgrades());
                    tokio::select! {
                        _ = connection.as_mut() => {}
                        () = stop.cancelled() => {
                            connection.as_mut().graceful_shutdown();
                            let _ = connection.await;
                        }
                    }
                    open.1.fetch_sub(1, Ordering::SeqCst);
                });
            }
            drop(listener);
            while connections.join_next().await.is_some() {}
        });
        Self { address, hits, connections, stopping, tasks }
    }

    /// A server that answers with its name.
    pub(super) async fn named(name: &'static str) -> Self {
        Self::start(move |_| async move { text(name) }).await
    }

    pub(super) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Connections ever taken.
    pub(super) fn connections(&self) -> usize {
        self.connections.0.load(Ordering::SeqCst)
    }

    /// Waits until every client has hung up.
    pub(super) async fn until_left(&self) {
        while self.connections.1.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// What a good program does on SIGTERM: refuses new connections, ends idle ones, finishes requests.
    pub(super) async fn drain(mut self) {
        self.stopping.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// A gateway and the cluster that it believes in. Each Service `web`, `web2` … has the port of its endpoints' addresses.
pub(super) struct Bench {
    pub(super) gateway: Gateway,
    cluster: Cluster,
}

impl Bench {
    /// A gateway with one route in which `rules` are served for any host.
    pub(super) async fn new(rules: Value) -> Self {
        Self::with_limits(rules, Limits::default()).await
    }

    pub(super) async fn with_limits(rules: Value, limits: Limits) -> Self {
        use kube::runtime::watcher::Event::{Init, InitApply, InitDone};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway::serve(listener, Arc::new(TcpDial), World::system(), limits).unwrap();
        let mut cluster =
            Cluster::new(Named { namespace: "infra".into(), name: "edge".into() }, "example.com/gateway".into());
        let edge = json!({ "apiVersion": "g/v1", "kind": "Gateway", "metadata": { "namespace": "infra", "name": "edge" },
            "spec": { "listeners": [{ "name": "http", "protocol": "HTTP", "allowedRoutes": { "namespaces": { "from": "All" } } }] } });
        let route = json!({ "apiVersion": "g/v1", "kind": "HTTPRoute", "metadata": { "namespace": "shop", "name": "web" },
            "spec": { "hostnames": ["a.example"], "parentRefs": [{ "name": "edge", "namespace": "infra" }], "rules": rules } });
        for event in [Init, InitApply(serde_json::from_value(edge).unwrap()), InitDone] {
            cluster.apply(Change::Gateway(event));
        }
        for event in [Init, InitApply(serde_json::from_value(route).unwrap()), InitDone] {
            cluster.apply(Change::Route(event));
        }
        for event in [Init, InitDone] {
            cluster.apply(Change::Service(event));
        }
        for event in [Init, InitDone] {
            cluster.apply(Change::Slice(event));
        }
        cluster.no_namespaces();
        let mut bench = Self { gateway, cluster };
        bench.publish();
        bench
    }

    /// A gateway whose only route sends everything to Service `web` with these endpoints.
    pub(super) async fn web(endpoints: &[SocketAddr]) -> Self {
        let mut bench = Self::new(json!([{ "backendRefs": [{ "name": "web", "port": 80 }] }])).await;
        bench.endpoints("web", endpoints);
        bench
    }

    /// The watch says that these are the ready endpoints of a Service.
    pub(super) fn endpoints(&mut self, service: &str, ready: &[SocketAddr]) {
        let ready: Vec<_> = ready.iter().map(|it| (*it, json!({ "ready": true }))).collect();
        self.endpoints_as(service, &ready);
    }

    pub(super) fn endpoints_as(&mut self, service: &str, endpoints: &[(SocketAddr, Value)]) {
        use kube::runtime::watcher::Event::Apply;
        let object =
            json!({ "metadata": { "namespace": "shop", "name": service }, "spec": { "ports": [{ "port": 80 }] } });
        self.cluster.apply(Change::Service(Apply(serde_json::from_value(object).unwrap())));
        // One slice per endpoint, as each loopback server has a port of its own; slices left over become empty.
        for at in 0..8 {
            let endpoint =
                endpoints.get(at).map(|(it, conditions)| json!({ "addresses": [it.ip()], "conditions": conditions }));
            let slice = json!({
                "metadata": { "namespace": "shop", "name": format!("{service}-{at}"), "labels": { "kubernetes.io/service-name": service } },
                "addressType": "IPv4", "endpoints": endpoint.iter().collect::<Vec<_>>(), "ports": [{ "port": endpoints.get(at).map(|it| it.0.port()) }],
            });
            self.cluster.apply(Change::Slice(Apply(serde_json::from_value(slice).unwrap())));
        }
        self.publish();
    }

    fn publish(&mut self) {
        self.cluster.publish(self.gateway.proxy());
    }

    /// Sends bytes on a connection of their own and reads until the gateway closes it.
    pub(super) async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.gateway.address()).await.unwrap();
        // The gateway may answer and close before it has read everything.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// One GET, on a connection of its own: status and body.
    pub(super) async fn get(&self, path: &str) -> (u16, String) {
        let answer =
            self.raw(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").as_bytes()).await;
        split(&answer)
    }

    /// A client that keeps its connection.
    pub(super) async fn client(&self) -> Client {
        let stream = TcpStream::connect(self.gateway.address()).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(connection.await) });
        Client { sender, _tasks: tasks }
    }
}

/// Status and body of an answer as text.
pub(super) fn split(answer: &str) -> (u16, String) {
    let status = answer.get(9..12).and_then(|it| it.parse().ok()).unwrap_or_default();
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// A client's connection.
pub(super) struct Client {
    sender: hyper::client::conn::http1::SendRequest<BoxBody<Bytes, std::io::Error>>,
    _tasks: JoinSet<()>,
}

impl Client {
    pub(super) async fn send(
        &mut self,
        request: Request<BoxBody<Bytes, std::io::Error>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }

    /// One request with a small body: status and body of the answer.
    pub(super) async fn ask(&mut self, method: &str, body: &'static str) -> hyper::Result<(u16, Bytes)> {
        let request = Request::builder().method(method).uri("/").header("host", "a.example");
        let body = Full::new(Bytes::from_static(body.as_bytes())).map_err(|never| match never {}).boxed();
        let response = self.send(request.body(body).unwrap()).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}
