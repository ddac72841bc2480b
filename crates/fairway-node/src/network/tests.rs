//! The network over plain loopback addresses: each pod's "namespace" is a share of 127.0.0.0/8. Real namespaces are in
//! `tests/network.rs`.

mod leaving;
mod members;

use std::os::fd::OwnedFd;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::task::JoinSet;

use super::resolver::tests_of_messages::{outcome, question};
use super::view::Objects;
use super::*;
use crate::sockets::{Transport, connections_in};

/// Sockets for a pod: what it may call stands on its own share of the loopback.
pub(super) struct Share(pub(super) u8);

impl Share {
    /// Where `address` stands in this pod's share.
    pub(super) fn place(&self, address: SocketAddr) -> SocketAddr {
        let IpAddr::V4(ip) = address.ip() else { panic!("{address}") };
        let [_, _, c, d] = ip.octets();
        SocketAddr::from(([127, 100 + self.0, c, d], address.port()))
    }
}

#[async_trait]
impl PodSockets for Share {
    async fn listen(&self, address: SocketAddr, transport: Transport) -> io::Result<OwnedFd> {
        let place = self.place(address);
        Ok(match transport {
            Transport::Tcp => TcpListener::bind(place).await?.into_std()?.into(),
            Transport::Udp => UdpSocket::bind(place).await?.into_std()?.into(),
        })
    }

    async fn connect(&self, source: IpAddr, target: SocketAddr) -> io::Result<OwnedFd> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((source, 0).into())?;
        Ok(socket.connect(target).await?.into_std()?.into())
    }

    fn connections(&self, to: IpAddr) -> usize {
        connections_in(&std::fs::read_to_string("/proc/self/net/tcp").unwrap(), to)
    }
}

/// A program in a pod: says who called and then echoes.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(super) async fn start(ip: IpAddr) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, peer)) = listener.accept().await {
                connections.spawn(async move {
                    let _ = stream.write_all(format!("{}\n", peer.ip()).as_bytes()).await;
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                    let _ = write.shutdown().await;
                });
            }
        });
        Self { address, _tasks: tasks }
    }
}

/// A network of pods `a`, `b`, `c` … of namespace `shop`, each with its own share and address 127.<base>.0.<n>.
pub(super) struct Bench {
    pub(super) network: PodNetwork,
    pub(super) objects: Objects,
    base: u8,
}

impl Bench {
    /// `base` keeps the tests of this program out of each other's way.
    async fn new(base: u8, pods: u8) -> Self {
        Self::with(base, pods, NetworkSettings::usual(World::system())).await
    }

    /// The same with other settings than the usual.
    pub(super) async fn with(base: u8, pods: u8, settings: NetworkSettings) -> Self {
        let settings = NetworkSettings {
            resolver: SocketAddr::from(([10, 96, base, 10], 5300 + u16::from(base))),
            node_address: Ipv4Addr::new(127, base, 0, 254).into(),
            ..settings
        };
        let mut it = Self { network: PodNetwork::unwatched(settings), objects: Objects::default(), base };
        for at in 0..pods {
            let pod = it.pod(at);
            it.network.add_pod(&pod, it.ip(at), Arc::new(Share(it.share(at)))).await.unwrap();
            it.objects.pods.push(Arc::new(pod));
        }
        it
    }

    pub(super) fn share(&self, at: u8) -> u8 {
        self.base * 4 + at
    }

    pub(super) fn ip(&self, at: u8) -> IpAddr {
        Ipv4Addr::new(127, self.base, 0, 10 + at).into()
    }

    pub(super) fn pod(&self, at: u8) -> Pod {
        let name = char::from(b'a' + at).to_string();
        serde_json::from_value(json!({
            "metadata": { "namespace": "shop", "name": name, "uid": format!("uid-{name}"), "labels": { "app": name } },
            "spec": { "containers": [{ "name": "main" }] }, "status": { "podIP": self.ip(at) },
        }))
        .unwrap()
    }

    /// A Service with these endpoints.
    pub(super) fn service(&mut self, namespace: &str, name: &str, last: u8, endpoints: &[SocketAddr]) {
        let object = json!({ "metadata": { "namespace": namespace, "name": name },
            "spec": { "clusterIP": self.cluster_ip(last), "ports": [{ "port": 8000 }] } });
        self.objects.services.retain(|it| kube::ResourceExt::name_any(&**it) != name);
        self.objects.services.push(Arc::new(serde_json::from_value(object).unwrap()));
        self.objects.slices.retain(|it| kube::ResourceExt::labels(&**it)["kubernetes.io/service-name"] != name);
        for (at, endpoint) in endpoints.iter().enumerate() {
            let object = json!({
                "metadata": { "namespace": namespace, "name": format!("{name}-{at}"), "labels": { "kubernetes.io/service-name": name } },
                "addressType": "IPv4", "ports": [{ "port": endpoint.port() }], "endpoints": [{ "addresses": [endpoint.ip()] }],
            });
            self.objects.slices.push(Arc::new(serde_json::from_value(object).unwrap()));
        }
    }

    pub(super) fn policies(&mut self, specs: &[serde_json::Value]) {
        let object = |(at, spec): (usize, &serde_json::Value)| {
            let object = json!({ "metadata": { "namespace": "shop", "name": format!("p{at}") }, "spec": spec });
            Arc::new(serde_json::from_value(object).unwrap())
        };
        self.objects.policies = specs.iter().enumerate().map(object).collect();
    }

    fn cluster_ip(&self, last: u8) -> IpAddr {
        Ipv4Addr::new(10, 96, self.base, last).into()
    }

    /// The node hears of it.
    pub(super) fn publish(&self) {
        self.network.shared.view.send_replace(Arc::new(View::draw(&self.objects)));
    }

    /// What pods were told since this was last asked: pod, message, count.
    pub(super) fn refusals(&self, reason: &str) -> Vec<(String, String, u32)> {
        let shared = &self.network.shared;
        let due = shared.refusals.due(shared.settings.world.clock.monotonic());
        let of_it = due.into_iter().filter(|it| it.refusal.reason == reason);
        of_it.map(|it| (it.pod.name_any(), it.refusal.message, it.times)).collect()
    }

    /// What a program in pod `at` gets when it connects to a Service's address.
    pub(super) async fn call(&self, at: u8, last: u8) -> io::Result<TcpStream> {
        let place = Share(self.share(at)).place(SocketAddr::new(self.cluster_ip(last), 8000));
        // The socket comes with the picture, a moment later.
        loop {
            match TcpStream::connect(place).await {
                Err(why) if why.kind() == io::ErrorKind::ConnectionRefused => tokio::task::yield_now().await,
                other => return other,
            }
        }
    }

    /// Asks pod `at`'s resolver.
    pub(super) async fn ask(&self, at: u8, name: &str, stream: bool) -> Vec<u8> {
        let place = Share(self.share(at)).place(self.network.settings().resolver);
        let question = question(name, 1, Some(1232));
        if stream {
            let mut socket = TcpStream::connect(place).await.unwrap();
            socket.write_u16(u16::try_from(question.len()).unwrap()).await.unwrap();
            socket.write_all(&question).await.unwrap();
            let mut answer = vec![0; usize::from(socket.read_u16().await.unwrap())];
            socket.read_exact(&mut answer).await.unwrap();
            return answer;
        }
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&question, place).await.unwrap();
        let mut answer = vec![0; 1232];
        let (length, from) = socket.recv_from(&mut answer).await.unwrap();
        assert_eq!(from, place, "the answer comes from where the question went");
        answer.truncate(length);
        answer
    }
}

/// The first line that a server says: who called it.
pub(super) async fn caller_seen(stream: &mut TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        line.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(line).unwrap().trim().to_owned())
}

/// Whether a call was refused: while it was made, or right after.
pub(super) async fn refused(call: io::Result<TcpStream>) -> bool {
    match call {
        Ok(mut stream) => is_reset(&mut stream).await,
        Err(why) => why.kind() == io::ErrorKind::ConnectionReset,
    }
}

pub(super) async fn is_reset(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.is_err_and(|it| it.kind() == io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn a_service_is_called_by_its_address_and_the_target_sees_the_caller() {
    let mut bench = Bench::new(1, 3).await;
    let (one, two) = (Server::start(bench.ip(1)).await, Server::start(bench.ip(2)).await);
    bench.service("shop", "web", 20, &[one.address, two.address]);
    bench.publish();
    for _ in 0..10 {
        let mut stream = bench.call(0, 20).await.unwrap();
        assert_eq!(caller_seen(&mut stream).await.unwrap(), bench.ip(0).to_string());
        stream.write_all(b"both ways").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut back = String::new();
        stream.read_to_string(&mut back).await.unwrap();
        assert_eq!(back, "both ways", "half closed, and still answered");
    }
    assert_eq!(bench.network.metrics().carried, 10);
    bench.network.stop().await;
    assert_eq!(bench.network.metrics().open, 0);
}

#[tokio::test]
async fn a_name_of_another_namespace_can_be_called_once_it_was_asked_for() {
    let mut bench = Bench::new(2, 2).await;
    let server = Server::start(bench.ip(1)).await;
    bench.service("bank", "vault", 30, &[server.address]);
    bench.publish();
    let place = Share(bench.share(0)).place(SocketAddr::new(bench.cluster_ip(30), 8000));
    assert!(TcpStream::connect(place).await.is_err(), "nothing stands before it is needed");
    for stream in [false, true] {
        let answer = bench.ask(0, "vault.bank.svc.cluster.local", stream).await;
        assert_eq!(outcome(&answer), (0, 1, false));
        // At once: the socket stood before the answer left.
        let mut connected = TcpStream::connect(place).await.unwrap();
        assert_eq!(caller_seen(&mut connected).await.unwrap(), bench.ip(0).to_string());
    }
    assert_eq!(outcome(&bench.ask(0, "nobody.bank.svc.cluster.local", false).await), (3, 0, false));
    bench.network.stop().await;
}

#[tokio::test]
async fn before_the_first_picture_nobody_is_let_through_and_no_name_is_denied() {
    let mut bench = Bench::new(3, 2).await;
    assert_eq!(outcome(&bench.ask(0, "web", false).await), (2, 0, false), "server failure: ask again");
    let server = Server::start(bench.ip(1)).await;
    bench.service("shop", "web", 20, &[server.address]);
    let mut half = View::draw(&bench.objects);
    half.complete = false;
    bench.network.shared.view.send_replace(Arc::new(half));
    let mut early = bench.call(0, 20).await.unwrap();
    bench.policies(&[json!({ "podSelector": {} })]);
    bench.publish();
    assert!(is_reset(&mut early).await, "the policy was there all along");
    assert_eq!(bench.network.metrics().denied, 1);
    bench.network.stop().await;
}

#[tokio::test]
async fn a_policy_denies_new_connections_and_closes_open_ones() {
    let mut bench = Bench::new(4, 3).await;
    let server = Server::start(bench.ip(2)).await;
    bench.service("shop", "web", 20, &[server.address]);
    bench.publish();
    let (mut from_a, mut from_b) = (bench.call(0, 20).await.unwrap(), bench.call(1, 20).await.unwrap());
    caller_seen(&mut from_a).await.unwrap();
    caller_seen(&mut from_b).await.unwrap();
    let only_a = json!({ "podSelector": { "matchLabels": { "app": "c" } }, "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": "a" } } }] }] });
    bench.policies(std::slice::from_ref(&only_a));
    bench.publish();
    assert!(is_reset(&mut from_b).await, "withdrawn while open");
    assert!(refused(bench.call(1, 20).await).await, "denied from now on");
    from_a.write_all(b"x").await.unwrap();
    assert_eq!(from_a.read_u8().await.unwrap(), b'x', "what is still allowed goes on");
    let metrics = bench.network.metrics();
    assert_eq!((metrics.withdrawn, metrics.denied, metrics.open), (1, 1, 1));
    let (from, to) = (bench.ip(1), server.address);
    let said = |done: &str| {
        let (ip, port) = (to.ip(), to.port());
        format!(
            "{done} from shop/b ({from}) to shop/c ({ip}) port {port} (Service web port 8000): ingress of shop/c is closed \
             by NetworkPolicy shop/p0, and no rule allows this"
        )
    };
    let told = bench.refusals("NetworkPolicyDenied");
    for pod in ["b", "c"] {
        for done in ["open connection closed", "connection refused"] {
            assert!(told.contains(&(pod.to_owned(), said(done), 1)), "{pod} {done}: {told:#?}");
        }
    }

    // Labels are those of now, not of the start.
    let mut renamed = bench.pod(0);
    renamed.metadata.labels = None;
    bench.objects.pods[0] = Arc::new(renamed);
    bench.publish();
    assert!(is_reset(&mut from_a).await);
    let mut probe = bench.network.dial(server.address).await.unwrap();
    assert_eq!(caller_seen(&mut probe).await.unwrap(), bench.network.settings().node_address.to_string());
    bench.network.stop().await;
}

#[tokio::test]
async fn a_denial_by_the_callers_own_policy_is_told_to_it_and_another_namespaces_policies_are_not_named() {
    let mut bench = Bench::new(8, 2).await;
    let server = Server::start(bench.ip(1)).await;
    bench.service("shop", "web", 20, &[server.address]);
    let closed = json!({ "podSelector": { "matchLabels": { "app": "a" } }, "policyTypes": ["Egress"] });
    bench.policies(&[closed]);
    bench.publish();
    assert!(refused(bench.call(0, 20).await).await);
    let told = bench.refusals("NetworkPolicyDenied");
    let [(pod, message, 1)] = told.as_slice() else { panic!("only the caller: {told:?}") };
    assert_eq!(pod, "a");
    assert!(
        message.ends_with("egress of shop/a is closed by NetworkPolicy shop/p0, and no rule allows this"),
        "{message}"
    );

    let caller = bench.network.shared.pod_at(bench.ip(0)).unwrap();
    let mut stranger: Pod = serde_json::from_value(json!({
        "metadata": { "namespace": "bank", "name": "vault", "uid": "uid-vault" } }))
    .unwrap();
    stranger.spec = None;
    let target = Attached::new(&stranger, bench.ip(9), Arc::new(Share(bench.share(9))), CancellationToken::new());
    let denied = policy::Denied { direction: "ingress", policies: vec!["bank/secret-keeping".into()] };
    let endpoint = SocketAddr::new(bench.ip(9), 80);
    let (caller, target) = (caller.as_ref(), &target);
    denial::Denial { caller, target, address: endpoint, endpoint, denied: &denied, was_open: false }
        .tell(&bench.network.shared);
    for (pod, message, _) in bench.refusals("NetworkPolicyDenied") {
        assert_eq!(message.contains("secret-keeping"), pod == "vault", "{pod}: {message}");
    }
    bench.network.stop().await;
}

#[tokio::test]
async fn connections_end_with_their_endpoint_their_service_or_their_pod() {
    let mut bench = Bench::new(5, 4).await;
    let (one, two) = (Server::start(bench.ip(1)).await, Server::start(bench.ip(2)).await);
    bench.service("shop", "web", 20, &[one.address]);
    bench.service("shop", "api", 21, &[two.address]);
    bench.publish();
    let mut open = bench.call(0, 20).await.unwrap();
    caller_seen(&mut open).await.unwrap();
    bench.service("shop", "web", 20, &[two.address]);
    bench.publish();
    assert!(is_reset(&mut open).await, "the endpoint left");

    let mut open = bench.call(0, 20).await.unwrap();
    caller_seen(&mut open).await.unwrap();
    bench.objects.services.retain(|it: &Arc<Service>| kube::ResourceExt::name_any(&**it) != "web");
    bench.publish();
    assert!(is_reset(&mut open).await, "the Service went");
    let place = Share(bench.share(0)).place(SocketAddr::new(bench.cluster_ip(20), 8000));
    while TcpStream::connect(place).await.is_ok() {
        tokio::task::yield_now().await;
    }

    let mut open = bench.call(0, 21).await.unwrap();
    caller_seen(&mut open).await.unwrap();
    bench.network.remove_pod("uid-c");
    assert!(is_reset(&mut open).await, "the target went");
    assert!(refused(bench.call(0, 21).await).await, "and is not found any more");
    assert!(bench.network.dial(two.address).await.is_err());
    bench.network.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_passed_over_and_none_at_all_is_a_reset() {
    let mut bench = Bench::new(6, 3).await;
    let server = Server::start(bench.ip(2)).await;
    let dead = SocketAddr::new(bench.ip(1), server.address.port());
    bench.service("shop", "web", 20, &[dead, server.address]);
    bench.service("shop", "none", 21, &[]);
    bench.service("shop", "dead", 22, &[dead]);
    bench.publish();
    for _ in 0..10 {
        assert!(caller_seen(&mut bench.call(0, 20).await.unwrap()).await.is_ok());
    }
    for last in [21, 22] {
        assert!(refused(bench.call(0, last).await).await);
    }
    assert_eq!(bench.network.metrics().failed, 2);
    bench.network.stop().await;
}

#[tokio::test]
async fn a_pod_that_comes_again_replaces_the_one_before() {
    let mut bench = Bench::new(7, 2).await;
    let server = Server::start(bench.ip(1)).await;
    bench.service("shop", "web", 20, &[server.address]);
    bench.publish();
    let mut open = bench.call(0, 20).await.unwrap();
    caller_seen(&mut open).await.unwrap();
    bench.network.remove_pod("uid-a");
    assert!(is_reset(&mut open).await);
    // Its sockets are closed by its tasks, a moment later.
    let pod = bench.pod(0);
    while bench.network.add_pod(&pod, bench.ip(0), Arc::new(Share(bench.share(0)))).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(caller_seen(&mut bench.call(0, 20).await.unwrap()).await.is_ok());
    bench.network.stop().await;
}

#[test]
fn a_pod_finds_its_resolver_and_its_neighbours_by_short_names() {
    let settings = NetworkSettings::usual(World::system());
    assert_eq!(
        settings.resolv_conf("shop"),
        "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
    );
}
