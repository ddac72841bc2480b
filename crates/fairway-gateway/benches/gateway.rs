//! What the gateway costs: the same requests straight to a server and through the gateway, all on loopback in this process.
//! `cargo bench -p fairway-gateway`; each row runs for two seconds.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints a table and stops at the first error")]

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairway_clock::World;
use fairway_gateway::{Gateway, GatewaySettings, Limits, Named, TcpDial, open_gateway};
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const ROW: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() {
    let world = World::system();
    let mut servers = JoinSet::new();
    let mut backends = Vec::new();
    for _ in 0..3 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        backends.push(listener.local_addr().unwrap());
        servers.spawn(serve(listener));
    }
    let gateway = gateway(&backends, &world).await;
    println!(
        "{:<34} {:>7} {:>11} {:>9} {:>9}",
        "from client to answer, 2 bytes", "clients", "requests/s", "p50 µs", "p99 µs"
    );
    for clients in [1, 16] {
        let direct = row("straight to the server", backends[0], clients, &world).await;
        let through = row("through the gateway", gateway.address(), clients, &world).await;
        println!(
            "{:<34} {clients:>7} {:>11} {:>9}",
            "added by the gateway",
            "",
            through.saturating_sub(direct).as_micros()
        );
        let added = through.saturating_sub(direct).as_micros();
        table_row(
            &format!("added by it, {clients} clients"),
            "the median straight to the server",
            "the median through it",
            &format!("{added} µs"),
        );
    }
    gateway.stop(Duration::from_secs(1)).await;
}

/// Prints one row; the median comes back.
async fn row(what: &str, target: SocketAddr, clients: usize, world: &World) -> Duration {
    let clock = world.clock.clone();
    let end = clock.monotonic() + ROW;
    let mut asking = JoinSet::new();
    for _ in 0..clients {
        let clock = clock.clone();
        asking.spawn(async move {
            let stream = TcpStream::connect(target).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            let mut driver = JoinSet::new();
            driver.spawn(async move { drop(connection.await) });
            let mut took = Vec::new();
            while clock.monotonic() < end {
                let before = clock.monotonic();
                let request = Request::get("/").header("host", "web.example").body(Empty::<Bytes>::new()).unwrap();
                sender.ready().await.unwrap();
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.into_body().collect().await.unwrap();
                took.push(clock.monotonic().saturating_sub(before));
            }
            took
        });
    }
    let mut took: Vec<Duration> = asking.join_all().await.concat();
    took.sort_unstable();
    let at = |percent: usize| took[took.len() * percent / 100];
    let rate = took.len() * 1000 / usize::try_from(ROW.as_millis()).unwrap();
    println!("{what:<34} {clients:>7} {rate:>11} {:>9} {:>9}", at(50).as_micros(), at(99).as_micros());
    let value = format!("{rate} per s (p50 {} µs, p99 {} µs)", at(50).as_micros(), at(99).as_micros());
    table_row(&format!("{what}, {clients} clients"), "a request", "the last byte of its answer", &value);
    at(50)
}

/// A row of the table that is made of all benchmarks.
fn table_row(name: &str, from: &str, to: &str, value: &str) {
    println!("ROW\tgateway: {name}\tfrom {from} to {to}\t{value}");
}

async fn serve(listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        connections.spawn(async move {
            let answer =
                service_fn(|_| async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok")))) });
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

/// A gateway for one route to three endpoints.
async fn gateway(backends: &[SocketAddr], world: &World) -> Gateway {
    let edge = Named { namespace: "infra".into(), name: "edge".into() };
    let endpoint = |(at, it): (usize, &SocketAddr)| {
        json!({ "metadata": { "namespace": "shop", "name": format!("web-{at}"), "labels": { "kubernetes.io/service-name": "web" } },
            "addressType": "IPv4", "endpoints": [{ "addresses": [it.ip()] }], "ports": [{ "port": it.port() }] })
    };
    let slices: Vec<Value> = backends.iter().enumerate().map(endpoint).collect();
    let cluster = Arc::new([
        ("gateways", vec![open_gateway(&edge, "example", 80)]),
        (
            "httproutes",
            vec![json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": { "namespace": "shop", "name": "web", "generation": 1 },
            "spec": { "parentRefs": [{ "name": "edge", "namespace": "infra" }], "hostnames": ["web.example"],
                "rules": [{ "backendRefs": [{ "name": "web", "port": 80 }] }] } })],
        ),
        (
            "services",
            vec![json!({ "metadata": { "namespace": "shop", "name": "web" }, "spec": { "ports": [{ "port": 80 }] } })],
        ),
        ("endpointslices", slices),
        ("namespaces", vec![]),
    ]);
    let settings = GatewaySettings {
        listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        client: kube::Client::new(
            tower::service_fn(move |it| ready(Ok::<_, Infallible>(listed(&cluster, &it)))),
            "default",
        ),
        dial: Arc::new(TcpDial),
        world: world.clone(),
        gateway: edge,
        controller_name: "example.com/gateway".into(),
        limits: Limits::default(),
    };
    let gateway = Gateway::start(settings).unwrap();
    while !gateway.is_ready() {
        tokio::task::yield_now().await;
    }
    gateway
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// An API that lists these objects and in which nothing ever changes.
fn listed<B>(cluster: &[(&str, Vec<Value>); 5], request: &Request<B>) -> Answer {
    let resource = request.uri().path().rsplit('/').next().unwrap_or_default();
    if request.uri().query().unwrap_or_default().contains("watch=true") {
        let nothing = futures::stream::pending::<Result<Frame<Bytes>, Infallible>>();
        return Response::new(StreamBody::new(nothing).boxed());
    }
    let items = cluster.iter().find(|(name, _)| *name == resource).map(|(_, it)| it.clone()).unwrap_or_default();
    let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "1" }, "items": items });
    Response::new(Full::from(list.to_string()).boxed())
}
