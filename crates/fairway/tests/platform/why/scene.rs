//! A platform with services that are in order, before something is planted in each.

use std::path::{Path, PathBuf};
use std::process::Output;

use fairway_api::v1alpha1::{Delivery, Environment, EnvironmentSpec};
use fairway_oci::{Contents, Layout, Reference};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ResourceQuota, Secret, Service};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::programs::{compiled, runs};
use crate::support::{Home, text};

/// A service with a fault.
pub(super) struct Planted {
    /// Its name.
    pub(super) name: &'static str,
    /// What the program does.
    pub(super) fault: &'static str,
    /// What it is told beside it.
    pub(super) settings: &'static [(&'static str, &'static str)],
    /// Where it is asked whether it is ready.
    pub(super) path: &'static str,
    /// Where it is delivered.
    pub(super) environment: &'static str,
    /// The kind of the cause.
    pub(super) kind: &'static str,
    /// What is told of it.
    pub(super) says: &'static [&'static str],
}

const BYSTANDER: Planted = Planted {
    name: "bystander",
    fault: "none",
    settings: &[],
    path: "/healthz",
    environment: "staging",
    kind: "Serving",
    says: &[],
};

pub(super) struct Scene {
    home: Home,
    client: kube::Client,
}

impl Scene {
    /// Every service serves in its first version.
    pub(super) async fn set(all: &[&Planted]) -> Self {
        let home = Home::new();
        home.up();
        let client = home.client().await;
        let scene = Self { home, client };
        let environments: Api<Environment> = Api::namespaced(scene.client.clone(), "sandbox");
        let cramped = Environment::new("cramped", EnvironmentSpec::default());
        environments.create(&PostParams::default(), &cramped).await.expect("an environment");
        for it in all.iter().copied().chain([&BYSTANDER]) {
            scene.configure(it, "none", "/healthz");
            let image = scene.image(it.name, 1);
            scene.ok(it, &["create-service", &format!("--name={}", it.name), "--image", &image]);
            scene.ok(it, &["deploy", it.name, &env(it), "--release=1", "--no-wait"]);
        }
        for it in all.iter().copied().chain([&BYSTANDER]) {
            scene.ok(it, &["status", it.name, &env(it), "--wait"]);
        }
        let away = json!({ "metadata": { "name": "away" }, "spec": { "selector": { "app": "away" }, "ports": [{ "port": 5432 }] } });
        scene.make::<Service>("staging", away).await;
        let keys = json!({ "metadata": { "name": "keys" }, "stringData": { "tokens": "never-to-be-seen-7f3" } });
        scene.make::<Secret>("staging", keys).await;
        let quota = json!({ "metadata": { "name": "compute" }, "spec": { "hard": { "pods": "1" } } });
        scene.make::<ResourceQuota>("cramped", quota).await;
        scene
    }

    async fn make<K>(&self, environment: &str, object: Value)
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
        K::DynamicType: Default,
    {
        let object: K = serde_json::from_value(object).expect("an object");
        let api: Api<K> = Api::namespaced(self.client.clone(), &format!("sandbox--{environment}"));
        api.create(&PostParams::default(), &object).await.expect("make an object");
    }

    /// Delivers the version with the fault, and does not wait.
    pub(super) fn plant(&self, it: &Planted) {
        self.configure(it, it.fault, it.path);
        let image = self.image(it.name, 2);
        let release =
            self.ok(it, &["release", "create", &format!("--service={}", it.name), "--image", &image, "-o", "json"]);
        let release: Value = serde_json::from_str(&release).expect("a release");
        if it.name == "image" {
            self.lose_image(&image);
        }
        let release = format!("--release={}", release["version"].as_str().expect("a version"));
        self.ok(it, &["deploy", it.name, &env(it), &release, "--no-wait"]);
    }

    /// Waits until it is refused. What is planted from outside is planted here.
    pub(super) async fn settle(&self, it: &Planted) {
        let output = self.run(it, &["status", it.name, &env(it), "--wait", "--timeout=2m"]);
        if it.name != "secret" {
            assert_eq!(output.status.code(), Some(5), "{}: {}", it.name, text(&output.stdout));
            return;
        }
        // Somebody's hand: a variable from a key that is not there.
        let from = json!({ "secretKeyRef": { "name": "keys", "key": "token" } });
        let container = json!({ "name": "web", "env": [{ "name": "TOKEN", "valueFrom": from }] });
        let patch = json!({ "spec": { "template": { "spec": { "containers": [container] } } } });
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), "sandbox--staging");
        api.patch(it.name, &PatchParams::default(), &Patch::Strategic(patch)).await.expect("change it by hand");
        while self.why(it)["kind"] != it.kind {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    /// What `why` says, for programs.
    pub(super) fn why(&self, it: &Planted) -> Value {
        let said = self.ok(it, &["why", it.name, &env(it), "-o", "json"]);
        assert!(!said.contains("never-to-be-seen"), "{said}");
        serde_json::from_str(&said).expect("a cause")
    }

    /// The first line of `status` and of `why` name what is to blame.
    pub(super) fn first_line_says(&self, it: &Planted, said: &Value) {
        let sentence = said["sentence"].as_str().expect("a sentence");
        let status = text(&self.run(it, &["status", it.name, &env(it)]).stdout);
        let why = self.ok(it, &["why", it.name, &env(it)]);
        for told in [&status, &why] {
            let first = told.lines().next().unwrap_or_default();
            assert!(first.contains(sentence), "{}: {told}", it.name);
        }
        assert!(status.contains("goes on serving") || it.name == "secret", "{}: {status}", it.name);
    }

    /// The Delivery itself names what is to blame: whoever watches it needs to ask nobody.
    pub(super) async fn delivery_says(&self, it: &Planted, said: &Value) {
        let by_itself = [
            "WrongDatabasePassword",
            "MissingVariable",
            "DatabaseDown",
            "MisspeltService",
            "EgressDenied",
            "WrongProbePath",
            "PortMismatch",
        ];
        if by_itself.contains(&it.kind) {
            let api: Api<Delivery> = Api::namespaced(self.client.clone(), "sandbox--staging");
            let summary = api.get(it.name).await.expect("a delivery").status.expect("a status").explanation.summary;
            let sentence = said["sentence"].as_str().expect("a sentence");
            assert!(summary.contains(&format!("refused by its health check ({sentence}: ")), "{}: {summary}", it.name);
        }
    }

    fn configure(&self, it: &Planted, fault: &str, path: &str) {
        let folder = self.folder(it.name);
        std::fs::create_dir_all(folder.join("config")).expect("a folder");
        std::fs::write(folder.join("score.yaml"), SCORE.replace("NAME", it.name).replace("PATH", path))
            .expect("a file");
        let settings: String = it.settings.iter().map(|(name, value)| format!("{name}: \"{value}\"\n")).collect();
        std::fs::write(folder.join("config/default.yaml"), format!("FAULT: {fault}\n{settings}")).expect("a file");
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.home.work().join(name)
    }

    /// An image that no other service has.
    fn image(&self, name: &str, number: u32) -> String {
        let folder = self.home.work().join(format!("image-{name}-{number}"));
        let layout = Layout::open(&folder).expect("a layout");
        let mut contents = Contents::new();
        contents.add_file("app/planted", &compiled("planted"), true).expect("the program");
        contents.add_bytes("app/name", format!("{name} {number}").into_bytes(), false).expect("a file");
        let image = layout.build(None, &contents, &runs("planted")).expect("an image");
        let reference: Reference = "test/planted:1".parse().expect("a name");
        layout.tag(&reference, &image).expect("name it");
        folder.display().to_string()
    }

    /// The image store no longer has what a release names.
    fn lose_image(&self, image: &str) {
        let reference: Reference = "test/planted:1".parse().expect("a name");
        let image = Layout::open(Path::new(image)).expect("a layout").resolve(&reference).expect("the image");
        let blob = self.home.path().join("images/blobs").join(image.digest.to_string().replace(':', "/"));
        std::fs::remove_file(&blob).expect("remove the manifest");
    }

    fn run(&self, it: &Planted, arguments: &[&str]) -> Output {
        let mut command = self.home.command(arguments);
        command.current_dir(self.folder(it.name)).output().expect("the binary runs")
    }

    fn ok(&self, it: &Planted, arguments: &[&str]) -> String {
        let output = self.run(it, arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stderr), self.home.log());
        text(&output.stdout)
    }
}

fn env(it: &Planted) -> String {
    format!("--env={}", it.environment)
}

const SCORE: &str = "\
apiVersion: score.dev/v1b1
metadata:
  name: NAME
  annotations: { fairway.dev/ready-within: 8s }
containers:
  web:
    image: .
    readinessProbe:
      httpGet: { path: PATH, port: 8080 }
    resources:
      requests: { cpu: 10m, memory: 16Mi }
      limits: { cpu: 500m, memory: 48Mi }
service:
  ports:
    http: { port: 80, targetPort: 8080 }
";
