//! The tour's temporary folder: a home for the platform, a user's own git and kubeconfig, a service's repository.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fairway_clock::{Clock, Entropy, SystemClock, SystemEntropy};
use fairway_oci::base::Cache;
use serde_json::Value;
use tokio::process::Command;

use super::outside;
use super::work::Work;

/// The example service, as it is in the repository.
const EXAMPLE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../../examples/hello/Cargo.toml")),
    ("Cargo.lock", include_str!("../../../../examples/hello/Cargo.lock")),
    ("src/main.rs", include_str!("../../../../examples/hello/src/main.rs")),
    ("score.yaml", include_str!("../../../../examples/hello/score.yaml")),
    ("config/default.yaml", include_str!("../../../../examples/hello/config/default.yaml")),
    ("config/production.yaml", include_str!("../../../../examples/hello/config/production.yaml")),
    (".gitignore", include_str!("../../../../examples/hello/.gitignore")),
];

/// Where the tour takes place.
pub(super) struct Scene {
    root: PathBuf,
    quiet: bool,
    leave: bool,
    pub(super) clock: SystemClock,
    pub(super) api_port: u16,
    pub(super) gateway_port: u16,
    pub(super) pid: u32,
}

impl Scene {
    pub(super) fn open(quiet: bool) -> Result<Self> {
        let root = std::env::temp_dir().join(format!("fairway-tour-{}", SystemEntropy.hex(6)));
        for part in ["home", "user", "hello"] {
            fs::create_dir_all(root.join(part)).with_context(|| format!("make {}", root.display()))?;
        }
        let scene = Self { root, quiet, leave: false, clock: SystemClock::new(), api_port: 0, gateway_port: 0, pid: 0 };
        for (name, text) in EXAMPLE {
            scene.hello().write(name, text)?;
        }
        Ok(scene)
    }

    /// The platform's folder.
    pub(super) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The folder of the first service.
    pub(super) fn hello(&self) -> Work<'_> {
        Work::new(self, self.root.join("hello"))
    }

    /// The clone of the second service's repository.
    pub(super) fn orders(&self) -> Work<'_> {
        Work::new(self, self.root.join("orders"))
    }

    /// The clone of the third service's repository.
    pub(super) fn my_api(&self) -> Work<'_> {
        Work::new(self, self.root.join("my-api"))
    }

    /// A folder that belongs to no service.
    pub(super) fn user_work(&self) -> Work<'_> {
        Work::new(self, self.root.join("user"))
    }

    /// A user of this tour: own home, own git settings, nothing of the machine's user but the toolchain.
    pub(super) fn user<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let user = self.root.join("user");
        // The toolchain stays where it is when the home moves.
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if let (None, Some(home)) = (std::env::var_os(name), std::env::var_os("HOME")) {
                command.env(name, Path::new(&home).join(folder));
            }
        }
        // What is kept for all platforms of the machine's user is there for this one too.
        if let Ok(cache) = Cache::find(|name| std::env::var_os(name).map(PathBuf::from)) {
            command.env("FAIRWAY_CACHE", cache.root());
        }
        command
            .env("HOME", &user)
            .env("GIT_CONFIG_GLOBAL", user.join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // These would win over what `up` tells Git about the platform's own authority.
            .env_remove("GIT_SSL_CAINFO")
            .env_remove("GIT_SSL_CAPATH")
            .env("FAIRWAY_HOME", self.home())
            .env_remove("FAIRWAY_PROJECT")
            .env_remove("FAIRWAY_KUBECONFIG")
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null())
            .kill_on_drop(true)
    }

    /// Runs a command of ours in a folder, whatever comes of it.
    pub(super) async fn try_platform_in(&self, folder: &Path, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(std::env::current_exe().context("find this program")?);
        self.user(&mut command).args(arguments).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = command.spawn().context("start this program")?.wait_with_output();
        self.watched(&arguments.join(" "), running).await.context("run this program")
    }

    /// Runs a command of ours that needs no folder, whatever comes of it.
    pub(super) async fn try_platform(&self, arguments: &[&str]) -> Result<Output> {
        self.user_work().try_platform(arguments).await
    }

    /// Runs a command of ours that needs no folder and must succeed, and gives what it printed.
    pub(super) async fn platform(&self, arguments: &[&str]) -> Result<String> {
        self.user_work().platform(arguments).await
    }

    /// The same, printing JSON.
    pub(super) async fn platform_json(&self, arguments: &[&str]) -> Result<Value> {
        self.user_work().platform_json(arguments).await
    }

    /// Shows on a terminal what is going on, and how long already.
    async fn watched<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let shows = !self.quiet && std::io::stderr().is_terminal();
        let started = self.clock.monotonic();
        let mut work = std::pin::pin!(work);
        let mut beat = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                done = &mut work => {
                    if shows {
                        let _ = write!(std::io::stderr(), "\r\x1b[K");
                    }
                    return done;
                }
                _ = beat.tick() => if shows {
                    let seconds = self.clock.monotonic().saturating_sub(started).as_secs_f64();
                    let _ = write!(std::io::stderr(), "\r\x1b[K  … platform {what:.60} ({seconds:.1} s)");
                }
            }
        }
    }

    /// One line for people.
    pub(super) fn say(&self, line: &str) {
        if self.quiet {
            let _ = writeln!(std::io::stderr(), "{line}");
        } else {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    /// Reads where the platform runs.
    pub(super) fn find(&mut self) -> Result<()> {
        let text = fs::read_to_string(self.home().join("run/platform.json")).context("read run/platform.json")?;
        let running: Value = serde_json::from_str(&text)?;
        let number = |name: &str| running[name].as_u64().with_context(|| format!("{name} is not in run/platform.json"));
        self.pid = u32::try_from(number("pid")?)?;
        self.api_port = u16::try_from(number("apiPort")?)?;
        self.gateway_port = u16::try_from(number("gatewayPort")?)?;
        Ok(())
    }

    /// The last lines of the platform's log, for whoever has to find out.
    pub(super) fn show_log_tail(&self) {
        let text = fs::read_to_string(self.home().join("log/platform.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(15)..] {
            self.say(&format!("  log: {line}"));
        }
    }

    /// Ends whatever is left, after a failure too.
    pub(super) async fn close(&mut self, passed: bool) {
        if !passed {
            let _ = self.try_platform(&["down", "--purge", "--yes"]).await;
            outside::kill_below(&self.root);
        }
        let _ = fs::remove_dir_all(&self.root);
    }

    /// Lets everything stay.
    pub(super) fn leave(&mut self) {
        self.leave = true;
    }

    /// The whole folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// What a command printed, if it did what it should.
pub(super) fn succeeded(arguments: &[&str], output: Output) -> Result<String> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("platform {} ended with {}: {}", arguments.join(" "), output.status, said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !self.leave {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}
