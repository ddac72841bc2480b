//! A platform of its own: the binary, started in a temporary folder and stopped again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fairway_clock::{Clock, SystemClock};
use kube::{Client, Config};
use serde_json::Value;
use tokio::process::{Child, Command};

/// How often what is waited for is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// How long a start may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The binary that is measured.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_platform"))
}

/// A folder and, while it is started, the platform in it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    running: Option<Running>,
}

struct Running {
    child: Child,
    config: Config,
    gateway_port: u16,
}

impl Home {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir().context("make a folder")?, running: None })
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    /// Starts the platform: how long until it answered that it is ready.
    pub(crate) async fn start(&mut self, clock: &SystemClock) -> Result<Duration> {
        let log = std::fs::File::create(self.path("platform.log"))?;
        let started = clock.monotonic();
        let mut child = Command::new(program())
            .args(["up", "--foreground", "--port=0", "--gateway-port=0"])
            .env("FAIRWAY_HOME", self.path("home"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("start the platform")?;
        let waited = || clock.monotonic().saturating_sub(started);
        let file = self.path("home/run/platform.json");
        let reached = loop {
            if let Some(it) = std::fs::read(&file).ok().and_then(|it| serde_json::from_slice::<Value>(&it).ok()) {
                break it;
            }
            if let Some(status) = child.try_wait()? {
                bail!("the platform ended with {status}: {}", std::fs::read_to_string(self.path("platform.log"))?);
            }
            ensure!(waited() < PATIENCE, "the platform was not there after {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        };
        let port = |name: &str| reached[name].as_u64().and_then(|it| u16::try_from(it).ok()).context("read its ports");
        let config = config(&self.path("home"), port("apiPort")?)?;
        let client = Client::try_from(config.clone())?;
        while client.request_text(http::Request::get("/readyz").body(vec![])?).await.is_err() {
            ensure!(waited() < PATIENCE, "the platform was not ready after {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
        let took = waited();
        self.running = Some(Running { child, config, gateway_port: port("gatewayPort")? });
        Ok(took)
    }

    /// Stops it as `platform down` does, and waits for its end.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let mut running = self.running.take().context("stop what was not started")?;
        let pid = running.child.id().and_then(|it| i32::try_from(it).ok()).and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.context("it has ended by itself")?, rustix::process::Signal::TERM)?;
        let ended = tokio::time::timeout(PATIENCE, running.child.wait()).await.context("it does not stop")??;
        ensure!(ended.success(), "it ended with {ended}: {}", std::fs::read_to_string(self.path("platform.log"))?);
        Ok(())
    }

    fn running(&self) -> Result<&Running> {
        self.running.as_ref().context("the platform is not started")
    }

    pub(crate) fn pid(&self) -> Result<u32> {
        self.running()?.child.id().context("the platform has ended")
    }

    pub(crate) fn gateway_port(&self) -> Result<u16> {
        Ok(self.running()?.gateway_port)
    }

    /// A client of the local user.
    pub(crate) fn client(&self) -> Result<Client> {
        Client::try_from(self.running()?.config.clone()).context("make a client")
    }

    /// Several, each with its own connections.
    pub(crate) fn clients(&self, count: usize) -> Result<Vec<Client>> {
        (0..count).map(|_| self.client()).collect()
    }
}

fn config(home: &Path, port: u16) -> Result<Config> {
    let mut config = Config::new(format!("https://127.0.0.1:{port}").parse()?);
    config.root_cert_file = Some(home.join("pki/ca.crt"));
    let token = std::fs::read_to_string(home.join("admin.token")).context("read the token")?;
    config.auth_info.token = Some(token.trim().to_owned().into());
    Ok(config)
}
