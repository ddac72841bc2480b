//! Pods come and go under load: a rollout, fewer instances, more instances. The program is of the kind that is gone the
//! moment it is asked to go, and the requests are of the kind that nobody may repeat.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use fairway_clock::World;
use fairway_controller::Controllers;
use fairway_gateway::{DEFINITIONS, Dial, Gateway, GatewaySettings, Limits, Named, open_gateway};
use fairway_node::runner::LogOptions;
use fairway_node::{FolderImages, Node, NodeSettings, PodNetwork};
use fairway_testkit::TestPlane;
use futures::stream::select;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::can_run_containers;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fairway-node/tests/support/program.c");
const ROUNDS: usize = 4;
const CLIENTS: usize = 8;

/// Store, API, controllers, node and gateway, without the product on top.
struct Scene {
    plane: TestPlane,
    workloads: Controllers,
    node: Node,
    gateway: Gateway,
    _folder: tempfile::TempDir,
}

struct ToPods(PodNetwork);

#[async_trait]
impl Dial for ToPods {
    async fn dial(&self, target: SocketAddr) -> std::io::Result<TcpStream> {
        self.0.dial(target).await
    }
}

impl Scene {
    async fn start() -> Result<Self> {
        let plane = TestPlane::start().await?;
        let (client, world) = (plane.client(), World::system());
        for definition in DEFINITIONS {
            apply(&plane, &serde_saphyr::from_str(definition)?).await?;
        }
        let own = client.clone();
        let workloads = fairway_workloads::start(&fairway_workloads::Settings {
            client_for: Arc::new(move |_| own.clone()),
            world: world.clone(),
            root_certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
        });
        let folder = tempfile::Builder::new().prefix("fairway-rollouts-").tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let state = folder.path().join("node");
        image(&state.join("images/program"))?;
        let images = Arc::new(FolderImages::new(state.join("images")));
        let program = PathBuf::from(env!("CARGO_BIN_EXE_platform"));
        let settings = NodeSettings::usual(state, "here", client.clone(), images, program, world.clone());
        let node = Node::start(settings).await?;
        node.registered().await;
        let name = Named { namespace: "default".into(), name: "edge".into() };
        apply(&plane, &open_gateway(&name, "example", 80)).await?;
        let gateway = Gateway::start(GatewaySettings {
            listener: TcpListener::bind("127.0.0.1:0").await?,
            client,
            dial: Arc::new(ToPods(node.network())),
            world,
            gateway: name,
            controller_name: "example.com/gateway".into(),
            limits: Limits::default(),
        })?;
        Ok(Self { plane, workloads, node, gateway, _folder: folder })
    }

    async fn stop(self) {
        self.gateway.stop(std::time::Duration::from_secs(5)).await;
        self.workloads.stop().await;
        self.node.stop(false).await;
        self.plane.stop().await;
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.plane.client(), "default")
    }

    /// Changes the Deployment, and waits until all is as it says and nothing else is there.
    async fn change(&self, patch: Value, replicas: usize) -> Result<()> {
        let api: Api<Deployment> = Api::namespaced(self.plane.client(), "default");
        let pods = watcher(self.pods(), watcher::Config::default()).map_ok(drop).boxed();
        let mut news = select(watcher(api.clone(), watcher::Config::default()).map_ok(drop).boxed(), pods);
        let wanted = api.patch("web", &PatchParams::default(), &Patch::Merge(patch)).await?.metadata.generation;
        loop {
            let status = api.get("web").await?.status.unwrap_or_default();
            let all = i32::try_from(replicas)?;
            let counts = [status.replicas, status.updated_replicas, status.available_replicas];
            let done = status.observed_generation >= wanted && counts.iter().all(|it| *it == Some(all));
            if done && self.pods().list(&ListParams::default().labels("app=web")).await?.items.len() == replicas {
                return Ok(());
            }
            news.try_next().await?;
        }
    }
}

/// The unpacked image of the test program.
fn image(folder: &Path) -> Result<()> {
    let target = folder.join("rootfs/bin/program");
    fs::create_dir_all(folder.join("rootfs/bin"))?;
    let built = std::process::Command::new("gcc").args(["-static", "-O1", "-o"]).arg(&target).arg(SOURCE).status()?;
    ensure!(built.success(), "gcc builds the test program");
    fs::write(folder.join("config.json"), r#"{"entrypoint":["/bin/program"]}"#)?;
    Ok(())
}

/// Applies as soon as the kind and the namespace are served.
async fn apply(plane: &TestPlane, object: &Value) -> Result<()> {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(plane.client(), namespace, &resource),
        None => Api::all_with(plane.client(), &resource),
    };
    let (name, parameters) = (text(&object["metadata"]["name"]), PatchParams::apply("test").force());
    loop {
        match api.patch(&name, &parameters, &Patch::Apply(object)).await {
            Err(kube::Error::Api(error)) if error.code == 404 => tokio::task::yield_now().await,
            done => return done.map(drop).context(format!("apply {kind} {name}")),
        }
    }
}

fn objects() -> [Value; 3] {
    let labels = json!({ "app": "web" });
    let container = json!({
        "name": "web", "image": "program", "args": ["web", "8080"],
        "ports": [{ "name": "http", "containerPort": 8080 }],
        "readinessProbe": { "httpGet": { "port": "http" }, "periodSeconds": 1 },
    });
    let template = json!({ "metadata": { "labels": labels }, "spec": {
        "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 10, "containers": [container] } });
    let meta = |name: &str| json!({ "namespace": "default", "name": name });
    [
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("web"), "spec": {
            "replicas": 3, "selector": { "matchLabels": labels }, "template": template } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": meta("web"), "spec": {
            "selector": labels, "clusterIP": "10.96.0.80", "ports": [{ "port": 80, "targetPort": "http" }] } }),
        json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": meta("web"), "spec": {
            "parentRefs": [{ "name": "edge" }], "hostnames": ["web.example"],
            "rules": [{ "backendRefs": [{ "name": "web", "port": 80 }] }] } }),
    ]
}

/// One POST on an open connection.
async fn post(stream: &mut TcpStream) -> Result<()> {
    let request = "POST / HTTP/1.1\r\nHost: web.example\r\nContent-Length: 5\r\n\r\nhello";
    stream.write_all(request.as_bytes()).await?;
    let (mut answer, mut part) = (String::new(), [0; 1024]);
    while !answer.ends_with("\r\n\r\nok") {
        let count = stream.read(&mut part).await?;
        answer.push_str(&String::from_utf8_lossy(&part[..count]));
        // An error of the gateway's has another body.
        if count == 0 || (answer.len() > 12 && !answer.starts_with("HTTP/1.1 200")) {
            bail!("answered {answer:?}");
        }
    }
    Ok(())
}

/// Posts until told to stop; half of the clients keep their connection.
async fn load(gateway: SocketAddr, keeps: bool, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) -> Result<()> {
    let mut stream = TcpStream::connect(gateway).await?;
    while !stop.load(Ordering::Relaxed) {
        post(&mut stream).await?;
        done.fetch_add(1, Ordering::Relaxed);
        if !keeps {
            stream = TcpStream::connect(gateway).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_pods_come_and_go() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::start().await?;
    for object in objects() {
        apply(&scene.plane, &object).await?;
    }
    scene.change(json!({ "spec": { "replicas": 3 } }), 3).await?;
    // Somebody who calls the Service from within, besides those who come through the gateway.
    let caller = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "namespace": "default", "name": "caller" }, "spec": {
        "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 1, "restartPolicy": "Never",
        "containers": [{ "name": "caller", "image": "program", "args": ["post", "10.96.0.80", "80"] }] } });
    apply(&scene.plane, &caller).await?;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut first = TcpStream::connect(scene.gateway.address()).await?;
    while post(&mut first).await.is_err() {
        // The route is not known yet.
        first = TcpStream::connect(scene.gateway.address()).await?;
    }
    let mut clients = JoinSet::new();
    for at in 0..CLIENTS {
        clients.spawn(load(scene.gateway.address(), at % 2 == 0, Arc::clone(&stop), Arc::clone(&done)));
    }
    for round in 0..ROUNDS {
        let template = json!({ "metadata": { "annotations": { "round": round.to_string() } } });
        scene.change(json!({ "spec": { "template": template } }), 3).await?;
        scene.change(json!({ "spec": { "replicas": 1 } }), 1).await?;
        scene.change(json!({ "spec": { "replicas": 3 } }), 3).await?;
    }
    stop.store(true, Ordering::Relaxed);
    let failed: Vec<String> =
        clients.join_all().await.into_iter().filter_map(|it| it.err().map(|it| format!("{it:#}"))).collect();
    let log = scene.node.logs("default", "caller", None, LogOptions::default())?;
    let log: Vec<_> = log.try_collect().await?;
    let log = log.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect::<String>();
    let phase = scene.pods().get("caller").await?.status.and_then(|it| it.phase);
    scene.stop().await;
    assert_eq!(failed, Vec::<String>::new(), "of {} posts through the gateway", done.load(Ordering::Relaxed));
    assert!(phase.as_deref() == Some("Running") && log.lines().count() > 1, "the caller within: {phase:?} {log}");
    assert!(done.load(Ordering::Relaxed) > 100);
    println!(
        "{} posts through the gateway; within: {}",
        done.load(Ordering::Relaxed),
        log.lines().last().unwrap_or("")
    );
    Ok(())
}
