//! Whether what runs is what was wanted, judged from the Deployment and its Pods, and the reason in one sentence.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::render::CONNECTIONS;

/// A judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Every instance of the wanted version is ready and no other is left.
    Healthy,
    /// It is on its way; the sentence says what is awaited.
    Progressing(String),
    /// It will not get there; the sentence says why.
    Failed(String),
}

/// The annotation of a template that changes when every instance is to be restarted.
pub(crate) const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// After this many restarts an instance that never became ready is given up before its time is over.
const RESTARTS: i32 = 3;

/// How a container is told of that has never run.
const WAITS: &str = " waits, ";

/// Whether a version failed for this reason before any program of it ran: then it has left no logs.
pub fn never_ran(why: &str) -> bool {
    why.contains(WAITS)
}

/// Judges. `pods` are those of the Deployment; `unhealthy` is what the last failed check of each Pod said, by Pod name.
pub fn judge(
    deployment: &Deployment,
    pods: &[Pod],
    unhealthy: &dyn Fn(&Pod) -> Option<String>,
    version: &str,
) -> Health {
    let wanted = deployment.spec.as_ref().and_then(|it| it.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let seen = status.observed_generation >= deployment.metadata.generation;
    let updated = status.updated_replicas.unwrap_or(0);
    let available = status.available_replicas.unwrap_or(0);
    let total = status.replicas.unwrap_or(0);
    if seen && updated == wanted && available == wanted && total == wanted {
        return Health::Healthy;
    }
    let new: Vec<&Pod> = pods.iter().filter(|it| is_of(it, version) && is_of_this_try(it, deployment)).collect();
    let late = seen && reason(deployment, "Progressing") == Some("ProgressDeadlineExceeded");
    let given_up = new.iter().any(|it| containers(it).any(|it| it.restart_count >= RESTARTS && !it.ready));
    // What is left of instances that are over says less than one that is there.
    let explained = |over| new.iter().filter(|it| is_over(it) == over).find_map(|it| explain(it, unhealthy));
    let why = explained(false).or_else(|| explained(true)).or_else(|| refused(deployment));
    if late || given_up {
        let within = deployment.spec.as_ref().and_then(|it| it.progress_deadline_seconds).unwrap_or(600);
        let why = why.unwrap_or_else(|| format!("no instance became ready within {within} s"));
        return Health::Failed(why);
    }
    let ready = new.iter().filter(|it| containers(it).all(|it| it.ready) && containers(it).next().is_some()).count();
    let mut sentence = format!("{ready} of {wanted} instances are ready");
    if let Some(why) = why {
        sentence = format!("{sentence}: {why}");
    }
    Health::Progressing(sentence)
}

fn is_over(pod: &Pod) -> bool {
    pod.status.as_ref().is_some_and(|it| it.phase.as_deref() == Some("Failed"))
}

fn is_of(pod: &Pod, version: &str) -> bool {
    let labels = pod.metadata.labels.as_ref();
    pod.metadata.deletion_timestamp.is_none()
        && labels.and_then(|it| it.get(fairway_api::names::LABEL_VERSION)).is_some_and(|it| it == version)
}

/// Whether it was made after the last restart that was asked for, and told the same of its Resources as one that is made
/// now: what went wrong before counts no more.
fn is_of_this_try(pod: &Pod, deployment: &Deployment) -> bool {
    let template = deployment.spec.as_ref().and_then(|it| it.template.metadata.as_ref());
    [RESTARTED, CONNECTIONS].into_iter().all(|name| {
        let said = |it: Option<&ObjectMeta>| it.and_then(|it| it.annotations.as_ref()?.get(name).cloned());
        said(template).is_none_or(|wanted| said(Some(&pod.metadata)) == Some(wanted))
    })
}

/// Why the cluster does not make its instances, if it says so.
fn refused(deployment: &Deployment) -> Option<String> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let it = conditions.iter().find(|it| it.type_ == "ReplicaFailure" && it.status == "True")?;
    Some(format!("the cluster makes no instance: {}", it.message.clone().unwrap_or_default()))
}

fn reason<'a>(deployment: &'a Deployment, r#type: &str) -> Option<&'a str> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|it| it.type_ == r#type)?.reason.as_deref()
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten())
}

/// Why a Pod is not ready, if it says so.
pub(crate) fn explain(pod: &Pod, unhealthy: &dyn Fn(&Pod) -> Option<String>) -> Option<String> {
    let scheduled =
        pod.status.iter().flat_map(|it| it.conditions.iter().flatten()).find(|it| it.type_ == "PodScheduled");
    if let Some(it) = scheduled.filter(|it| it.status == "False") {
        return Some(format!("no node takes it ({})", it.message.clone().unwrap_or_default()));
    }
    // Ended as a whole: its containers can only say that they were killed.
    let status = pod.status.as_ref().filter(|_| is_over(pod));
    if let Some(reason) = status.and_then(|it| it.reason.as_ref()) {
        let message = status.and_then(|it| it.message.as_deref()).unwrap_or_default();
        return Some(format!("the instance was ended ({reason}: {})", message.trim_end_matches(['.', ' '])));
    }
    containers(pod).filter(|it| !it.ready).find_map(|it| explain_container(it, unhealthy(pod)))
}

fn explain_container(it: &ContainerStatus, unhealthy: Option<String>) -> Option<String> {
    let state = it.state.as_ref();
    let name = &it.name;
    let last = it.last_state.as_ref().and_then(|it| it.terminated.as_ref());
    let ended = state.and_then(|it| it.terminated.as_ref()).or(last);
    // A container that was told to stop because a check failed ended for that reason, whatever code it left with.
    if let Some(said) = unhealthy.as_ref().filter(|_| ended.is_none_or(|it| matches!(it.exit_code, 0 | 137 | 143)))
        && ended.and_then(|it| it.reason.as_deref()) != Some("OOMKilled")
    {
        return Some(format!("container {name} runs and is not ready: {said}"));
    }
    if let Some(ended) = ended {
        let how = match ended.reason.as_deref() {
            Some("OOMKilled") => "used more memory than its limit and was killed".to_owned(),
            Some(reason @ "ImageNeedsUidRange") => {
                format!("could not go on ({reason}: {})", ended.message.clone().unwrap_or_default())
            }
            _ if ended.signal.is_some_and(|it| it != 0) => format!("was ended by signal {}", ended.signal.unwrap_or(0)),
            _ => format!("exited with code {}", ended.exit_code),
        };
        let times = match it.restart_count {
            0 => String::new(),
            1 => " (1 restart)".to_owned(),
            many => format!(" ({many} restarts)"),
        };
        return Some(format!("container {name} {how}{times}"));
    }
    if let Some(waiting) = state.and_then(|it| it.waiting.as_ref()) {
        let reason = waiting.reason.clone().unwrap_or_default();
        if reason == "ContainerCreating" || reason == "PodInitializing" {
            return None;
        }
        let message = waiting.message.clone().map(|it| format!(": {it}")).unwrap_or_default();
        return Some(format!("container {name}{WAITS}{reason}{message}"));
    }
    None
}

#[cfg(test)]
mod tests;
