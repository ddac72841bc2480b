//! Hosts outside, over plain loopback addresses. Real namespaces are in `tests/network.rs`.

use fairway_clock::World;
use fairway_outside::Outside;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::network::NetworkSettings;
use crate::network::resolver::tests_of_messages::outcome;
use crate::network::tests::{Bench, Server, Share, caller_seen, is_reset, refused};

/// A namespace `shop` that may reach this.
fn allow(bench: &mut Bench, annotations: &Value) {
    let object =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop", "annotations": annotations } });
    bench.objects.namespaces = vec![Arc::new(serde_json::from_value(object).unwrap())];
    bench.publish();
}

fn list(text: &str) -> Value {
    json!({ ANNOTATION: text })
}

async fn bench(base: u8, variables: &[(&str, &str)]) -> Bench {
    let outside = Outside::read(|name| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned())).0;
    Bench::with(base, 1, NetworkSettings { outside, ..NetworkSettings::usual(World::system()) }).await
}

/// The loopback is outside for tests that need somebody there.
const LOOPBACK: (&str, &str) = ("FAIRWAY_EGRESS_EXCEPTIONS", "127.0.0.0/8,::1/128");

/// The outcome of a question, and where a program would connect to.
async fn resolve(bench: &Bench, name: &str, port: u16) -> ((u8, u16, bool), SocketAddr) {
    let answer = bench.ask(0, name, false).await;
    (outcome(&answer), Share(bench.share(0)).place((address_in(&answer), port).into()))
}

/// The address that an answer gives: before the OPT record, which is last.
fn address_in(answer: &[u8]) -> [u8; 4] {
    *answer[..answer.len() - 11].last_chunk().unwrap()
}

#[tokio::test]
async fn a_host_that_is_allowed_is_answered_and_reached_by_its_name() {
    let mut bench = bench(20, &[LOOPBACK]).await;
    let server = Server::start(Ipv4Addr::LOCALHOST.into()).await;
    let port = server.address.port();
    allow(&mut bench, &list(&format!("localhost:{port}, other.example.com:443")));
    let (outcome, place) = resolve(&bench, "LOCALHOST.", port).await;
    assert_eq!(outcome, (0, 1, false));
    // At once: the socket stood before the answer left.
    let mut stream = TcpStream::connect(place).await.unwrap();
    assert_eq!(caller_seen(&mut stream).await.unwrap(), "127.0.0.1", "the node itself calls");
    stream.write_all(b"both ways").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).await.unwrap();
    assert_eq!(back, "both ways");
    assert_eq!(resolve(&bench, "localhost", port).await.1, place, "the address stays");
    bench.network.stop().await;
    let metrics = bench.network.metrics();
    assert_eq!((metrics.outside, metrics.carried, metrics.open, metrics.outside_denied), (1, 1, 0, 0));
}

#[tokio::test]
async fn every_other_name_does_not_exist_and_an_event_says_who_can_change_that() {
    let mut bench = bench(21, &[]).await;
    allow(&mut bench, &list("index.crates.io:443"));
    bench.ask(0, "www.example.com", false).await;
    // Asked along the search path, by machines, or meant for the cluster: nobody needs to hear of those.
    let quiet = [
        "www.example.com.shop.svc.cluster.local",
        "nobody.shop",
        "nobody",
        "printer.local",
        "4.4.8.8.in-addr.arpa",
        "10.0.0.1",
    ];
    for name in quiet {
        assert_ne!(resolve(&bench, name, 1).await.0.0, 0, "{name}");
    }
    assert_eq!(resolve(&bench, "www.example.com", 1).await.0, (3, 0, false));
    let told = bench.refusals("EgressDenied");
    let says = "www.example.com is not answered: pods of namespace shop may reach index.crates.io:443; to allow it, add \
                host:port to annotation node.fairway.dev/egress of namespace shop";
    assert_eq!(told, [("a".to_owned(), says.to_owned(), 2)]);
    assert_eq!(bench.network.metrics().outside_denied, 2);
    bench.network.stop().await;
}

#[tokio::test]
async fn what_is_withdrawn_closes_at_once_and_what_is_narrowed_stays_closed() {
    let mut bench = bench(22, &[LOOPBACK]).await;
    let (one, two) = (Server::start(Ipv4Addr::LOCALHOST.into()).await, Server::start(Ipv4Addr::LOCALHOST.into()).await);
    let (kept, goes) = (one.address.port(), two.address.port());
    allow(&mut bench, &list(&format!("localhost:{kept},localhost:{goes}")));
    let (_, place) = resolve(&bench, "localhost", kept).await;
    let mut stays = TcpStream::connect(place).await.unwrap();
    let mut closes = TcpStream::connect(SocketAddr::new(place.ip(), goes)).await.unwrap();
    caller_seen(&mut stays).await.unwrap();
    caller_seen(&mut closes).await.unwrap();

    let mut pod = bench.pod(0);
    pod.metadata.annotations = Some([(ANNOTATION.to_owned(), format!("localhost:{kept},localhost:1"))].into());
    bench.objects.pods = vec![Arc::new(pod)];
    bench.publish();
    assert!(is_reset(&mut closes).await);
    stays.write_all(b"x").await.unwrap();
    assert_eq!(stays.read_u8().await.unwrap(), b'x', "what is still allowed goes on");
    assert!(refused(TcpStream::connect(SocketAddr::new(place.ip(), goes)).await).await);
    let told = bench.refusals("EgressDenied");
    let beginning = format!("connection to localhost:{goes} closed: the pod's own annotation");
    assert!(told.iter().any(|it| it.1.starts_with(&beginning)), "{told:?}");

    allow(&mut bench, &json!({}));
    assert!(is_reset(&mut stays).await, "nothing is allowed any more");
    while TcpStream::connect(place).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(resolve(&bench, "localhost", kept).await.0, (3, 0, false));
    assert_eq!(bench.network.metrics().withdrawn, 2);
    bench.network.stop().await;
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused_although_it_is_allowed() {
    let mut bench = bench(23, &[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    allow(&mut bench, &list(&format!("localhost:{port}")));
    assert_eq!(resolve(&bench, "localhost", port).await.0, (5, 0, false));
    let told = bench.refusals("EgressDenied");
    let [(_, message, 1)] = told.as_slice() else { panic!("{told:?}") };
    assert!(message.contains("localhost leads to") && message.contains("of this machine"), "{message}");
    assert!(futures::FutureExt::now_or_never(listener.accept()).is_none(), "it was never contacted");
    bench.network.stop().await;
}

#[tokio::test]
async fn an_egress_policy_is_asked_about_the_address_that_is_dialled() {
    let mut bench = bench(24, &[LOOPBACK]).await;
    let server = Server::start(Ipv4Addr::LOCALHOST.into()).await;
    let port = server.address.port();
    let to = |block: &str| json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "to": [{ "ipBlock": { "cidr": block } }] }] });
    bench.policies(&[to("127.0.0.0/8")]);
    allow(&mut bench, &list(&format!("localhost:{port}")));
    let (_, place) = resolve(&bench, "localhost", port).await;
    let mut open = TcpStream::connect(place).await.unwrap();
    caller_seen(&mut open).await.unwrap();
    bench.policies(&[to("192.0.2.0/24")]);
    bench.publish();
    assert!(is_reset(&mut open).await);
    assert!(refused(TcpStream::connect(place).await).await);
    let told = bench.refusals("EgressDenied");
    assert!(told.iter().all(|it| it.1.contains("NetworkPolicy shop/p0")) && !told.is_empty(), "{told:?}");
    bench.network.stop().await;
}

#[tokio::test]
async fn entries_that_cannot_be_read_are_told_once_and_the_rest_holds() {
    let mut bench = bench(25, &[LOOPBACK]).await;
    allow(&mut bench, &list("localhost:1, *:443, 169.254.169.254:80"));
    assert_eq!(resolve(&bench, "localhost", 1).await.0, (0, 1, false));
    let mut told = Vec::new();
    while told.len() < 2 {
        told.extend(bench.refusals("InvalidEgress"));
        tokio::task::yield_now().await;
    }
    assert!(told[0].1.contains("\"*:443\"") && told[1].1.contains("\"169.254.169.254:80\""), "{told:?}");
    for _ in 0..3 {
        bench.publish();
        resolve(&bench, "localhost", 1).await;
    }
    assert_eq!(bench.refusals("InvalidEgress"), []);
    bench.network.stop().await;
}

#[tokio::test]
async fn a_host_where_nobody_listens_is_a_reset_and_an_event_that_says_so() {
    let mut bench = bench(26, &[LOOPBACK]).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    allow(&mut bench, &list(&format!("localhost:{free},no_such_host_here:{free}")));
    let (_, place) = resolve(&bench, "localhost", free).await;
    assert!(refused(TcpStream::connect(place).await).await);
    let told = bench.refusals("EgressFailed");
    let beginning = format!("connection to localhost:{free} closed: connect to ");
    assert!(told.iter().any(|it| it.1.starts_with(&beginning) && it.1.contains("refused")), "{told:?}");
    assert_eq!(bench.network.metrics().outside_failed, 1);
    bench.network.stop().await;
}

/// A proxy that leads everybody to `target`; what it was asked for comes out.
async fn proxy(target: SocketAddr) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, requests) = tokio::sync::mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let asked = asked.clone();
            connections.spawn(async move {
                let mut request = vec![0; 1024];
                let count = client.read(&mut request).await.unwrap();
                let _ = asked
                    .send(String::from_utf8_lossy(&request[..count]).lines().next().unwrap_or_default().to_owned());
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, requests, tasks)
}

#[tokio::test]
async fn through_a_proxy_hosts_are_asked_for_by_name_and_their_number_is_bounded() {
    let server = Server::start(Ipv4Addr::LOCALHOST.into()).await;
    let (address, mut requests, _proxy) = proxy(server.address).await;
    let mut bench = bench(27, &[("HTTPS_PROXY", &address.to_string())]).await;
    allow(&mut bench, &list("*.example.com:8443"));
    let (_, place) = resolve(&bench, "a.b.example.com", 8443).await;
    let mut stream = TcpStream::connect(place).await.unwrap();
    assert_eq!(caller_seen(&mut stream).await.unwrap(), "127.0.0.1");
    assert_eq!(requests.recv().await.unwrap(), "CONNECT a.b.example.com:8443 HTTP/1.1");
    for at in 1..MAX_HOSTS {
        assert_eq!(resolve(&bench, &format!("h{at}.example.com"), 1).await.0, (0, 1, false), "{at}");
    }
    assert_eq!(resolve(&bench, "one-more.example.com", 1).await.0, (5, 0, false));
    assert_eq!(resolve(&bench, "h5.example.com", 1).await.0, (0, 1, false));
    let told = bench.refusals("EgressFailed");
    assert!(told[0].1.contains("too many different hosts"), "{told:?}");
    bench.network.stop().await;
}

#[tokio::test]
async fn nobodys_service_stands_before_a_host_that_is_allowed() {
    let mut bench = bench(28, &[("HTTPS_PROXY", "127.0.0.1:9")]).await;
    // Somebody has called a namespace `io` and a Service in it `crates`; and there is a Service of our own called `registry`.
    bench.service("io", "crates", 40, &[]);
    bench.service("shop", "registry", 41, &[]);
    allow(&mut bench, &list("crates.io:443,registry:443"));
    let [first, second, ..] = address_in(&bench.ask(0, "crates.io", false).await);
    assert_eq!((first, second & 0xfe), (198, 18));
    assert_eq!(address_in(&bench.ask(0, "registry", false).await), [10, 96, 28, 41]);
    bench.network.stop().await;
}
