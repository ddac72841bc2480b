//! A node that runs the steps of pipelines as plain processes, claims that are folders, and repositories of real Git.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bytes::Bytes;
use fairway_apiserver::{ApiError, LogOptions, PodRef, PodStreams};
use fairway_clock::World as Time;
use fairway_controllers::{BaseError, BaseImage, Bases, Hosting, RunLogs, Toolchain, WorkspaceError, Workspaces};
use fairway_git::{Commit, Forge, Host, HostSettings, RepositoryId};
use fairway_oci::Layout;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a cache may hold.
pub(crate) const CACHE: u64 = 4096;

/// While there is a file of this name, what steps left cannot be read: every image takes that long.
pub(crate) const HELD: &str = "images-are-held";

/// The label of a step's Pod.
const STEP: &str = "fairway.dev/step";

/// What runs the steps. Goes with its folder and its processes.
pub(crate) struct Steps {
    folder: TempDir,
    pub(crate) host: Host,
    pub(crate) hosting: Hosting,
    running: Mutex<BTreeMap<String, Child>>,
}

/// Logs of its Pods; there before it is.
#[derive(Clone, Default)]
pub(crate) struct Logs {
    folder: Arc<Mutex<Option<PathBuf>>>,
}

#[async_trait]
impl PodStreams for Logs {
    async fn log(&self, pod: PodRef, _: LogOptions) -> Result<BoxStream<'static, io::Result<Bytes>>, ApiError> {
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        let (log, end) = (folder.join(&pod.name), folder.join(format!("{}.end", pod.name)));
        let whole = async move {
            while !end.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            std::fs::read(log).map(Bytes::from)
        };
        Ok(futures::stream::once(whole).boxed())
    }
}

/// Claims that are folders.
struct Folders {
    folder: PathBuf,
    host: Host,
}

#[async_trait]
impl Workspaces for Folders {
    async fn fill(
        &self,
        _: &str,
        claim: &str,
        repository: &RepositoryId,
        commit: &Commit,
    ) -> Result<(), WorkspaceError> {
        let folder = self.folder.join(claim);
        if !folder.exists() {
            return Err(WorkspaceError::NotBound(claim.to_owned()));
        }
        let _ = std::fs::remove_dir_all(&folder);
        let checked_out = self.host.checkout(repository, commit, &folder).await;
        checked_out.map_err(|source| WorkspaceError::Checkout { commit: commit.clone(), source })
    }

    async fn open(&self, _: &str, claim: &str, path: &Path) -> Result<File, WorkspaceError> {
        while self.folder.with_file_name(HELD).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let opened = File::open(self.folder.join(claim).join(path));
        opened.map_err(|source| WorkspaceError::Disk { doing: "open a file".to_owned(), source })
    }

    async fn holds_more_than(&self, _: &str, claim: &str, bytes: u64) -> Result<bool, WorkspaceError> {
        let entries = std::fs::read_dir(self.folder.join(claim)).into_iter().flatten().flatten();
        Ok(entries.filter_map(|it| it.metadata().ok()).map(|it| it.len()).sum::<u64>() > bytes)
    }

    async fn empty(&self, _: &str, claim: &str) -> Result<(), WorkspaceError> {
        let folder = self.folder.join(claim);
        let emptied = std::fs::remove_dir_all(&folder).and_then(|()| std::fs::create_dir(&folder));
        emptied.map_err(|source| WorkspaceError::Disk { doing: "empty a claim".to_owned(), source })
    }

    async fn copy(&self, _: &str, claim: &str, path: &Path, into: &Path) -> Result<(), WorkspaceError> {
        let copied = copy_tree(&self.folder.join(claim).join(path), into);
        copied.map_err(|source| WorkspaceError::Disk { doing: "copy a folder".to_owned(), source })
    }
}

/// Copies plain files and folders.
fn copy_tree(from: &Path, into: &Path) -> io::Result<()> {
    std::fs::create_dir(into)?;
    for entry in std::fs::read_dir(from)? {
        let (from, into) =
            (entry.as_ref().map(std::fs::DirEntry::path), entry.as_ref().map(|it| into.join(it.file_name())));
        let (Ok(from), Ok(into)) = (from, into) else { continue };
        if from.is_dir() {
            copy_tree(&from, &into)?;
        } else {
            let _bytes = std::fs::copy(&from, &into)?;
        }
    }
    Ok(())
}

/// A machine without base images.
struct NoBases;

#[async_trait]
impl Bases for NoBases {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn image(&self, name: &str) -> Result<BaseImage, BaseError> {
        Err(BaseError::Unknown { name: name.to_owned(), known: Vec::new() })
    }

    fn progress(&self, _: &str) -> Option<String> {
        None
    }
}

impl Steps {
    pub(crate) async fn new(logs: &Logs) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = |part: &str| folder.path().join(part);
        for part in ["claims", "logs", "git"] {
            std::fs::create_dir(path(part))?;
        }
        *logs.folder.lock().unwrap_or_else(PoisonError::into_inner) = Some(path("logs"));
        let base = "https://git.example".to_owned();
        let settings = HostSettings::usual(path("git"), PathBuf::from("/bin/true"), base, Time::system());
        let host = Host::open(settings).await.context("open the host")?;
        let toolchain = Toolchain {
            image: "host/sh".to_owned(),
            name: "sh".to_owned(),
            version: "1".to_owned(),
            digest: "1".to_owned(),
            ..Toolchain::default()
        };
        let hosting = Hosting {
            forge: Arc::new(host.clone()),
            pushes: host.pushes(),
            workspaces: Arc::new(Folders { folder: path("claims"), host: host.clone() }),
            logs: RunLogs::new(path("runs")),
            images: Layout::open(&path("images"))?,
            toolchains: [("sh".to_owned(), toolchain)].into(),
            bases: Arc::new(NoBases),
            authorities: None,
            steps_at_once: NonZeroUsize::new(2).context("two")?,
            cache_bytes: CACHE,
        };
        Ok(Self { folder, host, hosting, running: Mutex::default() })
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    /// One look at all claims and Pods.
    pub(crate) async fn turn(&self, client: &Client) -> Result<()> {
        let claims: Api<PersistentVolumeClaim> = Api::all(client.clone());
        for claim in claims.list(&ListParams::default()).await?.items {
            if claim.status.as_ref().and_then(|it| it.phase.as_deref()) != Some("Bound") {
                let _ = std::fs::create_dir(self.path("claims").join(claim.name_any()));
                let own: Api<PersistentVolumeClaim> =
                    Api::namespaced(client.clone(), &claim.namespace().unwrap_or_default());
                let bound = json!({ "status": { "phase": "Bound" } });
                let _ = own.patch_status(&claim.name_any(), &PatchParams::default(), &Patch::Merge(bound)).await;
            }
        }
        let pods: Api<Pod> = Api::all(client.clone());
        for pod in pods.list(&ListParams::default().labels(STEP)).await?.items {
            let own: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
            self.step(&pod, &own).await?;
        }
        Ok(())
    }

    async fn step(&self, pod: &Pod, api: &Api<Pod>) -> Result<()> {
        let name = pod.name_any();
        let says = async |status: Value| {
            // Deleted meanwhile is fine: then nobody asks any more.
            let _ = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(json!({ "status": status }))).await;
        };
        if pod.metadata.deletion_timestamp.is_some() {
            if let Some(mut child) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&name) {
                let _ = child.kill();
                let _ = child.wait();
            }
            std::fs::write(self.path("logs").join(format!("{name}.end")), b"")?;
            let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
            let _ = api.delete(&name, &now).await;
            return Ok(());
        }
        let phase = pod.status.as_ref().and_then(|it| it.phase.clone()).unwrap_or_default();
        let begun = self.running.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&name);
        if !begun && !matches!(phase.as_str(), "Succeeded" | "Failed" | "Running") {
            let child = self.start(pod)?;
            self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), child);
            let running = json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } });
            says(json!({ "phase": "Running", "containerStatuses": [container(&running)] })).await;
            return Ok(());
        }
        let ended = match self.running.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&name) {
            Some(child) => child.try_wait()?,
            None => None,
        };
        if let Some(status) = ended {
            std::fs::write(self.path("logs").join(format!("{name}.end")), b"")?;
            self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            let at = "2026-01-01T00:00:01Z";
            let code = status.code().unwrap_or(-1);
            let over =
                json!({ "terminated": { "exitCode": code, "startedAt": at, "finishedAt": at }, "running": null });
            let phase = if status.success() { "Succeeded" } else { "Failed" };
            says(json!({ "phase": phase, "containerStatuses": [container(&over)] })).await;
        }
        Ok(())
    }

    /// Runs what a Pod asks for, in the folder of its workspace.
    fn start(&self, pod: &Pod) -> Result<Child> {
        let spec = pod.spec.as_ref().context("a spec")?;
        let container = &spec.containers[0];
        let words = container.command.clone().unwrap_or_default();
        let claims = spec.volumes.iter().flatten().filter_map(|it| it.persistent_volume_claim.as_ref());
        let workspace = claims.map(|it| &it.claim_name).find(|it| it.ends_with("-workspace")).context("a workspace")?;
        let log = File::create(self.path("logs").join(pod.name_any()))?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.path("claims").join(workspace)).stdin(Stdio::null());
        command.stderr(log.try_clone()?).stdout(log);
        for it in container.env.iter().flatten() {
            command.env(&it.name, it.value.clone().unwrap_or_default());
        }
        command.spawn().context("start a step")
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        for child in self.running.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn container(state: &Value) -> Value {
    json!({ "name": "step", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state })
}
