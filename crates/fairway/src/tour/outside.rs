//! Looking from outside: HTTP answers, the machine's processes, its mounts, cgroups and namespaces.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::task::JoinSet;

/// A browser, as far as the tour needs one: it goes to the gateway and says which host it means.
#[derive(Clone)]
pub(super) struct Browser {
    client: Client<HttpConnector, Empty<Bytes>>,
    port: u16,
}

impl Browser {
    pub(super) fn new(port: u16) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), port }
    }

    /// What `/` of a host answers.
    pub(super) async fn get(&self, host: &str) -> Result<(StatusCode, Value)> {
        let request = Request::get(format!("http://127.0.0.1:{}/", self.port))
            .header(http::header::HOST, format!("{host}:{}", self.port))
            .body(Empty::new())?;
        let response = tokio::time::timeout(Duration::from_secs(10), self.client.request(request)).await??;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// What it answers, which must be a page.
    pub(super) async fn page(&self, host: &str) -> Result<Value> {
        let (status, body) = self.get(host).await.with_context(|| format!("ask {host}"))?;
        ensure!(status == StatusCode::OK, "{host} answered {status}: {body}");
        Ok(body)
    }

    /// Asks again and again, as several callers, until stopped.
    pub(super) fn visit(&self, host: &str) -> Visitors {
        let counts = Arc::new(Counts::default());
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (browser, host, counts) = (self.clone(), host.to_owned(), Arc::clone(&counts));
            tasks.spawn(async move {
                while !counts.stop.load(Ordering::Relaxed) {
                    let answered = matches!(browser.get(&host).await, Ok((StatusCode::OK, _)));
                    let count = if answered { &counts.answered } else { &counts.dropped };
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            });
        }
        Visitors { counts, tasks }
    }
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    dropped: AtomicU64,
    stop: AtomicBool,
}

/// Requests that go on while something else happens.
pub(super) struct Visitors {
    counts: Arc<Counts>,
    tasks: JoinSet<()>,
}

impl Visitors {
    /// Ends them: how many were answered. One that was not is an error.
    pub(super) async fn all_answered(mut self) -> Result<u64> {
        self.counts.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        let (answered, dropped) =
            (self.counts.answered.load(Ordering::Relaxed), self.counts.dropped.load(Ordering::Relaxed));
        ensure!(answered > 0, "no request was made meanwhile");
        ensure!(dropped == 0, "{dropped} of {} requests were not answered", answered + dropped);
        Ok(answered)
    }
}

/// The processes of the machine that run this program in a container.
pub(super) fn processes(program: &str) -> BTreeSet<u32> {
    pids().filter(|pid| arguments(*pid).first().is_some_and(|it| it == program)).collect()
}

/// The processes that a folder belongs to: it is on their command line or they stand in it.
fn processes_below(root: &Path) -> BTreeSet<u32> {
    let needle = root.to_string_lossy().into_owned();
    let own = std::process::id();
    pids()
        .filter(|pid| *pid != own)
        .filter(|pid| {
            let stands = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|it| it.starts_with(root));
            stands || arguments(*pid).iter().any(|it| it.contains(&needle))
        })
        .collect()
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|it| it.file_name().to_str()?.parse().ok())
}

fn arguments(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes.split(|it| *it == 0).filter(|it| !it.is_empty()).map(|it| String::from_utf8_lossy(it).into_owned()).collect()
}

/// The network namespaces that processes of the machine are in.
pub(super) fn namespaces() -> BTreeSet<String> {
    pids()
        .filter_map(|pid| fs::read_link(format!("/proc/{pid}/ns/net")).ok())
        .map(|it| it.to_string_lossy().into_owned())
        .collect()
}

/// The cgroups of the machine that are ours by name.
pub(super) fn cgroups() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![(Path::new("/sys/fs/cgroup").to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|it| it.is_dir()) {
                continue;
            }
            if entry.file_name().to_string_lossy().starts_with("fairway") {
                found.insert(entry.path().to_string_lossy().into_owned());
            }
            if depth < 4 {
                open.push((entry.path(), depth + 1));
            }
        }
    }
    found
}

/// Whether anything of a folder is left on the machine.
pub(super) fn nothing_left(root: &Path, cgroups_before: &BTreeSet<String>) -> Result<()> {
    let left = processes_below(root);
    ensure!(left.is_empty(), "processes are left: {left:?}");
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let needle = root.to_string_lossy().into_owned();
    let mounts: Vec<&str> = mounts.lines().filter(|it| it.contains(&needle)).collect();
    ensure!(mounts.is_empty(), "mounts are left: {mounts:?}");
    let cgroups: Vec<String> = cgroups().difference(cgroups_before).cloned().collect();
    ensure!(cgroups.is_empty(), "cgroups are left: {cgroups:?}");
    Ok(())
}

/// Kills what a failed tour left.
pub(super) fn kill_below(root: &Path) {
    for pid in processes_below(root) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Whether a process is there.
pub(super) fn lives(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
