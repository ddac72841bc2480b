//! A developer with a clone of a hosted repository: pushes with real git, and a visitor's look at what came of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{Home, can_run_containers, text};

pub(crate) const PIPELINE: &str = r"apiVersion: fairway.dev/v1alpha1
kind: Pipeline
steps:
  - name: test
    toolchain: rust
    timeout: 20s
    network: []
    run: . ./test.sh
  - name: build
    needs: [test]
    toolchain: rust
    network: []
    run: mkdir -p out && rustc -C target-feature=+crt-static -o out/orders main.rs
    image: { program: out/orders }
    inputs: [main.rs, answer.txt]
refs:
  - { match: main, release: true, deliverTo: [staging] }
";
const PROGRAM: &str = r#"use std::io::{Read, Write};

fn main() {
    let listener = std::net::TcpListener::bind("0.0.0.0:8080").unwrap();
    for mut stream in listener.incoming().flatten() {
        let _ = stream.read(&mut [0u8; 4096]);
        let answer = include_str!("answer.txt").trim();
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len());
    }
}
"#;
pub(crate) const TEST: &str = "grep -q good answer.txt || { echo 'test tests::is_good ... FAILED'; exit 101; }\n";

/// Somebody with a clone of the service's repository.
pub(crate) struct Developer<'a> {
    home: &'a Home,
    clone: PathBuf,
}

impl<'a> Developer<'a> {
    pub(crate) fn of(home: &'a Home) -> Self {
        let it = Self { home, clone: home.work().join("orders") };
        let url = it.url();
        it.git(&home.work(), &["clone", "--quiet", &url, "orders"]);
        it
    }

    pub(crate) fn url(&self) -> String {
        let component = self.home.ok(&["get", "component", "orders", "-o", "json"]);
        let component: Value = serde_json::from_str(&component).expect("JSON");
        component["status"]["repository"]["url"].as_str().expect("a repository").to_owned()
    }

    pub(crate) fn try_git(&self, folder: &Path, arguments: &[&str]) -> Output {
        let token = std::fs::read_to_string(self.home.path().join("admin.token")).expect("a token");
        let helper = format!("!f() {{ test \"$1\" = get && echo username=me && echo password={}; }}; f", token.trim());
        let mut command = Command::new("git");
        command.arg("-c").arg(format!("http.sslCAInfo={}", self.home.path().join("pki/ca.crt").display()));
        command.arg("-c").arg(format!("credential.helper={helper}")).args(arguments).current_dir(folder);
        command.stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env_remove("GIT_SSL_CAINFO").env_remove("GIT_SSL_CAPATH");
        for part in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{part}_NAME"), "Ada").env(format!("GIT_{part}_EMAIL"), "ada@example.org");
        }
        command.output().expect("git runs")
    }

    pub(crate) fn git(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.try_git(folder, arguments);
        assert!(output.status.success(), "git {arguments:?}: {}{}", text(&output.stderr), self.home.log());
        text(&output.stdout).trim().to_owned()
    }

    /// Commits these files, and gives the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            std::fs::write(self.clone.join(path), content).expect("write a file");
        }
        self.git(&self.clone, &["add", "--all"]);
        self.git(&self.clone, &["commit", "--quiet", "-m", "A change"]);
        self.git(&self.clone, &["rev-parse", "HEAD"])
    }

    /// Pushes what is committed to main; the platform may die meanwhile.
    pub(crate) fn try_push(&self) -> Output {
        // The port is another one after each start.
        self.try_git(&self.clone, &["push", "--quiet", &self.url(), "HEAD:refs/heads/main"])
    }

    /// Commits these files, pushes them to main, and gives the commit.
    pub(crate) fn push(&self, files: &[(&str, &str)]) -> String {
        let commit = self.commit(files);
        let output = self.try_push();
        assert!(output.status.success(), "git push: {}{}", text(&output.stderr), self.home.log());
        commit
    }

    /// The same to another branch.
    pub(crate) fn push_to(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let commit = self.commit(files);
        self.git(&self.clone, &["push", "--quiet", &self.url(), &format!("HEAD:refs/heads/{branch}")]);
        commit
    }

    /// The run of a commit, as `pipeline runs` shows it.
    pub(crate) fn run_of(&self, commit: &str) -> Option<Value> {
        let runs: Value = serde_json::from_str(&self.home.ok(&["pipeline", "runs", "orders", "-o", "json"])).ok()?;
        runs["items"].as_array()?.iter().find(|it| it["commit"] == commit).cloned()
    }

    /// Looks at the run of a commit until it is as it should be.
    pub(crate) fn until(&self, commit: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..900 {
            if let Some(run) = self.run_of(commit).filter(|it| holds(it)) {
                return run;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        unreachable!("never {what}: {:?}{}", self.run_of(commit), self.home.log())
    }

    /// Waits until the run of a commit has ended in this state, and gives what it says.
    pub(crate) fn ends(&self, commit: &str, state: &str) -> String {
        let open = ["Waiting", "Running", "Queued", "ApplyFailed"];
        let run = self.until(commit, "over", |it| it["state"].as_str().is_some_and(|it| !open.contains(&it)));
        assert_eq!(run["state"], state, "{run}{}", self.printed(&run));
        run["summary"].as_str().unwrap_or_default().to_owned()
    }

    /// What the steps of a run printed.
    pub(crate) fn printed(&self, run: &Value) -> String {
        let output = self.home.run(&["pipeline", "logs", run["name"].as_str().unwrap_or_default()]);
        format!("\n{}{}", text(&output.stdout), text(&output.stderr))
    }

    pub(crate) fn page(&self) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.home.gateway_port())).ok()?;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: orders.staging.sandbox.localhost\r\nconnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.1 200").then(|| answer.lines().last().unwrap_or_default().to_owned())
    }

    /// Waits until the page shows this, and sees to it that until then it shows what it did before, if anything.
    pub(crate) fn shows_after(&self, before: &str, wanted: &str) {
        for _ in 0..600 {
            match self.page().as_deref() {
                Some(it) if it == wanted => return,
                None => {}
                Some(it) => assert_eq!(it, before, "neither this version nor the one before"),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        unreachable!("the page never shows {wanted:?}: {:?}{}", self.page(), self.home.log());
    }

    pub(crate) fn shows(&self, wanted: &str) {
        for _ in 0..300 {
            if self.page().as_deref() == Some(wanted) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        unreachable!("the page never shows {wanted:?}: {:?}{}", self.page(), self.home.log());
    }
}

/// A service whose first version was pushed and serves.
pub(crate) fn serving(home: &Home) -> Developer<'_> {
    home.up();
    home.ok(&["create-service", "--name=orders", "--language=rust"]);
    let developer = Developer::of(home);
    let score = include_str!("../../../../../examples/hello/score.yaml").replace("name: hello", "name: orders");
    let first = developer.push(&[
        (".fairway/pipeline.yaml", PIPELINE),
        ("score.yaml", &score),
        ("main.rs", PROGRAM),
        ("test.sh", TEST),
        ("answer.txt", "good 1"),
    ]);
    let said = developer.ends(&first, "Succeeded");
    assert!(said.contains("on its way to staging"), "{said}");
    developer.shows("good 1");
    developer
}

/// Whether services can be built and run here.
pub(crate) fn can_build() -> bool {
    let rustc = Command::new("rustc").arg("-vV").stdout(Stdio::null()).status();
    can_run_containers() && rustc.is_ok_and(|it| it.success())
}
