//! Services and images that mean harm, delivered through the real platform. Each is refused with a sentence that says
//! what and where, and the next command; the version before goes on serving, and so does everybody else.

use std::path::Path;

use serde_json::Value;

use crate::support::hostile::{Flaw, damage, image, layer};
use crate::support::visitors::Visitors;
use crate::support::{Home, can_run_containers, text};

const HOSTS: [&str; 2] = ["victim.staging.sandbox.localhost", "bystander.staging.sandbox.localhost"];

/// A platform with two services in order: what is tried is tried on the first.
struct Scene {
    home: Home,
}

impl Scene {
    fn set() -> Option<Self> {
        if !can_run_containers() {
            return None;
        }
        let scene = Self { home: Home::new() };
        scene.home.up();
        for service in ["victim", "bystander"] {
            scene.configure(service, "good");
            scene.ok(service, &["create-service", &format!("--name={service}"), "--image", &scene.image(Flaw::None)]);
            scene.ok(service, &["deploy", service, "--env=staging", "--release=1"]);
        }
        Some(scene)
    }

    fn image(&self, flaw: Flaw) -> String {
        image(&self.home, flaw).display().to_string()
    }

    /// The service's folder, with its mode in its settings.
    fn configure(&self, service: &str, mode: &str) {
        let folder = self.home.work().join(service);
        std::fs::create_dir_all(folder.join("config")).expect("a folder");
        let score = SCORE.replace("NAME", service);
        std::fs::write(folder.join("score.yaml"), score).expect("write score.yaml");
        std::fs::write(folder.join("config/default.yaml"), format!("MODE: {mode}\n")).expect("write its settings");
    }

    fn command(&self, service: &str, arguments: &[&str]) -> std::process::Output {
        let mut command = self.home.command(arguments);
        command.current_dir(self.home.work().join(service)).output().expect("the binary runs")
    }

    fn ok(&self, service: &str, arguments: &[&str]) -> String {
        let output = self.command(service, arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stderr), self.home.log());
        text(&output.stdout)
    }

    /// Delivers a release that is to be refused, while everybody goes on being served. Gives the status.
    fn refused(&self, what: &str, release: &str) -> Value {
        let visitors = Visitors::of(self.home.gateway_port(), &HOSTS);
        let delivered = self.command("victim", &["deploy", "--env=staging", &format!("--release={release}")]);
        let said = text(&delivered.stderr);
        assert_eq!(delivered.status.code(), Some(5), "{what}: {said}");
        assert!(said.contains("refused by its health check") && said.contains("hint: "), "{what}: {said}");
        let status = self.command("victim", &["status", "--env=staging", "-o", "json"]);
        assert_eq!(status.status.code(), Some(5), "{what}");
        visitors.all_were_answered(what);
        let status: Value = serde_json::from_slice(&status.stdout).expect("a status");
        let summary = status["summary"].as_str().unwrap_or_default();
        eprintln!("{what}: {summary}");
        assert!(summary.contains("victim in staging: ") && summary.contains("v0.1.0 goes on serving"), "{summary}");
        assert!(status["nextStep"].as_str().unwrap_or_default().starts_with("platform "), "{what}: {status:#}");
        status
    }

    fn release(&self, image: &str) -> String {
        let made = self.ok("victim", &["release", "create", "--service=victim", "--image", image, "-o", "json"]);
        serde_json::from_str::<Value>(&made).expect("a release")["version"].as_str().expect("a version").to_owned()
    }

    /// The processes of a mode that are still there.
    fn left(mode: &str) -> usize {
        let needle = format!("MODE={mode}");
        let processes = std::fs::read_dir("/proc").expect("processes").flatten();
        let its = processes.filter(|it| {
            let environment = std::fs::read(it.path().join("environ")).unwrap_or_default();
            let program = std::fs::read(it.path().join("cmdline")).unwrap_or_default();
            program.starts_with(b"/app/hostile") && text(&environment).split('\0').any(|it| it == needle)
        });
        its.count()
    }
}

const SCORE: &str = "\
apiVersion: score.dev/v1b1
metadata:
  name: NAME
  annotations: { fairway.dev/ready-within: 4s }
containers:
  web:
    image: .
    readinessProbe:
      httpGet: { path: /healthz, port: 8080 }
    resources:
      requests: { cpu: 10m, memory: 16Mi }
      limits: { cpu: 500m, memory: 48Mi }
service:
  ports:
    http: { port: 80, targetPort: 8080 }
";

#[test]
fn a_hostile_program_is_refused_with_a_reason_and_harms_nobody() {
    let Some(scene) = Scene::set() else { return };
    let limited = fairway_node::machine::inspect().controllers.iter().any(|it| it == "memory");
    for (mode, part) in [
        ("deaf", "503"),
        ("exits", "exited with code 3"),
        ("never-ready", "503"),
        ("forks", "container web "),
        ("leaks", if limited { "more memory than its limit" } else { "not ready" }),
        ("prints", "503"),
    ] {
        scene.configure("victim", mode);
        let release = scene.release(&scene.image(Flaw::None));
        let status = scene.refused(mode, &release);
        assert!(status["summary"].as_str().unwrap_or_default().contains(part), "{mode}: {status:#}");
        assert_eq!(status["nextStep"], "platform logs victim --env=staging --previous", "{mode}");
        let printed = scene.ok("victim", &["logs", "--env=staging", "--previous"]);
        assert!(printed.contains(&format!("hostile: mode {mode}")) || mode == "prints", "{mode}: {printed}");
        let logs = scene.home.path().join("node");
        assert!(bytes_below(&logs) < 256 << 20, "{mode}: the node's folder has {} bytes", bytes_below(&logs));
    }
    scene.home.ok(&["down"]);
    for mode in ["deaf", "exits", "never-ready", "forks", "leaks", "prints", "good"] {
        assert_eq!(Scene::left(mode), 0, "{mode} is left");
    }
}

#[test]
fn a_hostile_image_is_refused_with_a_reason_and_harms_nobody() {
    let Some(scene) = Scene::set() else { return };
    for (what, flaw, part) in
        [("a link out", Flaw::Link, "points out of the image"), ("a bomb", Flaw::Bomb, "more than 8589934592 bytes")]
    {
        let release = scene.release(&scene.image(flaw));
        let status = scene.refused(what, &release);
        assert!(status["summary"].as_str().unwrap_or_default().contains(part), "{what}: {status:#}");
        assert_eq!(status["nextStep"], "platform deploy victim --env=staging", "{what}: nothing of it ever ran");
        assert!(bytes_below(&scene.home.path().join("node")) < 256 << 20, "{what}: it was unpacked");
    }
    // A wrong digest does not even come in.
    let image = scene.image(Flaw::Digest);
    let output = scene.command("victim", &["release", "create", "--service=victim", "--image", &image]);
    let said = text(&output.stderr);
    let wrong = layer(Path::new(&image)).to_string();
    assert!(!output.status.success() && said.contains(&wrong), "{said}");

    // What is damaged after it came in does not run.
    let image = scene.image(Flaw::Later);
    let release = scene.release(&image);
    damage(&scene.home.path().join("images"), &layer(Path::new(&image)));
    let status = scene.refused("a damaged layer", &release);
    assert!(status["summary"].as_str().unwrap_or_default().contains("its bytes are sha256:"), "{status:#}");
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |it: std::fs::DirEntry| match it.metadata() {
        Ok(about) if about.is_dir() => bytes_below(&it.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}
