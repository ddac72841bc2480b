//! One pod's worker: see, plan, act, report, wait, and again.

mod finish;
mod report;
mod sandbox;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, PodStatus};
use kube::ResourceExt;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::Shared;
use super::environment::References;
use super::images::Image;
use super::plan::{Ending, Facts, Plan, count, plan};
use super::probes::{self, Kind, Report, Said};
use super::status::Waiting;
use super::stop;
use crate::runner::{self, Found, PodState};
use report::Reporter;

/// A run of a container: its name and which one it is.
type Run = (String, u32);
/// A run that was ended, and why its hook failed, if it did.
type Stopped = (Run, Option<String>);

/// How soon to look again at what should come from elsewhere (a ConfigMap, a Secret).
const MISSING: Duration = Duration::from_secs(1);
/// The first wait for an image that could not be had; doubled each time.
const IMAGE_BACKOFF: Duration = Duration::from_secs(10);
const LAST_IMAGE_BACKOFF: Duration = Duration::from_secs(300);
/// How often mounted ConfigMaps and Secrets follow the API.
const REFRESH: Duration = Duration::from_secs(60);

/// What the API wants of a worker.
#[derive(Clone)]
pub(super) enum Target {
    /// This pod, as it is now.
    Run(Arc<Pod>),
    /// The pod is not in the API any more.
    Gone,
}

/// What comes next after a turn.
enum Next {
    Wait(Option<Duration>),
    Over,
}

/// A pod and all that is known of it.
pub(super) struct Worker {
    shared: Arc<Shared>,
    uid: String,
    pod: Arc<Pod>,
    targets: watch::Receiver<Target>,
    /// What was seen, for those who read logs.
    seen: watch::Sender<PodState>,
    live: Option<Arc<runner::Pod>>,
    history: PodState,
    /// Runs whose end was counted and told.
    told: BTreeSet<Run>,
    failures: BTreeMap<String, u32>,
    waiting: BTreeMap<String, Waiting>,
    ready: BTreeSet<Run>,
    started: BTreeSet<Run>,
    unhealthy: BTreeSet<Run>,
    probing: BTreeMap<Run, AbortHandle>,
    stopping: BTreeSet<Run>,
    images: BTreeMap<String, Image>,
    image_ids: BTreeMap<String, String>,
    /// Images that could not be had: how often, and when to try again.
    no_image: BTreeMap<String, (u32, Timestamp)>,
    references: References,
    token: Option<(String, Timestamp)>,
    refreshed: Timestamp,
    ended: Option<Ending>,
    initialized: bool,
    begun: Timestamp,
    written: Option<PodStatus>,
    reporter: Reporter,
    tasks: JoinSet<()>,
    reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    stops: (mpsc::Sender<Stopped>, mpsc::Receiver<Stopped>),
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        uid: String,
        pod: Arc<Pod>,
        targets: watch::Receiver<Target>,
        seen: watch::Sender<PodState>,
        found: Option<Found>,
    ) -> Self {
        let now = shared.settings.world.clock.now();
        let (live, history) = match found {
            Some(Found::Running(live)) => (Some(Arc::from(live)), PodState::default()),
            Some(Found::Dead { mut state, .. }) => {
                lost(&mut state, now);
                (None, state)
            }
            None => (None, PodState::default()),
        };
        let reporter = Reporter::new(shared.settings.client.clone(), &pod);
        let mut worker = Self {
            uid,
            targets,
            seen,
            live,
            history,
            told: BTreeSet::new(),
            failures: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ready: BTreeSet::new(),
            started: BTreeSet::new(),
            unhealthy: BTreeSet::new(),
            probing: BTreeMap::new(),
            stopping: BTreeSet::new(),
            images: BTreeMap::new(),
            image_ids: BTreeMap::new(),
            no_image: BTreeMap::new(),
            references: References::default(),
            token: None,
            refreshed: now,
            ended: None,
            initialized: false,
            begun: now,
            written: None,
            reporter,
            tasks: JoinSet::new(),
            reports: mpsc::channel(32),
            stops: mpsc::channel(32),
            pod,
            shared,
        };
        worker.adopt();
        worker
    }

    /// Takes over what the API remembers of a pod that this process did not start: it was ready and goes on being so.
    fn adopt(&mut self) {
        let status = self.pod.status.clone().unwrap_or_default();
        let all = status.container_statuses.iter().flatten().chain(status.init_container_statuses.iter().flatten());
        for it in all {
            let run = (it.name.clone(), u32::try_from(it.restart_count).unwrap_or(0));
            if !it.image_id.is_empty() {
                self.image_ids.insert(it.name.clone(), it.image_id.clone());
            }
            if it.ready {
                self.ready.insert(run.clone());
            }
            if it.started == Some(true) {
                self.started.insert(run);
            }
            if it.restart_count > 0 {
                self.failures.insert(it.name.clone(), u32::try_from(it.restart_count).unwrap_or(1));
            }
        }
        self.ended = match status.phase.as_deref() {
            Some("Succeeded") => Some(Ending::Succeeded),
            Some("Failed") => Some(Ending::Failed),
            _ => None,
        };
    }

    fn now(&self) -> Timestamp {
        self.shared.settings.world.clock.now()
    }

    /// Every container of the pod, those for preparation first.
    fn containers(&self) -> Vec<Container> {
        let spec = self.pod.spec.clone().unwrap_or_default();
        spec.init_containers.unwrap_or_default().into_iter().chain(spec.containers).collect()
    }

    fn container(&self, name: &str) -> Option<Container> {
        self.containers().into_iter().find(|it| it.name == name)
    }

    /// Runs until the pod is over or the node stops.
    pub(super) async fn run(mut self) {
        if self.live.is_some() {
            self.reattach().await;
        }
        loop {
            let wait = match self.turn().await {
                Next::Over => return,
                Next::Wait(wait) => wait,
            };
            tokio::select! {
                () = self.shared.stop.cancelled() => return,
                () = something_happens(&mut self.targets, self.live.as_deref(), &self.history) => {}
                Some(report) = self.reports.1.recv() => self.hear(report),
                Some((run, hook)) = self.stops.1.recv() => self.stopped(run, hook).await,
                () = sleep(wait) => {}
            }
        }
    }

    async fn turn(&mut self) -> Next {
        let target = self.targets.borrow_and_update().clone();
        match target {
            Target::Run(pod) => self.pod = pod,
            Target::Gone => return self.abandon().await,
        }
        self.see().await;
        if self.pod.metadata.deletion_timestamp.is_some() {
            return self.terminate().await;
        }
        if self.ended.is_some() {
            return self.rest().await;
        }
        if let Some(refusal) = super::refuse::refuse(&self.pod) {
            return self.refuse(&refusal).await;
        }
        if self.live.is_none()
            && let Err(wait) = self.stand_up().await
        {
            self.report();
            return Next::Wait(Some(wait));
        }
        let plan = self.plan();
        let wait = self.act(&plan).await;
        self.report();
        Next::Wait(wait)
    }

    fn plan(&self) -> Plan {
        plan(&Facts {
            pod: &self.pod,
            state: &self.history,
            failures: &self.failures,
            unhealthy: &self.unhealthy,
            now: self.now(),
        })
    }

    /// Does what the plan says, and says when to look again at the latest.
    async fn act(&mut self, plan: &Plan) -> Option<Duration> {
        self.initialized = plan.initialized;
        self.ended = plan.ended;
        self.note_backoffs(plan).await;
        for (name, attempt) in &plan.stop {
            self.stop_unhealthy(name, *attempt).await;
        }
        let mut soonest = plan.look_again.map(|it| until(self.now(), it));
        for start in &plan.start {
            if let Some(wait) = self.start(&start.name, start.attempt).await {
                soonest = Some(soonest.map_or(wait, |it| it.min(wait)));
            }
        }
        if !plan.start.is_empty() {
            self.see().await;
        }
        self.probe();
        if self.ended.is_some() {
            self.lie_down().await;
        } else if self.has_sources() {
            let due = self.refreshed.saturating_add(REFRESH).unwrap_or(self.now());
            if due <= self.now() {
                self.refresh().await;
            }
            soonest = Some(soonest.map_or(REFRESH, |it| it.min(REFRESH)));
        }
        soonest
    }

    /// Takes in what pod init knows, and counts and tells ends.
    async fn see(&mut self) {
        if let Some(live) = &self.live {
            let state = live.state();
            state.containers.into_iter().for_each(|it| self.history.record(it));
            if live.is_gone() {
                self.lose().await;
            }
        }
        for run in self.history.containers.clone() {
            let Some(finished) = &run.finished else { continue };
            let key = (run.name.clone(), run.attempt);
            if !self.told.insert(key.clone()) {
                continue;
            }
            let before = self.failures.get(&run.name).copied().unwrap_or(0);
            self.failures.insert(run.name.clone(), count(before, &run, finished));
            for set in [&mut self.ready, &mut self.started, &mut self.unhealthy, &mut self.stopping] {
                set.remove(&key);
            }
            if let Some(task) = self.probing.remove(&key) {
                task.abort();
            }
            if let Some(message) = finished.message.as_ref().filter(|_| finished.reason == "StartError") {
                self.shared.events.warning(self.pod.as_ref(), "Failed", &format!("Error: {message}")).await;
            }
        }
        self.seen.send_if_modified(|it| {
            let is_news = *it != self.history;
            it.clone_from(&self.history);
            is_news
        });
    }

    /// Pod init died, and all that ran with it.
    async fn lose(&mut self) {
        self.live = None;
        self.shared.network.remove_pod(&self.uid);
        let now = self.now();
        lost(&mut self.history, now);
        if self.pod.metadata.deletion_timestamp.is_none() {
            let text = "Pod sandbox changed, it will be killed and re-created.";
            self.shared.events.normal(self.pod.as_ref(), "SandboxChanged", text).await;
        }
    }

    async fn note_backoffs(&mut self, plan: &Plan) {
        for container in self.containers() {
            let name = container.name;
            let Some(wait) = plan.backing_off.get(&name) else { continue };
            let pod = format!("{}_{}({})", self.pod.name_any(), self.pod.namespace().unwrap_or_default(), self.uid);
            let seconds = wait.as_secs();
            let message = format!("back-off {seconds}s restarting failed container={name} pod={pod}");
            let waiting = Waiting { reason: "CrashLoopBackOff".into(), message: Some(message) };
            if self.waiting.insert(name.clone(), waiting.clone()) != Some(waiting) {
                let text = format!("Back-off restarting failed container {name} in pod {pod}");
                self.shared.events.warning(self.pod.as_ref(), "BackOff", &text).await;
            }
        }
    }

    /// Starts the probes of containers that run and have none going.
    fn probe(&mut self) {
        let Some(target) = self.probe_target() else { return };
        let spec = self.pod.spec.clone().unwrap_or_default();
        for container in spec.containers {
            let has_probe = container.startup_probe.is_some()
                || container.readiness_probe.is_some()
                || container.liveness_probe.is_some();
            let Some(run) = self.history.latest(&container.name).filter(|it| it.finished.is_none()) else { continue };
            let key = (run.name.clone(), run.attempt);
            if has_probe && !self.probing.contains_key(&key) {
                let watching = probes::watch(target.clone(), container, key.1, self.reports.0.clone());
                self.probing.insert(key, self.tasks.spawn(watching));
            }
        }
    }

    fn probe_target(&self) -> Option<probes::Target> {
        let pod = Arc::clone(self.live.as_ref()?);
        let ip = pod.sandbox.ip.into();
        Some(probes::Target { pod, ip, node: self.shared.node_address() })
    }

    fn hear(&mut self, report: Report) {
        let Report { run, kind, said } = report;
        match (kind, said) {
            (Kind::Startup, Said::Yes) => drop(self.started.insert(run)),
            (Kind::Readiness, Said::Yes) => drop(self.ready.insert(run)),
            (Kind::Readiness, Said::No) => drop(self.ready.remove(&run)),
            (Kind::Liveness, Said::Yes) => {}
            (Kind::Startup | Kind::Liveness, Said::No) => drop(self.unhealthy.insert(run)),
            (kind, Said::Failed(why)) => {
                let (shared, pod) = (Arc::clone(&self.shared), Arc::clone(&self.pod));
                let text = format!("{} probe failed: {why}", kind.name());
                self.tasks.spawn(async move { shared.events.warning(pod.as_ref(), "Unhealthy", &text).await });
            }
        }
    }

    async fn stop_unhealthy(&mut self, name: &str, attempt: u32) {
        let Some(container) = self.container(name) else { return };
        let probe = container.liveness_probe.as_ref().and_then(|it| it.termination_grace_period_seconds);
        let grace = probe.or(self.pod.spec.as_ref().and_then(|it| it.termination_grace_period_seconds)).unwrap_or(30);
        let key = (name.to_owned(), attempt);
        if !self.stopping.contains(&key) {
            let text = format!("Container {name} failed liveness probe, will be restarted");
            self.shared.events.normal(self.pod.as_ref(), "Killing", &text).await;
        }
        self.stop_run(container, attempt, seconds(grace));
    }

    /// Begins to end a run, once.
    fn stop_run(&mut self, container: Container, attempt: u32, grace: Duration) {
        let key = (container.name.clone(), attempt);
        let Some(target) = self.probe_target() else { return };
        if !self.stopping.insert(key.clone()) {
            return;
        }
        if let Some(task) = self.probing.get(&key) {
            task.abort();
        }
        let done = self.stops.0.clone();
        let signal = self.images.get(&container.name).map_or(15, Image::stop_signal);
        self.tasks.spawn(async move {
            let hook = stop::stop(&target, &container, attempt, signal, grace).await;
            let _worker_ended = done.send((key, hook)).await;
        });
    }

    async fn stopped(&mut self, run: Run, hook: Option<String>) {
        if let Some(why) = hook {
            let text = format!("PreStopHook of container {} failed: {why}", run.0);
            self.shared.events.warning(self.pod.as_ref(), "FailedPreStopHook", &text).await;
        }
    }
}

/// What ran when pod init ended has ended too; nobody saw how.
fn lost(state: &mut PodState, at: Timestamp) {
    for run in state.containers.iter_mut().filter(|it| it.finished.is_none()) {
        let reason = "ContainerStatusUnknown".to_owned();
        let message = Some("the pod's first process ended and took the container with it".to_owned());
        run.finished = Some(runner::Finished { at, exit_code: 137, signal: Some(9), reason, message });
    }
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0))
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// Comes back when the API or pod init has something new.
async fn something_happens(targets: &mut watch::Receiver<Target>, live: Option<&runner::Pod>, known: &PodState) {
    let of_pod = async {
        match live {
            None => std::future::pending().await,
            Some(live) => {
                let mut states = live.watch();
                let is_new = |state: &PodState| state.containers.iter().any(|it| !known.containers.contains(it));
                tokio::select! {
                    _ = states.wait_for(is_new) => {}
                    () = live.gone() => {}
                }
            }
        }
    };
    tokio::select! {
        changed = targets.changed() => {
            if changed.is_err() {
                std::future::pending::<()>().await;
            }
        }
        () = of_pod => {}
    }
}
