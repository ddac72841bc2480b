//! A pod's status, from what was seen: a pure function, so that nothing is written when nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState as ApiState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::plan::Ending;
use super::usage::Cut;
use crate::runner::{ContainerState, PodState};

/// Why a container does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) reason: String,
    pub(crate) message: Option<String>,
}

/// What was seen of a pod.
pub(crate) struct Seen<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) state: &'a PodState,
    pub(crate) waiting: &'a BTreeMap<String, Waiting>,
    /// Runs whose readiness probe said yes last.
    pub(crate) ready: &'a BTreeSet<(String, u32)>,
    /// Runs whose startup probe said yes.
    pub(crate) started: &'a BTreeSet<(String, u32)>,
    pub(crate) initialized: bool,
    pub(crate) ended: Option<Ending>,
    /// Why it was ended before its containers were done.
    pub(crate) cut: Option<&'a Cut>,
    pub(crate) pod_ip: Option<String>,
    pub(crate) host_ip: &'a str,
    /// What failed runs printed last, where that is to be told.
    pub(crate) last_words: &'a BTreeMap<(String, u32), String>,
    pub(crate) image_ids: &'a BTreeMap<String, String>,
    pub(crate) start_time: Timestamp,
    pub(crate) now: Timestamp,
}

/// The status that the pod should have.
pub(crate) fn status(seen: &Seen<'_>) -> PodStatus {
    let spec = seen.pod.spec.clone().unwrap_or_default();
    let old = seen.pod.status.clone().unwrap_or_default();
    let init = spec.init_containers.unwrap_or_default();
    let init_statuses: Vec<_> = init.iter().map(|it| container_status(seen, it, true)).collect();
    let statuses: Vec<_> = spec.containers.iter().map(|it| container_status(seen, it, false)).collect();
    let all_ready = statuses.iter().all(|it| it.ready) && !statuses.is_empty();
    let (reason, message) = match seen.cut.filter(|_| seen.ended.is_some()) {
        Some(cut) => (Some(cut.reason.to_owned()), Some(cut.message.clone())),
        // What was said of its end stays.
        None => (old.reason.clone(), old.message.clone()),
    };
    PodStatus {
        reason,
        message,
        phase: Some(phase(seen, &statuses).to_owned()),
        conditions: Some(conditions(seen, &old, all_ready, &statuses)),
        container_statuses: Some(statuses),
        init_container_statuses: (!init_statuses.is_empty()).then_some(init_statuses),
        host_ip: Some(seen.host_ip.to_owned()),
        host_ips: Some(vec![HostIP { ip: seen.host_ip.to_owned() }]),
        pod_ip: seen.pod_ip.clone(),
        pod_ips: seen.pod_ip.clone().map(|ip| vec![PodIP { ip }]),
        start_time: Some(old.start_time.unwrap_or(Time(seen.start_time))),
        qos_class: old.qos_class,
        observed_generation: seen.pod.metadata.generation,
        ..PodStatus::default()
    }
}

/// The status of a pod that this node refuses to run.
pub(crate) fn refused(pod: &Pod, reason: &str, message: &str, now: Timestamp) -> PodStatus {
    PodStatus {
        phase: Some("Failed".into()),
        reason: Some(reason.into()),
        message: Some(message.into()),
        start_time: Some(Time(now)),
        conditions: pod.status.as_ref().and_then(|it| it.conditions.clone()),
        ..PodStatus::default()
    }
}

fn phase(seen: &Seen<'_>, statuses: &[ContainerStatus]) -> &'static str {
    match seen.ended {
        Some(Ending::Succeeded) => "Succeeded",
        Some(Ending::Failed) => "Failed",
        // Once every container has run, the pod runs, also while one waits to be started again.
        None if seen.initialized && statuses.iter().all(|it| seen.state.latest(&it.name).is_some()) => "Running",
        None => "Pending",
    }
}

fn container_status(seen: &Seen<'_>, container: &Container, is_init: bool) -> ContainerStatus {
    let latest = seen.state.latest(&container.name);
    let is_running = latest.is_some_and(|it| it.finished.is_none());
    let waiting = seen.waiting.get(&container.name);
    let (state, last) = match (latest, waiting) {
        (Some(run), Some(waiting)) if run.finished.is_some() => (waits(waiting), Some(run)),
        (Some(run), _) => (state_of(seen, run), seen.state.previous(&container.name)),
        (None, Some(waiting)) => (waits(waiting), None),
        (None, None) => (waits(&not_yet(seen)), None),
    };
    let has = |set: &BTreeSet<(String, u32)>| latest.is_some_and(|it| set.contains(&(it.name.clone(), it.attempt)));
    let started = is_running && (is_init || container.startup_probe.is_none() || has(seen.started));
    let ready = if is_init {
        latest.and_then(|it| it.finished.as_ref()).is_some_and(|it| it.exit_code == 0)
    } else {
        is_running && started && (container.readiness_probe.is_none() || has(seen.ready))
    };
    ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        image_id: seen.image_ids.get(&container.name).cloned().unwrap_or_default(),
        container_id: latest.map(|it| container_id(seen, it)),
        restart_count: latest.map_or(0, |it| i32::try_from(it.attempt).unwrap_or(i32::MAX)),
        ready,
        started: Some(started),
        state: Some(state),
        last_state: last.map(|it| state_of(seen, it)),
        ..ContainerStatus::default()
    }
}

fn not_yet(seen: &Seen<'_>) -> Waiting {
    let reason = if seen.initialized { "ContainerCreating" } else { "PodInitializing" };
    Waiting { reason: reason.into(), message: None }
}

fn container_id(seen: &Seen<'_>, run: &ContainerState) -> String {
    let uid = seen.pod.metadata.uid.as_deref().unwrap_or_default();
    format!("fairway://{uid}/{}/{}", run.name, run.attempt)
}

fn waits(waiting: &Waiting) -> ApiState {
    let (reason, message) = (Some(waiting.reason.clone()), waiting.message.clone());
    ApiState { waiting: Some(ContainerStateWaiting { reason, message }), ..ApiState::default() }
}

fn state_of(seen: &Seen<'_>, run: &ContainerState) -> ApiState {
    let started_at = Some(Time(whole(run.started_at)));
    let last_words = || seen.last_words.get(&(run.name.clone(), run.attempt));
    match &run.finished {
        None => ApiState { running: Some(ContainerStateRunning { started_at }), ..ApiState::default() },
        Some(finished) => ApiState {
            terminated: Some(ContainerStateTerminated {
                container_id: Some(container_id(seen, run)),
                exit_code: finished.exit_code,
                signal: None,
                reason: Some(finished.reason.clone()),
                message: finished.message.clone().or_else(|| last_words().cloned()),
                started_at,
                finished_at: Some(Time(whole(finished.at))),
            }),
            ..ApiState::default()
        },
    }
}

/// The API knows whole seconds only; what is compared with it must too.
pub(crate) fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn conditions(seen: &Seen<'_>, old: &PodStatus, all_ready: bool, statuses: &[ContainerStatus]) -> Vec<PodCondition> {
    let done = seen.ended == Some(Ending::Succeeded);
    let unready: Vec<&str> = statuses.iter().filter(|it| !it.ready).map(|it| it.name.as_str()).collect();
    let unready = format!("containers with unready status: [{}]", unready.join(" "));
    let not_ready = || match seen.ended {
        Some(Ending::Succeeded) => Some(("PodCompleted", None)),
        Some(Ending::Failed) => Some(("PodFailed", None)),
        None => Some(("ContainersNotReady", Some(unready.clone()))),
    };
    let ready_why = if all_ready { None } else { not_ready() };
    let has_started = seen.pod_ip.is_some() && seen.ended.is_none();
    let initialized_why = (!seen.initialized && !done).then_some(("ContainersNotInitialized", None));
    let wanted = [
        ("PodReadyToStartContainers", has_started, None),
        ("Initialized", seen.initialized || done, initialized_why),
        ("Ready", all_ready, ready_why.clone()),
        ("ContainersReady", all_ready, ready_why),
    ];
    let known = old.conditions.clone().unwrap_or_default();
    let mut conditions: Vec<PodCondition> =
        known.iter().filter(|it| !wanted.iter().any(|(name, ..)| *name == it.type_)).cloned().collect();
    for (name, is_true, why) in wanted {
        let status = if is_true { "True" } else { "False" };
        let before = known.iter().find(|it| it.type_ == name && it.status == status);
        conditions.push(PodCondition {
            type_: name.into(),
            status: status.into(),
            reason: why.as_ref().map(|it| it.0.to_owned()),
            message: why.and_then(|it| it.1),
            last_transition_time: before.and_then(|it| it.last_transition_time.clone()).or(Some(Time(whole(seen.now)))),
            ..PodCondition::default()
        });
    }
    conditions
}

#[cfg(test)]
mod tests;
