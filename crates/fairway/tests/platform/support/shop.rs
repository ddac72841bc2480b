//! A service that has a real database: what its page shows is what the database holds, and each request is a login of its
//! own. Its migrations run as golden paths run theirs.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use fairway_oci::base::Base;
use fairway_oci::{Contents, Descriptor, Layout, Reference};
use k8s_openapi::api::batch::v1::Job;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::Value;

use super::programs::{compiled, runs};
use super::{Home, is_superseded, text, visitors};

/// The first version of its schema, and the word that its page shows.
pub(crate) const FIRST: (&str, &str) = (
    "0001_init.sql",
    "-- fairway: compatible\nCREATE TABLE told (word text);\nINSERT INTO told VALUES ('good');\nCREATE TABLE ballast (it text);\n",
);
const BASE: &str = "postgres-15";

/// The service, in a home of its own.
pub(crate) struct Shop {
    pub(crate) home: Home,
    folder: PathBuf,
    base: Descriptor,
    database: &'static str,
}

impl Shop {
    /// It serves in its first version. Nothing where its base image cannot be had here.
    pub(crate) fn serving(home: Home) -> Option<Self> {
        Self::serving_with(home, "{ type: postgres }")
    }

    /// The same with another database than the usual one.
    pub(crate) fn serving_with(home: Home, database: &'static str) -> Option<Self> {
        let built = home.run(&["base", "build", BASE]);
        let said = text(&built.stderr);
        if is_superseded(&said) {
            return None;
        }
        assert!(built.status.success(), "{said}");
        let store = Layout::open(&home.path().join("images")).expect("the image store");
        let made =
            fairway_oci::base::find(&store, &Base::known(BASE).expect("a base")).expect("a store").expect("the image");
        let folder = home.work().join("shop");
        std::fs::create_dir_all(folder.join("config")).expect("a folder");
        let it = Self { home, folder, base: made.descriptor, database };
        it.write(&[FIRST], "asks", "");
        let image = it.image("first");
        it.ok(&["create-service", "--name=shop", "--image", &image]);
        it.ok(&["deploy", "shop", "--env=staging", "--release=1", "--timeout=5m"]);
        it.shows("good");
        Some(it)
    }

    /// What the next version has: these migrations, this `FAULT`, and these further annotations.
    pub(crate) fn write(&self, migrations: &[(&str, &str)], fault: &str, annotations: &str) {
        let _ = std::fs::remove_dir_all(self.folder.join("migrations"));
        std::fs::create_dir_all(self.folder.join("migrations")).expect("a folder");
        for (name, text) in migrations {
            std::fs::write(self.folder.join("migrations").join(name), text).expect("a file");
        }
        std::fs::write(self.folder.join("config/default.yaml"), format!("FAULT: {fault}\n")).expect("a file");
        std::fs::write(
            self.folder.join("score.yaml"),
            SCORE.replace("ANNOTATIONS", annotations).replace("NEEDED", self.database),
        )
        .expect("a file");
    }

    /// From the next version on it needs another database.
    pub(crate) fn needs(&mut self, database: &'static str) {
        self.database = database;
    }

    /// Delivers what is written as a new version, and gives what `deploy` says of it.
    pub(crate) fn deliver(&self, name: &str) -> Output {
        let release = self.release(name);
        self.run(&["deploy", "shop", "--env=staging", &release, "--timeout=3m"])
    }

    /// Makes a version of what is written, and gives the option that names it.
    pub(crate) fn release(&self, name: &str) -> String {
        let image = self.image(name);
        let release = self.ok(&["release", "create", "--service=shop", "--image", &image, "-o", "json"]);
        let release: Value = serde_json::from_str(&release).expect("a release");
        format!("--release={}", release["version"].as_str().expect("a version"))
    }

    /// The base with the program and the migrations.
    fn image(&self, name: &str) -> String {
        let folder = self.home.work().join(format!("image-{name}"));
        let layout = Layout::open(&folder).expect("a layout");
        for blob in find(&self.home.path().join("images/blobs"), "") {
            let to = folder.join("blobs/sha256").join(blob.file_name().expect("a name"));
            std::fs::create_dir_all(folder.join("blobs/sha256")).expect("a folder");
            std::fs::copy(blob, to).expect("copy the base");
        }
        let mut contents = Contents::new();
        contents.add_file("app/planted", &compiled("planted"), true).expect("the program");
        contents.add_bytes("app/name", name.as_bytes().to_vec(), false).expect("a file");
        for file in find(&self.folder.join("migrations"), ".sql") {
            let name = file.file_name().expect("a name").to_string_lossy().into_owned();
            contents.add_file(&format!("app/migrations/{name}"), &file, false).expect("a migration");
        }
        let image = layout.build(Some(&self.base), &contents, &runs("planted")).expect("an image");
        let reference: Reference = "test/shop:1".parse().expect("a name");
        layout.tag(&reference, &image).expect("name it");
        folder.display().to_string()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.home.command(arguments).current_dir(&self.folder).output().expect("the binary runs")
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = || format!("{}{}{}", text(&output.stdout), text(&output.stderr), self.home.log());
        assert!(output.status.success(), "platform {}: {}", arguments.join(" "), said());
        text(&output.stdout)
    }

    /// What `why` says, for programs.
    pub(crate) fn why(&self) -> Value {
        serde_json::from_str(&self.ok(&["why", "shop", "--env=staging", "-o", "json"])).expect("a cause")
    }

    /// Asks until `why` names this kind of cause.
    pub(crate) fn why_until(&self, kind: &str) -> Value {
        for _ in 0..300 {
            let cause = self.why();
            if cause["kind"] == kind {
                return cause;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        unreachable!("never {kind}: {:#}{}", self.why(), self.home.log())
    }

    /// Types the next command of a cause, as it stands there.
    pub(crate) fn next(&self, cause: &Value) -> String {
        let next = cause["nextStep"].as_str().expect("a next command");
        let words: Vec<&str> = next.split(' ').collect();
        assert_eq!(words[0], "platform", "{next}");
        self.ok(&words[1..])
    }

    /// Runs a line of shell in an instance, with what the service knows.
    pub(crate) fn shell(&self, line: &str) -> Output {
        self.run(&["exec", "shop", "--env=staging", "--", "/bin/sh", "-c", line])
    }

    pub(crate) fn page(&self, path: &str) -> Option<(u16, String)> {
        visitors::page(self.home.gateway_port(), "shop.staging.sandbox.localhost", path).ok()
    }

    /// The Jobs of its migrations that have not ended.
    pub(crate) fn at_work(&self) -> Vec<String> {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let jobs = runtime.block_on(async {
            let jobs: Api<Job> = Api::namespaced(self.home.client().await, "sandbox--staging");
            jobs.list(&ListParams::default().labels("fairway.dev/migration=shop")).await.expect("jobs").items
        });
        let is_at_work = |it: &Job| it.status.as_ref().is_none_or(|it| it.conditions.is_none());
        jobs.iter().filter(|it| is_at_work(it)).map(ResourceExt::name_any).collect()
    }

    /// Asks until its delivery says this of itself.
    pub(crate) fn says(&self, sentence: &str) {
        let mut said = String::new();
        for _ in 0..300 {
            said = text(&self.run(&["status", "shop", "--env=staging"]).stdout);
            if said.contains(sentence) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        unreachable!("it never says {sentence:?}: {said}{}", self.home.log())
    }

    /// Looks at its page until it shows this.
    pub(crate) fn shows(&self, word: &str) {
        for _ in 0..300 {
            if self.page("/").is_some_and(|it| it == (200, word.to_owned())) {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        unreachable!("it never shows {word:?}: {:?}{}", self.page("/"), self.home.log());
    }
}

/// The database servers whose folder is in this home.
pub(crate) fn servers(home: &Home) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let mounts = text(&read("mountinfo"));
        let line = text(&read("cmdline"));
        let ours = mounts.contains(home.path().to_string_lossy().as_ref());
        if ours && line.starts_with("postgres\0-D\0") {
            found.push(pid);
        }
    }
    found
}

/// Files below a folder whose names end so; images are not looked into.
pub(crate) fn find(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        match entry.file_type() {
            Ok(it) if it.is_dir() && !["images", "rootfs"].contains(&name.as_str()) => found.extend(find(&path, end)),
            Ok(it) if it.is_file() && name.ends_with(end) => found.push(path),
            _ => {}
        }
    }
    found
}

const SCORE: &str = "\
apiVersion: score.dev/v1b1
metadata:
  name: shop
  annotations:
    fairway.dev/ready-within: 60s
    fairway.dev/migrate: /app/planted migrate
ANNOTATIONS
containers:
  web:
    image: .
    variables:
      DATABASE_URL: ${resources.db.url}
    readinessProbe:
      httpGet: { path: /healthz, port: 8080 }
    resources:
      requests: { cpu: 10m, memory: 16Mi }
      limits: { cpu: 500m, memory: 128Mi }
service:
  ports:
    http: { port: 80, targetPort: 8080 }
resources:
  db: NEEDED
";
