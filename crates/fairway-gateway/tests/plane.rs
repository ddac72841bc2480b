//! The gateway against a real API server: what is applied is served, and the route hears of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fairway_clock::World;
use fairway_gateway::{DEFINITIONS, Dial, Gateway, GatewaySettings, Limits, Named, open_gateway, rules};
use fairway_testkit::{TestPlane, administrator};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A server that answers every connection with its name.
async fn backend(name: &'static str) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{name}", name.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, tasks)
}

/// Pod addresses lead to the servers of this test, which all stand on the loopback: an API server takes no such endpoint.
struct ToLoopback;

#[async_trait::async_trait]
impl Dial for ToLoopback {
    async fn dial(&self, target: SocketAddr) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", target.port())).await
    }
}

struct Scene {
    plane: TestPlane,
    gateway: Gateway,
}

fn api(plane: &TestPlane, object: &Value) -> Api<DynamicObject> {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(plane.client(), namespace, &resource),
        None => Api::all_with(plane.client(), &resource),
    }
}

async fn apply(plane: &TestPlane, object: &Value) -> Result<DynamicObject, kube::Error> {
    let name = object["metadata"]["name"].as_str().unwrap();
    api(plane, object).patch(name, &PatchParams::apply("test").force(), &Patch::Apply(object)).await
}

/// Applies as soon as the kind is served.
async fn apply_when_served(plane: &TestPlane, object: &Value) {
    while let Err(why) = apply(plane, object).await {
        assert!(matches!(&why, kube::Error::Api(it) if it.code == 404), "{why}");
        tokio::task::yield_now().await;
    }
}

fn slice(endpoint: SocketAddr) -> Value {
    json!({ "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": { "namespace": "shop", "name": "web-1", "labels": { "kubernetes.io/service-name": "web" } },
        "addressType": "IPv4", "ports": [{ "port": endpoint.port() }],
        "endpoints": [{ "addresses": ["10.244.0.9"], "conditions": { "ready": true } }] })
}

fn route(service: &str) -> Value {
    json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": { "namespace": "shop", "name": "web" },
        "spec": { "parentRefs": [{ "name": "edge", "namespace": "infra" }], "hostnames": ["web.example"],
            "rules": [{ "backendRefs": [{ "name": service, "port": 80 }] }] } })
}

impl Scene {
    async fn new() -> Self {
        let plane = TestPlane::guarded().await.unwrap();
        for definition in DEFINITIONS {
            apply(&plane, &serde_saphyr::from_str(definition).unwrap()).await.unwrap();
        }
        let (group, version) = ("rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1");
        let role = json!({ "apiVersion": version, "kind": "ClusterRole", "metadata": { "name": "gateway" }, "rules": rules() });
        apply(&plane, &role).await.unwrap();
        let binding = json!({ "apiVersion": version, "kind": "ClusterRoleBinding", "metadata": { "name": "gateway" },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "gateway" },
            "subjects": [{ "apiGroup": group, "kind": "User", "name": "gateway" }] });
        apply(&plane, &binding).await.unwrap();
        for name in ["shop", "infra"] {
            apply(&plane, &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }))
                .await
                .unwrap();
        }
        let edge = Named { namespace: "infra".into(), name: "edge".into() };
        apply_when_served(&plane, &open_gateway(&edge, "example", 80)).await;
        // It acts with no more rights than it asks for.
        let mut itself = administrator();
        (itself.user, itself.groups) = ("gateway".into(), Vec::new());
        let settings = GatewaySettings {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            client: plane.client_as(itself),
            dial: Arc::new(ToLoopback),
            world: World::system(),
            gateway: edge,
            controller_name: "example.com/gateway".into(),
            limits: Limits::default(),
        };
        Self { gateway: Gateway::start(settings).unwrap(), plane }
    }

    async fn apply(&self, object: Value) {
        apply_when_served(&self.plane, &object).await;
    }

    async fn get(&self) -> (u16, String) {
        let mut stream = TcpStream::connect(self.gateway.address()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        (answer[9..12].parse().unwrap(), answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    async fn until(&self, status: u16, body: &str) {
        loop {
            let got = self.get().await;
            if got.0 == status && got.1.contains(body) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The route's conditions as `type=status reason`, once they speak of its newest generation.
    async fn conditions(&self) -> Vec<String> {
        let routes = api(&self.plane, &route("web"));
        loop {
            let object = routes.get("web").await.unwrap();
            let conditions = object.data.pointer("/status/parents/0/conditions").and_then(Value::as_array).cloned();
            let conditions = conditions.unwrap_or_default();
            let current = |it: &Value| it["observedGeneration"].as_i64() == object.metadata.generation;
            if !conditions.is_empty() && conditions.iter().all(current) {
                let word = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
                return conditions
                    .iter()
                    .map(|it| format!("{}={} {}", word(it, "type"), word(it, "status"), word(it, "reason")))
                    .collect();
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn what_is_applied_is_served_and_the_route_is_told_once() {
    let (one, _one) = backend("one").await;
    let (two, _two) = backend("two").await;
    let scene = Scene::new().await;
    scene.apply(route("web")).await;
    scene.until(500, "does not resolve").await;
    assert_eq!(scene.conditions().await, ["Accepted=True Accepted", "ResolvedRefs=False BackendNotFound"]);
    scene.apply(json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": "shop", "name": "web" }, "spec": { "ports": [{ "port": 80 }] } })).await;
    scene.until(503, "no endpoint of shop/web:80 is ready").await;
    scene.apply(slice(one)).await;
    scene.until(200, "one").await;
    scene.apply(slice(two)).await;
    scene.until(200, "two").await;
    while scene.conditions().await != ["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs"] {}

    // The truth was told: hearing of its own write, the gateway says nothing more.
    let routes = api(&scene.plane, &route("web"));
    let before = routes.get("web").await.unwrap().metadata.resource_version;
    for name in ["x", "y", "z"] {
        scene.apply(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })).await;
        scene.get().await;
    }
    assert_eq!(routes.get("web").await.unwrap().metadata.resource_version, before);

    routes.delete("web", &DeleteParams::default()).await.unwrap();
    scene.until(404, "no route serves the host web.example").await;
    assert!(routes.list(&ListParams::default()).await.unwrap().items.is_empty());
    scene.gateway.stop(Duration::from_secs(1)).await;
    scene.plane.stop().await;
}
