//! A platform of its own for a test: the real binary, in a folder that goes away with everything in it.

pub(crate) mod developer;

pub(crate) mod gate;

pub(crate) mod hostile;

pub(crate) mod programs;

pub(crate) mod shop;

pub(crate) mod visitors;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A home, and a user who uses it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    port: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), port: "--gateway-port=0".to_owned() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A folder beside the home, for the user's files.
    pub(crate) fn work(&self) -> PathBuf {
        let work = self.folder.path().join("work");
        std::fs::create_dir_all(&work).expect("a folder for the user's files");
        work
    }

    /// A command of the user's, not run yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_platform"));
        command
            .args(arguments)
            .current_dir(self.work())
            .env("FAIRWAY_HOME", self.path())
            .env("GIT_CONFIG_GLOBAL", self.folder.path().join("gitconfig"))
            .env_remove("FAIRWAY_PROJECT")
            .env_remove("FAIRWAY_KUBECONFIG")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "platform {}: {}{}", arguments.join(" "), text(&output.stderr), self.log());
        text(&output.stdout)
    }

    /// Runs a command that must fail, and gives its code and what it said.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "platform {} succeeded: {}", arguments.join(" "), text(&output.stdout));
        (output.status.code().unwrap_or(-1), text(&output.stderr))
    }

    pub(crate) fn up(&self) {
        self.up_with(&[]);
    }

    /// The same with settings of the machine.
    pub(crate) fn up_with(&self, settings: &[(&str, &str)]) {
        let output = self.command(&["up", "--port=0", &self.port]).envs(settings.iter().copied()).output();
        let output = output.expect("the binary runs");
        assert!(output.status.success(), "platform up: {}{}", text(&output.stderr), self.log());
    }

    /// What the running platform says of itself.
    fn announced(&self, field: &str) -> u64 {
        let announced = std::fs::read(self.path().join("run/platform.json")).expect("it runs");
        let announced: serde_json::Value = serde_json::from_slice(&announced).expect("what it says of itself");
        announced[field].as_u64().expect("a number")
    }

    pub(crate) fn api_port(&self) -> u16 {
        u16::try_from(self.announced("apiPort")).expect("a port")
    }

    pub(crate) fn gateway_port(&self) -> u16 {
        u16::try_from(self.announced("gatewayPort")).expect("a port")
    }

    /// A client of the API, with the rights of the platform's user.
    pub(crate) async fn client(&self) -> kube::Client {
        Self::client_with(&self.ok(&["kubeconfig"])).await
    }

    /// A client with the rights of a kubeconfig.
    pub(crate) async fn client_with(kubeconfig: &str) -> kube::Client {
        let kubeconfig: kube::config::Kubeconfig = serde_saphyr::from_str(kubeconfig).expect("a kubeconfig");
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a configuration");
        kube::Client::try_from(config).expect("a client")
    }

    /// `kill -9` of the platform.
    pub(crate) fn kill(&self) {
        let killed = Command::new("kill").arg("-9").arg(self.announced("pid").to_string()).status();
        assert!(killed.expect("kill runs").success());
    }

    /// A folder with nothing but a score file, for a service that is registered and never built.
    pub(crate) fn service(&self, name: &str) -> String {
        let folder = self.work().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let score =
            include_str!("../../../../examples/hello/score.yaml").replace("name: hello", &format!("name: {name}"));
        std::fs::write(folder.join("score.yaml"), score).expect("write score.yaml");
        folder.to_string_lossy().into_owned()
    }

    /// The end of the platform's log.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.path().join("log/platform.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!("\nlog:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.run(&["down", "--purge", "--yes"]);
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether containers can run here; says why not.
pub(crate) fn can_run_containers() -> bool {
    let machine = fairway_node::machine::inspect();
    let can = machine.user_mode != fairway_node::machine::UserMode::None && Path::new("/proc/self/ns/user").exists();
    if !can {
        eprintln!("skipped: containers cannot run here: {}", machine.user_reason);
    }
    can
}

/// Whether a base image cannot be made because Debian has newer packages only, and those of its lock are not kept here:
/// that is no mistake of ours, and is printed.
pub(crate) fn is_superseded(said: &str) -> bool {
    let superseded = said.contains("no mirror has");
    if superseded {
        eprintln!("skipped: a package of a base is superseded, and not kept here: {said}");
    }
    superseded
}
