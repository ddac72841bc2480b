//! One pod's worker: see, plan, act, report, wait, and again.

mod claims;
mod cut;
mod finish;
mod health;
mod report;
mod sandbox;
mod see;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, PodStatus};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::Shared;
use super::claims::Bound;
use super::environment::References;
use super::images::Image;
use super::plan::{Ending, Facts, Plan, plan};
use super::probes::Report;
use super::status::Waiting;
use super::usage::Cut;
use crate::runner::{self, Found, PodState};
use report::Reporter;
use see::lost;

/// A run of a container: its name and which one it is.
type Run = (String, u32);

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
    told_wants: BTreeSet<Run>,
    failures: BTreeMap<String, u32>,
    waiting: BTreeMap<String, Waiting>,
    ready: BTreeSet<Run>,
    started: BTreeSet<Run>,
    unhealthy: BTreeSet<Run>,
    probing: BTreeMap<Run, AbortHandle>,
    stopping: BTreeSet<Run>,
    images: BTreeMap<String, Image>,
    /// What failed runs printed last, for containers that want it told as the reason.
    last_words: BTreeMap<Run, String>,
    image_ids: BTreeMap<String, String>,
    /// Images that could not be had: how often, and when to try again.
    no_image: BTreeMap<String, (u32, Timestamp)>,
    /// The claims that it uses, by the name of the volume.
    claims: BTreeMap<String, Bound>,
    references: References,
    token: Option<(String, Timestamp)>,
    refreshed: Timestamp,
    ended: Option<Ending>,
    /// Why it is ended before its containers are done, and whether that was told.
    cut: Option<Cut>,
    cut_told: bool,
    initialized: bool,
    begun: Timestamp,
    written: Option<PodStatus>,
    reporter: Reporter,
    tasks: JoinSet<()>,
    reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    cuts: (mpsc::Sender<Cut>, mpsc::Receiver<Cut>),
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
            told_wants: BTreeSet::new(),
            failures: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ready: BTreeSet::new(),
            started: BTreeSet::new(),
            unhealthy: BTreeSet::new(),
            probing: BTreeMap::new(),
            stopping: BTreeSet::new(),
            images: BTreeMap::new(),
            last_words: BTreeMap::new(),
            image_ids: BTreeMap::new(),
            no_image: BTreeMap::new(),
            claims: BTreeMap::new(),
            references: References::default(),
            token: None,
            refreshed: now,
            ended: None,
            cut: None,
            cut_told: false,
            initialized: false,
            begun: now,
            written: None,
            reporter,
            tasks: JoinSet::new(),
            reports: mpsc::channel(32),
            cuts: mpsc::channel(1),
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
                Some(cut) = self.cuts.1.recv() => drop(self.cut.get_or_insert(cut)),
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
        if let Some(refusal) = super::refuse::refuse(&self.pod, self.shared.runner.has_ranges()) {
            return self.refuse(&refusal).await;
        }
        let left = self.time_left();
        if let Some(cut) = self.cut.clone() {
            return self.cut_short(&cut).await;
        }
        if self.live.is_none()
            && let Err(wait) = self.stand_up().await
        {
            self.report();
            return Next::Wait(Some(left.map_or(wait, |it| it.min(wait))));
        }
        let plan = self.plan();
        let wait = self.act(&plan).await;
        self.report();
        Next::Wait([wait, left].into_iter().flatten().min())
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
            // Whoever waits for the end hears of it before the rest is cleared away.
            self.report();
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
