//! A platform that runs, images for its pods, and a kubectl that knows only what `platform kubeconfig` prints.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use fairway_oci::{Contents, ImageSpec, Layout, Platform, Reference, Target};
use fairway_testkit::kubectl::{programs, say_skipped};

use crate::support::{Home, can_run_containers, text};

/// What runs in the pods: a server that says who it is, on its log and to whoever asks; told `ONCE`, it ends at once, and with
/// a word it copies what it reads.
const PROGRAM: &str = r#"
use std::io::{Read, Write};
unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(code: i32) -> !;
}
extern "C" fn stop(_: i32) {
    unsafe { _exit(0) }
}
fn main() {
    // The first process of a namespace is not ended by a signal that it does not handle.
    unsafe { signal(15, stop) };
    if std::env::var_os("ONCE").is_some() {
        println!("done once");
        return;
    }
    if std::env::args().len() > 1 {
        std::io::copy(&mut std::io::stdin(), &mut std::io::stdout()).unwrap();
        println!("copied");
        return;
    }
    let name = std::env::var("NAME").unwrap_or_default();
    let listener = std::net::TcpListener::bind("0.0.0.0:8080").unwrap();
    println!("listening as {name}");
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{name}", name.len());
    }
}
"#;

/// The longest that anything may take before the test fails.
const PATIENCE: &str = "90";

pub(super) struct Scene {
    kubectl: PathBuf,
    server: PathBuf,
    config: PathBuf,
    home: Home,
}

impl Scene {
    /// None, with a word about it, where there is no kubectl or no container can run.
    pub(super) fn begin() -> Option<Self> {
        if !can_run_containers() {
            return None;
        }
        let Some(kubectl) = programs().pop() else {
            say_skipped("kubectl against the running platform");
            return None;
        };
        let home = Home::new();
        let server = compile(&home.work());
        home.up();
        let config = home.work().join("kubeconfig");
        std::fs::write(&config, home.ok(&["kubeconfig"])).expect("write what kubectl needs");
        Some(Self { kubectl, server, config, home })
    }

    /// An image whose server says that name.
    pub(super) fn image(&self, name: &str) -> String {
        let layout = Layout::open(&self.home.path().join("images")).expect("the image store");
        let mut contents = Contents::new();
        contents.add_file("server", &self.server, true).expect("add the server");
        let spec = ImageSpec {
            platform: Platform::host(),
            entrypoint: vec!["/server".to_owned()],
            cmd: Vec::new(),
            env: [("NAME".to_owned(), name.to_owned())].into(),
            working_dir: String::new(),
            exposed_ports: Vec::new(),
            labels: [].into(),
            created_by: "a test".to_owned(),
        };
        let descriptor = layout.build(None, &contents, &spec).expect("build an image");
        let reference = Reference::new("sandbox/shop", Target::Digest(descriptor.digest.clone())).expect("a reference");
        layout.tag(&reference, &descriptor).expect("tag it");
        reference.to_string()
    }

    /// What `kubectl create deployment` calls the container of such an image.
    pub(super) fn container(&self) -> String {
        let path = "get deployment shop -o jsonpath={.spec.template.spec.containers[0].name}";
        text(&self.run(path, "").stdout)
    }

    /// Runs a line that replaces the pods of the Deployment, and waits until it is rolled out and those before are gone:
    /// `rollout status` ends when they are told to end, and until they have, a line that picks a pod may pick one of them.
    pub(super) fn replaces(&self, line: &str, expected: &[&str]) {
        let before = text(&self.run("get pods -l app=shop -o name", "").stdout);
        self.says(line, expected);
        self.says("rollout status deployment/shop --timeout=60s", &["successfully rolled out"]);
        self.says(&format!("wait --for=delete --timeout=60s {}", before.replace('\n', " ")), &[]);
    }

    /// Runs a line that must succeed and print all that.
    pub(super) fn says(&self, line: &str, expected: &[&str]) {
        self.send(line, "", expected);
    }

    /// The same, sending it something.
    pub(super) fn send(&self, line: &str, input: &str, expected: &[&str]) {
        self.check(line, &self.run(line, input), true, expected);
    }

    /// Runs a line that must fail and say why.
    pub(super) fn refuses(&self, line: &str, expected: &[&str]) {
        self.check(line, &self.run(line, ""), false, expected);
    }

    /// Runs a line that goes on until it is dropped.
    pub(super) fn follow(&self, line: &str) -> Followed {
        let mut child = self.command(line).stdin(Stdio::null()).spawn().expect("kubectl starts");
        let lines = BufReader::new(child.stdout.take().expect("what it prints"));
        Followed { line: line.to_owned(), child, lines }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE).arg(&self.kubectl).args(line.split_whitespace()).env_clear();
        command.env("KUBECONFIG", &self.config).env("HOME", self.home.work()).env("PATH", "/usr/bin:/bin");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str, input: &str) -> Output {
        let mut child = self.command(line).stdin(Stdio::piped()).spawn().expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("its input");
        // A command that reads nothing may be gone already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("kubectl ends")
    }

    fn check(&self, line: &str, output: &Output, succeeds: bool, expected: &[&str]) {
        let said = text(&[output.stdout.as_slice(), &output.stderr].concat());
        let pods = || text(&self.run("get pods,deployments -o wide", "").stdout);
        assert_eq!(output.status.success(), succeeds, "kubectl {line}: {said}\n{}{}", pods(), self.home.log());
        for it in expected {
            assert!(said.contains(it), "kubectl {line} does not say {it:?} but:\n{said}\n{}", pods());
        }
    }
}

/// A line that goes on.
pub(super) struct Followed {
    line: String,
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Followed {
    /// Reads until a line is found that is meant; fails when there are no more.
    pub(super) fn until(&mut self, meant: impl Fn(&str) -> bool) {
        let mut seen = String::new();
        loop {
            let start = seen.len();
            let read = self.lines.read_line(&mut seen).expect("what it prints");
            assert!(read > 0, "kubectl {} ended after:\n{seen}", self.line);
            if meant(&seen[start..]) {
                return;
            }
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        // `timeout` would leave kubectl behind if it were killed; asked to end, it asks kubectl too.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn compile(folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("server.rs"), folder.join("server"));
    std::fs::write(&source, PROGRAM).expect("write the program");
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let compiled = Command::new("rustc")
        .args(["--edition=2024", "-C", "target-feature=+crt-static", "--target", &triple, "-o"])
        .args([&program, &source])
        .status()
        .expect("rustc runs");
    assert!(compiled.success(), "the program of the pods was not built");
    program
}
