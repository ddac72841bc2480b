//! Programs of the machine in pods of a real node reach the hosts outside that their namespace lists, by name, and no others.
#![allow(clippy::unwrap_used, reason = "a test program")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use std::net::SocketAddr;

use fairway_node::EGRESS_ANNOTATION;
use fairway_node::runner::LogOptions;
use fairway_outside::Outside;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, Patch, PatchParams};
use plane::{Plane, phase};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A proxy behind which every host is the same: one that says what it was called.
async fn proxy() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            connections.spawn(async move {
                let mut request = vec![0; 4096];
                let count = client.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..count]).into_owned();
                let host = request.split_ascii_whitespace().nth(1).unwrap_or_default();
                let _ = client.write_all(format!("HTTP/1.1 200 OK\r\n\r\nthis is {host}\n").as_bytes()).await;
            });
        }
    });
    (address, tasks)
}

/// A plane whose node knows this proxy.
async fn plane(proxy: SocketAddr) -> Option<Plane> {
    let mut plane = Plane::start().await?;
    plane.node.take().unwrap().stop(false).await;
    plane.outside = Outside::read(|name| (name == "HTTPS_PROXY").then(|| format!("http://{proxy}"))).0;
    plane.begin().await;
    Some(plane)
}

async fn allow(plane: &Plane, list: &str) {
    let namespaces: Api<Namespace> = Api::all(plane.api.client());
    let patch = json!({ "metadata": { "annotations": { EGRESS_ANNOTATION: list } } });
    namespaces.patch("default", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

/// What a script says in a pod of the machine's programs. `annotation` is the pod's own.
async fn script(plane: &Plane, name: &str, annotation: Option<&str>, text: &str) -> String {
    let mut pod = json!({
        "metadata": { "name": name },
        "spec": { "nodeName": "here", "automountServiceAccountToken": false, "restartPolicy": "Never",
            "containers": [{ "name": "app", "image": "host/system", "command": ["bash", "-c", text] }] },
    });
    if let Some(own) = annotation {
        pod["metadata"]["annotations"] = json!({ EGRESS_ANNOTATION: own });
    }
    plane.pods().create(&kube::api::PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    plane.until(name, "done", |it| matches!(phase(it), "Succeeded" | "Failed")).await;
    let said = plane.log(name, LogOptions::default()).await;
    plane.delete(name).await;
    said
}

/// Waits for an Event that says this.
async fn event(plane: &Plane, reason: &str, says: &str) -> String {
    loop {
        if let Some(found) = plane.events(reason).await.into_iter().find(|it| it.contains(says)) {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

/// What the shell itself does with a name and a port.
fn fetch(host: &str, port: u16) -> String {
    format!("(exec 3<>/dev/tcp/{host}/{port} && cat <&3) 2>/dev/null || echo no {host}:{port}; ")
}

#[tokio::test]
async fn a_program_reaches_by_name_what_is_listed_and_nothing_else() {
    let (proxy, _proxy) = proxy().await;
    let Some(plane) = plane(proxy).await else { return };
    allow(&plane, "registry.example.com:8443,*.packages.example:443").await;
    let hosts = [
        ("registry.example.com", 8443),
        ("a.packages.example", 443),
        ("packages.example", 443),
        ("registry.example.com", 80),
    ];
    let said = script(&plane, "fetch", None, &hosts.map(|(host, port)| fetch(host, port)).concat()).await;
    let expected = "this is registry.example.com:8443\nthis is a.packages.example:443\nno packages.example:443\n";
    assert!(said.starts_with(expected), "{said}");
    // A port that is not allowed is closed without a word.
    assert!(!said.contains("this is registry.example.com:80"), "{said}");
    event(&plane, "EgressDenied", "packages.example is not answered: pods of namespace default may reach ").await;
    let told = event(&plane, "EgressDenied", "connection to registry.example.com:80 closed").await;
    assert!(told.contains("add host:port to annotation node.fairway.dev/egress of namespace default"), "{told}");

    let text =
        [fetch("registry.example.com", 8443), fetch("a.packages.example", 443), fetch("other.example", 443)].concat();
    let said = script(&plane, "narrow", Some("a.packages.example:443,other.example:443"), &text).await;
    assert_eq!(said, "no registry.example.com:8443\nthis is a.packages.example:443\nno other.example:443\n");
    event(&plane, "EgressDenied", "the pod's own annotation").await;
    plane.clean().await;
}

#[tokio::test]
async fn the_machine_and_its_network_are_out_of_reach_whatever_the_list_says() {
    let (address, _proxy) = proxy().await;
    let Some(plane) = plane(address).await else { return };
    allow(&plane, &format!("localhost:{0},127.0.0.1:{0},169.254.169.254:80,10.96.0.1:443", address.port())).await;
    let places = [
        ("127.0.0.1", address.port()),
        ("localhost", address.port()),
        ("169.254.169.254", 80),
        ("10.244.0.1", address.port()),
        ("10.96.0.1", 443),
        ("203.0.113.1", 443),
        ("198.18.0.1", 443),
    ];
    let said = script(&plane, "reach", None, &places.map(|(host, port)| fetch(host, port)).concat()).await;
    let expected: Value = places.map(|(host, port)| format!("no {host}:{port}\n")).concat().into();
    assert_eq!(json!(said), expected);
    event(&plane, "InvalidEgress", "169.254.169.254:80").await;
    plane.clean().await;
}

#[tokio::test]
async fn hosts_outside_are_reached_without_root_too() {
    bench::again_without_root();
}
