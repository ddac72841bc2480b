//! The network in real namespaces, following a real API server: two pods, one serves, the other calls.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program")]

#[path = "support/bench.rs"]
mod bench;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bench::{Bench, listener, stream};
use fairway_clock::World;
use fairway_node::runner::Pod;
use fairway_node::{EGRESS_ANNOTATION, NetworkSettings, PodNetwork, PodSockets as _, Transport};
use fairway_outside::proxies::Proxies;
use fairway_outside::{Exceptions, Outside};
use fairway_testkit::TestPlane;
use k8s_openapi::api::core::v1;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const SERVICE: &str = "10.96.0.20:80";

/// A pod on the machine and in the API.
struct Member {
    bench: Bench,
    pod: Arc<Pod>,
    uid: String,
    ip: IpAddr,
}

/// A plane, a network, pods.
struct Scene {
    plane: TestPlane,
    network: PodNetwork,
}

impl Scene {
    /// Nothing where pods cannot run.
    async fn new() -> Option<Self> {
        Self::with("").await
    }

    /// A scene for which these networks are outside although they are not.
    async fn with(exceptions: &str) -> Option<Self> {
        if !bench::can_run_pods() {
            return None;
        }
        let plane = TestPlane::start().await.unwrap();
        let outside = Outside::new(Proxies::none(), Exceptions::parse(exceptions).unwrap());
        let settings = NetworkSettings { outside, ..NetworkSettings::usual(World::system()) };
        let network = PodNetwork::start(plane.client(), settings);
        let scene = Self { plane, network };
        scene.create("v1", "Namespace", "", json!({ "metadata": { "name": "shop" } })).await;
        Some(scene)
    }

    async fn create(&self, version: &str, kind: &str, namespace: &str, object: Value) {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = if namespace.is_empty() {
            Api::all_with(self.plane.client(), &resource)
        } else {
            Api::namespaced_with(self.plane.client(), namespace, &resource)
        };
        let mut object = object;
        object["apiVersion"] = resource.api_version.clone().into();
        object["kind"] = kind.into();
        api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    }

    /// What the pods of `shop` may reach outside.
    async fn allow(&self, list: Value) {
        let namespaces: Api<v1::Namespace> = Api::all(self.plane.client());
        let patch = json!({ "metadata": { "annotations": { EGRESS_ANNOTATION: list } } });
        namespaces.patch("shop", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// The message of an Event on this pod that begins so; waits for it.
    async fn event(&self, pod: &str, beginning: &str) -> String {
        let events: Api<v1::Event> = Api::namespaced(self.plane.client(), "shop");
        loop {
            let all = events.list(&kube::api::ListParams::default()).await.unwrap().items;
            let of_it = all.into_iter().filter(|it| it.involved_object.name.as_deref() == Some(pod));
            let mut found = of_it.filter_map(|it| it.message).filter(|it| it.starts_with(beginning));
            if let Some(found) = found.next() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn pod(&self, name: &str, ip: &str) -> Member {
        let object = json!({ "metadata": { "name": name, "labels": { "app": name } },
            "spec": { "containers": [{ "name": "main", "image": "none" }] } });
        let api: Api<v1::Pod> = Api::namespaced(self.plane.client(), "shop");
        let object = api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
        let bench = Bench::new(ip).expect("the scene has looked");
        let pod = Arc::new(bench.pod().await);
        let ip: IpAddr = ip.parse().unwrap();
        self.network.add_pod(&object, ip, pod.clone()).await.unwrap();
        Member { bench, pod, uid: object.metadata.uid.unwrap(), ip }
    }

    /// A Service whose only endpoint is that pod, at port 8080.
    async fn service(&self, name: &str, address: &str, endpoint: IpAddr) {
        let spec = json!({ "clusterIP": address, "ports": [{ "port": 80, "targetPort": 8080 }] });
        self.create("v1", "Service", "shop", json!({ "metadata": { "name": name }, "spec": spec })).await;
        self.create(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            "shop",
            json!({
                "metadata": { "name": format!("{name}-1"), "labels": { "kubernetes.io/service-name": name } },
                "addressType": "IPv4", "ports": [{ "port": 8080, "protocol": "TCP" }],
                "endpoints": [{ "addresses": [endpoint], "conditions": { "ready": true } }],
            }),
        )
        .await;
    }

    /// A Service without an address of its own, before these pods, by their names, at a port.
    async fn headless(&self, name: &str, members: &[(&str, IpAddr)], port: u16) {
        let spec = json!({ "clusterIP": "None", "ports": [{ "name": "pg", "port": port }] });
        self.create("v1", "Service", "shop", json!({ "metadata": { "name": name }, "spec": spec })).await;
        let endpoints: Vec<_> = members
            .iter()
            .map(|(host, ip)| json!({ "addresses": [ip], "hostname": host, "conditions": { "ready": true } }))
            .collect();
        let slice = json!({
            "metadata": { "name": format!("{name}-1"), "labels": { "kubernetes.io/service-name": name } },
            "addressType": "IPv4", "ports": [{ "name": "pg", "port": port, "protocol": "TCP" }], "endpoints": endpoints,
        });
        self.create("discovery.k8s.io/v1", "EndpointSlice", "shop", slice).await;
    }

    async fn end(self, members: Vec<Member>) {
        self.network.stop().await;
        for member in members {
            drop(member.pod);
            member.bench.clean().await;
        }
        self.plane.stop().await;
    }
}

impl Member {
    /// What a program in this pod gets when it connects; waits for the socket to stand.
    async fn call(&self, target: &str) -> std::io::Result<TcpStream> {
        let target: SocketAddr = target.parse().unwrap();
        loop {
            match self.pod.connect(self.ip, target).await {
                Ok(socket) => return Ok(stream(socket)),
                Err(why) if why.kind() == std::io::ErrorKind::ConnectionRefused => tokio::task::yield_now().await,
                Err(why) => return Err(why),
            }
        }
    }

    /// A connection to the Service and whom its server saw; waits for the network to have heard of the endpoint, before
    /// which it rightly resets what comes.
    async fn reach(&self) -> (TcpStream, String) {
        loop {
            if let Ok(mut stream) = self.call(SERVICE).await
                && let Ok(seen) = caller_seen(&mut stream).await
            {
                return (stream, seen);
            }
            tokio::task::yield_now().await;
        }
    }

    /// A server in this pod that says who called and then echoes.
    async fn serve(&self) -> JoinSet<()> {
        let socket = self.pod.listen(SocketAddr::new(self.ip, 8080), Transport::Tcp).await.unwrap();
        let listener = listener(socket);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, peer)) = listener.accept().await {
                connections.spawn(async move {
                    let _ = stream.write_all(format!("{}\n", peer.ip()).as_bytes()).await;
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        tasks
    }

    /// Asks the pod's resolver by a datagram.
    async fn resolve_by_datagram(&self, name: &str) -> Vec<u8> {
        let socket = self.pod.listen(SocketAddr::new(self.ip, 40_000), Transport::Udp).await.unwrap();
        let socket = tokio::net::UdpSocket::from_std(socket.into()).unwrap();
        let resolver: SocketAddr = "10.96.0.10:53".parse().unwrap();
        socket.send_to(&question(name), resolver).await.unwrap();
        let mut answer = vec![0; 512];
        let (length, from) = socket.recv_from(&mut answer).await.unwrap();
        assert_eq!(from, resolver, "the answer comes from where the question went");
        answer.truncate(length);
        answer
    }

    /// Asks the pod's resolver for an address.
    async fn resolve(&self, name: &str) -> Option<[u8; 4]> {
        let question = question(name);
        loop {
            let mut socket = self.call("10.96.0.10:53").await.unwrap();
            socket.write_u16(u16::try_from(question.len()).unwrap()).await.unwrap();
            socket.write_all(&question).await.unwrap();
            let mut answer = vec![0; usize::from(socket.read_u16().await.unwrap())];
            socket.read_exact(&mut answer).await.unwrap();
            match answer[3] & 0x0f {
                0 => return answer.last_chunk().copied(),
                // The node has not read the cluster yet.
                2 => tokio::task::yield_now().await,
                _ => return None,
            }
        }
    }
}

/// A question for an address, as a stub resolver sends it.
fn question(name: &str) -> Vec<u8> {
    let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        question.push(u8::try_from(label.len()).unwrap());
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    question
}

async fn caller_seen(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        line.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(line).unwrap().trim().to_owned())
}

/// How a connection is refused: while it is made, or right after.
async fn refused(member: &Member, target: &str) -> std::io::ErrorKind {
    match member.call(target).await {
        Ok(mut stream) => ended(&mut stream).await,
        Err(why) => why.kind(),
    }
}

async fn ended(stream: &mut TcpStream) -> std::io::ErrorKind {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.map_or_else(|it| it.kind(), |_| std::io::ErrorKind::UnexpectedEof)
}

#[tokio::test]
async fn a_pod_calls_another_by_name_and_is_seen_as_itself() {
    let Some(scene) = Scene::new().await else { return };
    let (caller, server) = (scene.pod("caller", "10.244.0.40").await, scene.pod("server", "10.244.0.41").await);
    let _serving = server.serve().await;
    scene.service("web", "10.96.0.20", server.ip).await;
    while caller.resolve("web.shop.svc.cluster.local").await != Some([10, 96, 0, 20]) {
        tokio::task::yield_now().await;
    }
    assert!(caller.resolve_by_datagram("web").await.ends_with(&[10, 96, 0, 20]));
    let (mut connection, seen) = caller.reach().await;
    assert_eq!(seen, "10.244.0.40");
    connection.write_all(b"hello").await.unwrap();
    let mut back = [0; 5];
    connection.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"hello");
    // A pod may call itself through its Service, and the node reaches it as the node.
    assert_eq!(caller_seen(&mut server.call(SERVICE).await.unwrap()).await.unwrap(), "10.244.0.41");
    let mut probe = scene.network.dial(SocketAddr::new(server.ip, 8080)).await.unwrap();
    assert_eq!(caller_seen(&mut probe).await.unwrap(), "10.244.0.1");
    assert_eq!(caller.resolve("www.example.com").await, None);
    scene.network.remove_pod(&caller.uid);
    assert_eq!(ended(&mut connection).await, std::io::ErrorKind::ConnectionReset);
    scene.end(vec![caller, server]).await;
}

#[tokio::test]
async fn a_pod_behind_a_headless_service_is_called_by_its_name_and_servers_may_listen_on_every_address() {
    let Some(scene) = Scene::new().await else { return };
    let (one, two) = (scene.pod("db-0", "10.244.0.50").await, scene.pod("db-1", "10.244.0.51").await);
    scene.headless("db", &[("db-0", one.ip), ("db-1", two.ip)], 8080).await;
    scene.service("web", "10.96.0.20", one.ip).await;
    // Each asks for the other before its own server stands: that port of every address is still free for it.
    for (caller, name, address) in [(&one, "db-1.db.shop.svc.cluster.local", two.ip), (&two, "db-0.db", one.ip)] {
        while caller.resolve(name).await.map(IpAddr::from) != Some(address) {
            tokio::task::yield_now().await;
        }
    }
    for member in [&one, &two] {
        member.bench.run(&member.pod, &["serve", "8080"]).await;
        member.bench.said(&member.pod, "app", "serving").await;
    }
    // A program of the one that calls the other reaches the other, not itself, and is seen by its own address.
    for (caller, target) in [(&one, &two), (&two, &one)] {
        let words = ["get", &target.ip.to_string(), "8080"];
        let asks = fairway_node::runner::Container { name: "asks".into(), ..bench::program(&words) };
        caller.bench.start(&caller.pod, asks).await;
        assert_eq!(caller.bench.ended(&caller.pod, "asks").await.exit_code, 0);
        let heard = caller.bench.log("asks", 0).await;
        assert!(heard.ends_with(&format!("{}\n", caller.ip)), "{heard}");
    }
    assert_eq!(scene.network.metrics().carried, 2, "every byte crossed the node");
    // Whose address is not asked for yet is nobody's.
    let nobody = one.pod.connect(one.ip, "10.244.0.52:8080".parse().unwrap()).await.unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::ConnectionRefused);
    scene.end(vec![one, two]).await;
}

#[tokio::test]
async fn a_policy_in_the_api_closes_open_connections_and_denies_new_ones_until_it_goes() {
    let Some(scene) = Scene::new().await else { return };
    let (caller, server) = (scene.pod("caller", "10.244.0.42").await, scene.pod("server", "10.244.0.43").await);
    let _serving = server.serve().await;
    scene.service("web", "10.96.0.20", server.ip).await;
    let (mut open, _) = caller.reach().await;
    let closed = json!({ "metadata": { "name": "closed" }, "spec": { "podSelector": { "matchLabels": { "app": "server" } }, "policyTypes": ["Ingress"] } });
    scene.create("networking.k8s.io/v1", "NetworkPolicy", "shop", closed).await;
    assert_eq!(ended(&mut open).await, std::io::ErrorKind::ConnectionReset);
    assert_eq!(refused(&caller, SERVICE).await, std::io::ErrorKind::ConnectionReset);
    let metrics = scene.network.metrics();
    assert_eq!((metrics.withdrawn, metrics.denied), (1, 1));
    let told = scene.event("caller", "connection refused").await;
    assert_eq!(
        told,
        "connection refused from shop/caller (10.244.0.42) to shop/server (10.244.0.43) port 8080 (Service web port 80): \
         ingress of shop/server is closed by NetworkPolicy shop/closed, and no rule allows this"
    );
    scene.event("server", "open connection closed").await;
    let policies: Api<k8s_openapi::api::networking::v1::NetworkPolicy> = Api::namespaced(scene.plane.client(), "shop");
    policies.delete("closed", &DeleteParams::default()).await.unwrap();
    caller.reach().await;
    scene.end(vec![caller, server]).await;
}

#[tokio::test]
async fn a_pod_reaches_the_host_outside_that_its_namespace_lists_and_no_other() {
    let Some(scene) = Scene::with("127.0.0.0/8").await else { return };
    let pod = scene.pod("caller", "10.244.0.44").await;
    let outside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = outside.local_addr().unwrap().port();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut stream, _)) = outside.accept().await {
            let _ = stream.write_all(b"from outside\n").await;
            let _ = stream.read_u8().await;
        }
    });
    assert_eq!(pod.resolve("localhost").await, None, "nothing is allowed yet");
    scene.allow(json!(format!("localhost:{port}"))).await;
    let address = loop {
        match pod.resolve("localhost").await {
            Some(address) => break IpAddr::from(address),
            None => tokio::task::yield_now().await,
        }
    };
    assert!(address.to_string().starts_with("198.1"), "{address}");
    let mut open = pod.call(&format!("{address}:{port}")).await.unwrap();
    assert_eq!(caller_seen(&mut open).await.unwrap(), "from outside");

    // A port of it that is not allowed, another host, and the machine's own addresses.
    assert_eq!(refused(&pod, &format!("{address}:80")).await, std::io::ErrorKind::ConnectionReset);
    let told = scene.event("caller", "connection to localhost:80 closed").await;
    assert!(told.contains(&format!("may reach localhost:{port}; to allow it, add")), "{told}");
    assert_eq!(pod.resolve("www.example.com").await, None);
    scene.event("caller", "www.example.com is not answered").await;
    for nowhere in [format!("127.0.0.1:{port}"), format!("203.0.113.1:{port}"), "169.254.169.254:80".into()] {
        let nowhere: SocketAddr = nowhere.parse().unwrap();
        assert!(is_dead(&pod, nowhere).await, "{nowhere}");
    }

    scene.allow(Value::Null).await;
    assert_eq!(ended(&mut open).await, std::io::ErrorKind::ConnectionReset);
    scene
        .event("caller", &format!("connection to localhost:{port} closed: pods of namespace shop may reach nothing"))
        .await;
    assert_eq!(scene.network.metrics().outside, 1);
    scene.end(vec![pod]).await;
}

/// Whether a connection leads nowhere: it cannot be begun, or nothing comes of it.
async fn is_dead(member: &Member, target: SocketAddr) -> bool {
    match member.pod.connect(member.ip, target).await {
        Ok(socket) => stream(socket).read_u8().await.is_err(),
        Err(_) => true,
    }
}

#[test]
fn everything_holds_without_root_too() {
    bench::again_without_root();
}
