//! Looking from outside: HTTP answers, the machine's processes, its mounts, cgroups and namespaces.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
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

/// The processes that run this program in the containers of a platform: an ancestor of each is a pod's init, and
/// names the platform's folder.
pub(super) fn containers(root: &Path, program: &str) -> BTreeSet<u32> {
    let needle = root.to_string_lossy().into_owned();
    let runs = |pid: &u32| arguments(*pid).first().is_some_and(|it| it == program);
    let ours = |pid: &u32| ancestors(*pid).any(|it| arguments(it).iter().any(|it| it.contains(&needle)));
    pids().filter(runs).filter(ours).collect()
}

fn ancestors(pid: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(parent(pid), |it| parent(*it)).take(50)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything: count from its end.
    let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
    (parent > 0).then_some(parent)
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

/// What processes hold of the machine beside themselves.
#[derive(Default)]
pub(super) struct Holdings {
    namespaces: BTreeSet<String>,
    cgroups: BTreeSet<PathBuf>,
}

impl Holdings {
    /// Adds what these processes hold now.
    pub(super) fn add(&mut self, processes: &BTreeSet<u32>) {
        for pid in processes {
            self.namespaces.extend(network_namespace(*pid));
            let listed = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            for line in listed.lines() {
                let mut parts = line.splitn(3, ':').skip(1);
                let (controllers, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let below = Path::new("/sys/fs/cgroup").join(controllers.split(',').next().unwrap_or_default());
                // The node's own group is the topmost that carries our name.
                let Some(end) = path.find("fairway-") else { continue };
                let name = path[end..].split('/').next().unwrap_or_default();
                self.cgroups.insert(below.join(path[..end].trim_start_matches('/')).join(name));
            }
        }
    }

    /// Whether any of it is still there.
    fn left(&self) -> Vec<String> {
        let alive: BTreeSet<String> = pids().filter_map(network_namespace).collect();
        let namespaces = self.namespaces.intersection(&alive).cloned();
        let cgroups = self.cgroups.iter().filter(|it| it.exists()).map(|it| it.display().to_string());
        namespaces.chain(cgroups).collect()
    }
}

fn network_namespace(pid: u32) -> Option<String> {
    Some(fs::read_link(format!("/proc/{pid}/ns/net")).ok()?.to_string_lossy().into_owned())
}

/// Whether anything of a platform's folder, or of what its containers held, is left on the machine.
pub(super) fn nothing_left(root: &Path, held: &Holdings) -> Result<()> {
    let processes = processes_below(root);
    ensure!(processes.is_empty(), "processes are left: {processes:?}");
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let needle = root.to_string_lossy().into_owned();
    let mounts: Vec<&str> = mounts.lines().filter(|it| it.contains(&needle)).collect();
    ensure!(mounts.is_empty(), "mounts are left: {mounts:?}");
    let held = held.left();
    ensure!(held.is_empty(), "namespaces or cgroups are left: {held:?}");
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
