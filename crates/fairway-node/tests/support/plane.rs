//! A real API server, a real node on it, and an image of the test program.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "test support: not every test program uses all of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairway_clock::World;
use fairway_node::runner::{Footprint, LogOptions, Runner};
use fairway_node::{FolderImages, HostImage, HostImages, Images, Node, NodeSettings};
use fairway_outside::Outside;
use fairway_testkit::{TestPlane, administrator};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Event, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};

use crate::bench;

pub(crate) struct Plane {
    pub(crate) api: TestPlane,
    pub(crate) node: Option<Node>,
    _leftovers: bench::Leftovers,
    folder: tempfile::TempDir,
    images: Arc<dyn Images>,
    /// The way out of the next node that begins.
    pub(crate) outside: Outside,
}

impl Plane {
    /// A plane whose images lie in a folder; nothing where pods cannot run.
    pub(crate) async fn start() -> Option<Self> {
        Self::with(|state| Arc::new(FolderImages::new(state.join("images")))).await
    }

    pub(crate) async fn with(images: impl FnOnce(&Path) -> Arc<dyn Images>) -> Option<Self> {
        if !bench::can_run_pods() {
            return None;
        }
        let plane = TestPlane::guarded().await.unwrap();
        give_rights(&plane).await;
        let account: ServiceAccount = serde_json::from_value(json!({ "metadata": { "name": "default" } })).unwrap();
        let accounts: Api<ServiceAccount> = Api::namespaced(plane.client(), "default");
        let _there = accounts.create(&PostParams::default(), &account).await;
        let folder = tempfile::Builder::new().prefix("fairway-node-").tempdir().unwrap();
        bench::open_to_all(folder.path());
        let images = images(&folder.path().join("node"));
        let mut it = Self {
            api: plane,
            node: None,
            _leftovers: bench::Leftovers(folder.path().join("node")),
            folder,
            images,
            outside: Outside::direct(),
        };
        it.begin().await;
        bench::put_program(&it.state().join("images/program/rootfs"));
        fs::write(it.state().join("images/program/config.json"), r#"{"entrypoint":["/bin/program"]}"#).unwrap();
        Some(it)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("node")
    }

    /// Starts the node, also once more after it was stopped.
    pub(crate) async fn begin(&mut self) {
        let images = Arc::clone(&self.images);
        // It acts with no more rights than it asks for.
        let mut itself = administrator();
        (itself.user, itself.groups) = ("node".into(), Vec::new());
        let client = self.api.client_as(itself);
        let world = World::system();
        let program = bench::pod_program();
        let mut settings = NodeSettings::usual(self.state(), "here", client, images, program, world);
        settings.host_images = host_images();
        settings.outside = self.outside.clone();
        let node = Node::start(settings).await.unwrap();
        node.registered().await;
        self.node = Some(node);
    }

    /// Whether every pod has a range of users.
    pub(crate) fn has_ranges(&self) -> bool {
        Runner::open(&self.state(), Path::new("/none"), &fairway_clock::SystemEntropy).unwrap().has_ranges()
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    pub(crate) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.api.client(), "default")
    }

    /// Makes a pod that is bound already. `spec` (with `annotations`) is merged over a container `app` that runs these words.
    pub(crate) async fn pod(&self, name: &str, words: &[&str], spec: Value) -> Pod {
        let mut container = json!({ "name": "app", "image": "program", "args": words });
        let mut pod = json!({
            "nodeName": "here", "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 1,
        });
        for (key, value) in spec.as_object().unwrap() {
            match key.strip_prefix("app.") {
                Some(key) => container[key] = value.clone(),
                None => pod[key] = value.clone(),
            }
        }
        if pod.get("containers").is_none() {
            pod["containers"] = json!([container]);
        }
        let annotations = pod.as_object_mut().unwrap().remove("annotations");
        let metadata = json!({ "name": name, "labels": { "app": name }, "annotations": annotations });
        let pod = json!({ "metadata": metadata, "spec": pod });
        self.pods().create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap()
    }

    /// Waits until the API's pod is so.
    pub(crate) async fn until(&self, name: &str, what: &str, condition: impl Fn(&Pod) -> bool) -> Pod {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut pods = watcher(self.pods(), config).applied_objects().boxed();
        let mut last = None;
        let found = tokio::time::timeout(std::time::Duration::from_secs(120), async {
            while let Some(pod) = pods.try_next().await.unwrap() {
                if condition(&pod) {
                    return pod;
                }
                last = Some(pod);
            }
            panic!("the watch ended")
        });
        let Ok(pod) = found.await else { panic!("{name} was never {what}: {:#?}", last.map(|it| it.status)) };
        pod
    }

    pub(crate) async fn gone(&self, name: &str) {
        while self.pods().get_opt(name).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until no process of any pod is left.
    pub(crate) async fn quiet(&self) {
        while self.node().footprint().processes > 0 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.pods().delete(name, &DeleteParams::default()).await.unwrap();
        self.gone(name).await;
    }

    pub(crate) async fn events(&self, reason: &str) -> Vec<String> {
        let events: Api<Event> = Api::namespaced(self.api.client(), "default");
        let all = events.list(&ListParams::default()).await.unwrap().items;
        all.into_iter().filter(|it| it.reason.as_deref() == Some(reason)).filter_map(|it| it.message).collect()
    }

    /// All that a pod said, whatever it is.
    pub(crate) async fn bytes(&self, name: &str) -> Vec<u8> {
        let stream = self.node().logs("default", name, None, LogOptions::default()).unwrap();
        let parts: Vec<_> = stream.try_collect().await.unwrap();
        parts.concat()
    }

    pub(crate) async fn log(&self, name: &str, options: LogOptions) -> String {
        self.said(name, None, options).await
    }

    /// What one of several containers said.
    pub(crate) async fn log_of(&self, name: &str, container: &str) -> String {
        self.said(name, Some(container), LogOptions::default()).await
    }

    async fn said(&self, name: &str, container: Option<&str>, options: LogOptions) -> String {
        let stream = self.node().logs("default", name, container, options).unwrap();
        let parts: Vec<_> = stream.try_collect().await.unwrap();
        parts.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect()
    }

    /// Stops everything and checks that the machine is as before.
    pub(crate) async fn clean(mut self) {
        self.node.take().unwrap().stop(false).await;
        let runner = Runner::open(&self.state(), Path::new("/none"), &fairway_clock::SystemEntropy).unwrap();
        assert_eq!(runner.footprint(), Footprint::default());
        self.api.stop().await;
    }
}

/// What this machine has: its system, the same with its Rust toolchain if there is one, and one that cannot be.
fn host_images() -> HostImages {
    let mut images = HostImages::default();
    images.images.insert("system".into(), HostImage::of_system());
    if let Some(sysroot) = rust() {
        let image = HostImage::of_system().with(sysroot, "/opt/rust").first_in_path("/opt/rust/bin");
        let bundle = fairway_outside::trust::Bundle::find(|_| None).machine;
        let image = bundle.map_or(image.clone(), |it| image.trusting(&it));
        images.images.insert("rust".into(), image.variable("CARGO_HOME", "/tmp/cargo"));
    }
    images.images.insert("program".into(), HostImage::of_system().with(bench::built(), "/opt/program"));
    images.images.insert("broken".into(), HostImage::of_system().with("/no/such/toolchain", "/opt/it"));
    images
}

/// The toolchain that builds these tests, if whoever runs them may read it.
pub(crate) fn rust() -> Option<PathBuf> {
    let output = std::process::Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    sysroot.join("bin/cargo").is_file().then_some(sysroot)
}

async fn give_rights(plane: &TestPlane) {
    let role = json!({ "metadata": { "name": "node" }, "rules": fairway_node::rules() });
    let role: ClusterRole = serde_json::from_value(role).unwrap();
    Api::all(plane.client()).create(&PostParams::default(), &role).await.unwrap();
    let group = "rbac.authorization.k8s.io";
    let binding = json!({ "metadata": { "name": "node" },
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "node" },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": "node" }] });
    let binding: ClusterRoleBinding = serde_json::from_value(binding).unwrap();
    Api::all(plane.client()).create(&PostParams::default(), &binding).await.unwrap();
}

/// The state of the container `app`, in a word or two.
pub(crate) fn state(pod: &Pod) -> String {
    let statuses = pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten());
    let Some(state) = statuses.filter(|it| it.name == "app").find_map(|it| it.state.clone()) else {
        return "nothing".into();
    };
    match (state.running, state.waiting, state.terminated) {
        (Some(_), ..) => "running".into(),
        (_, Some(it), _) => format!("waiting {}", it.reason.unwrap_or_default()),
        (.., Some(it)) => format!("terminated {} {}", it.exit_code, it.reason.unwrap_or_default()),
        _ => "nothing".into(),
    }
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|it| it.conditions.iter().flatten());
    conditions.filter(|it| it.type_ == "Ready").any(|it| it.status == "True")
}

pub(crate) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|it| it.phase.as_deref()).unwrap_or("none")
}

pub(crate) fn restarts(pod: &Pod) -> i32 {
    pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten()).map(|it| it.restart_count).sum()
}
