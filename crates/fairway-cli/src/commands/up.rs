//! `up`: starts the platform in the background and returns when it answers.

use std::fs::{self, OpenOptions};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::process::{Child, Command};

use crate::failure::Failure;
use crate::git_access::{self, CERTIFICATES, Entries, Told};
use crate::home::{Home, Running, is_alive};
use crate::output::Report;
use crate::progress::Progress;
use crate::session::connection;
use crate::text::span;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often to look whether it is there: a file and then one request, so it can be often.
const LOOK: Duration = Duration::from_millis(5);

/// Start the platform on this machine
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Up {
    /// Stay in the foreground
    #[arg(long)]
    pub foreground: bool,
    /// The port of the API; 0 picks one
    #[arg(long, value_name = "PORT", default_value_t = 7443, env = "FAIRWAY_PORT", value_parser = port)]
    pub port: u16,
    /// The port of the gateway; 0 picks one
    #[arg(long, value_name = "PORT", default_value_t = 7080, env = "FAIRWAY_GATEWAY_PORT", value_parser = port)]
    pub gateway_port: u16,
    /// Keep the packages that releasing pipelines fetch in your cache, for your other projects and platforms: all of them
    /// trust what is there
    #[arg(long, env = "FAIRWAY_KEEP_PACKAGES")]
    pub keep_packages: bool,
    /// Begin a session of its own: how `up` starts itself
    #[arg(long, hide = true)]
    pub detached: bool,
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is a number from 0 to 65535".to_owned())
}

impl Default for Up {
    fn default() -> Self {
        Self { foreground: false, port: 7443, gateway_port: 7080, keep_packages: false, detached: false }
    }
}

/// A platform that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpReport {
    /// The API's address.
    pub url: String,
    /// The gateway's address.
    pub gateway_url: String,
    /// The process.
    pub pid: u32,
    /// Its folder.
    pub home: String,
    /// Whether it ran before.
    pub ran_already: bool,
    /// How long the start took, in milliseconds.
    pub took_ms: u128,
}

impl Report for UpReport {
    fn table(&self) -> String {
        if self.ran_already {
            return format!("the platform runs already at {} (process {})\n", self.url, self.pid);
        }
        let took = span(Duration::from_millis(u64::try_from(self.took_ms).unwrap_or(u64::MAX)));
        format!("the platform runs at {}, its services at {}; it took {took}\n", self.url, self.gateway_url)
    }

    fn names(&self) -> Vec<String> {
        vec![self.url.clone()]
    }
}

/// Starts the platform in the background unless it runs.
pub async fn up(
    home: &Home,
    up: &Up,
    world: &fairway_clock::World,
    progress: &dyn Progress,
) -> Result<UpReport, Failure> {
    let start = world.clock.monotonic();
    if let Some(running) = home.running() {
        // It may be on its way down, or up to answering: it is asked, not believed.
        if answer(home, &running, home.log_length()).await? {
            return Ok(report(home, &running, true, 0));
        }
    }
    progress.step("starting the platform");
    let log = home.log_length();
    let mut child = spawn(home, up)?;
    let announced = tokio::time::timeout(PATIENCE, announcement(home, &mut child, log)).await;
    let running = match announced {
        Ok(found) => found.inspect_err(|_| progress.end())?,
        Err(_) => {
            let _ = child.start_kill();
            progress.end();
            return Err(log_of(home, log, Failure::not_ready("the platform did not become ready in a minute")));
        }
    };
    let answers = answer(home, &running, log).await;
    progress.end();
    if !answers? {
        return Err(log_of(home, log, Failure::not_running("the platform ended as soon as it had started")));
    }
    let took = world.clock.monotonic().saturating_sub(start).as_millis();
    tell_git(home, &running, progress);
    Ok(report(home, &running, false, took))
}

/// Lets the user's own git reach the platform, or says how.
fn tell_git(home: &Home, running: &Running, progress: &dyn Progress) {
    let Ok(program) = std::env::current_exe() else { return };
    let address = git_access::address(running.api_port);
    match Entries::new(home, &program, running.api_port).tell(home) {
        Told::Known => {}
        Told::Written => {
            progress.note(&format!("git reaches it by entries for {address} in your git configuration"));
        }
        Told::Refused(commands) => {
            progress.note("your git configuration cannot be written; these commands let git reach the platform:");
            for command in commands {
                progress.note(&format!("  {command}"));
            }
        }
    }
    if std::env::var_os(CERTIFICATES).is_some() {
        progress.note(&format!(
            "{CERTIFICATES} is set and wins over git's configuration: unset it, or use platform repo clone"
        ));
    }
}

fn report(home: &Home, running: &Running, ran_already: bool, took_ms: u128) -> UpReport {
    UpReport {
        url: format!("https://127.0.0.1:{}", running.api_port),
        gateway_url: format!("http://127.0.0.1:{}", running.gateway_port),
        pid: running.pid,
        home: home.root().display().to_string(),
        ran_already,
        took_ms,
    }
}

/// This program once more, in the foreground of its own session, writing to the log.
fn spawn(home: &Home, up: &Up) -> Result<Child, Failure> {
    let folder = home.path("log");
    let hint = "choose a folder that can be written: FAIRWAY_HOME=/some/folder platform up";
    let at = |it: std::io::Error| Failure::io(format!("write in {}", folder.display()))(it).hint(hint);
    make_private(home).map_err(at)?;
    let log = open_log(&folder.join("platform.log")).map_err(at)?;
    let second = log.try_clone().map_err(at)?;
    let program = std::env::current_exe().map_err(Failure::io("find this program"))?;
    let mut command = Command::new(program);
    command.args(["up", "--foreground", "--detached"]);
    command.arg(format!("--port={}", up.port)).arg(format!("--gateway-port={}", up.gateway_port));
    if up.keep_packages {
        command.arg("--keep-packages");
    }
    command.env("FAIRWAY_HOME", home.root()).current_dir(home.root());
    command.stdin(Stdio::null()).stdout(log).stderr(second);
    command.spawn().map_err(Failure::io("start the platform"))
}

fn make_private(home: &Home) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(home.root())?;
    builder.create(home.path("log"))
}

fn open_log(path: &std::path::Path) -> std::io::Result<fs::File> {
    // A log that grew large makes room: the one before is kept.
    if fs::metadata(path).is_ok_and(|it| it.len() > 16 << 20) {
        let _ = fs::rename(path, path.with_extension("log.1"));
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Waits until the process says where it is, or ends.
async fn announcement(home: &Home, child: &mut Child, log: usize) -> Result<Running, Failure> {
    loop {
        if let Some(running) = home.running() {
            return Ok(running);
        }
        if let Some(status) = child.try_wait().map_err(Failure::io("look after the platform"))? {
            return Err(log_of(home, log, Failure::not_running(format!("the platform did not start ({status})"))));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until it answers; gives whether it does, or has ended instead.
async fn answer(home: &Home, running: &Running, log: usize) -> Result<bool, Failure> {
    let client = kube::Client::try_from(connection(home, running.api_port)?);
    let client = client.map_err(Failure::api("set up the connection to the platform"))?;
    let asking = async {
        loop {
            let request = http::Request::get("/readyz").body(Vec::new());
            let request = request.map_err(|it| Failure::failed(format!("cannot ask the platform: {it}")))?;
            if client.request_text(request).await.is_ok() {
                return Ok(true);
            }
            if !is_alive(running) {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let asked = tokio::time::timeout(PATIENCE, asking).await;
    let silent = |_| Err(log_of(home, log, Failure::not_ready("the platform started and does not answer")));
    asked.unwrap_or_else(silent)
}

/// What the platform itself said at its end, or else the last lines of its log.
fn log_of(home: &Home, after: usize, mut failure: Failure) -> Failure {
    let lines = home.log_end(after, 10);
    let said = |word: &str| lines.iter().rev().find_map(|it| it.strip_prefix(word).map(str::to_owned));
    let log = home.path("log/platform.log");
    let hint =
        said("hint: ").unwrap_or_else(|| format!("its log is {}; platform doctor checks this machine", log.display()));
    match said("error: ") {
        Some(what) => failure.what = format!("the platform did not start: {what}"),
        None => failure.details = lines,
    }
    failure.hint(hint)
}

#[cfg(test)]
mod tests;
