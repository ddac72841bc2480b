//! Whether a Job of an earlier try is still at work on the schema. Nobody else may be meanwhile.

use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

/// An earlier Job that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// Its name.
    pub job: String,
    /// Whether its program has begun, as far as is known.
    pub began: bool,
    /// After how many seconds it is ended, if it is still there.
    pub within: Option<i64>,
}

impl fmt::Display for Older {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = &self.job;
        if !self.began {
            return write!(f, "waits: job {job} of an earlier try has not begun, and is taken back");
        }
        write!(f, "waits for job {job} of an earlier try, which is still at work")?;
        match self.within {
            Some(within) => write!(f, " and is ended after {within} s at the latest"),
            None => Ok(()),
        }
    }
}

/// The first Job that has not ended, where the wanted one is not there. `left` is what else was applied before, of any
/// kind; `pods` are those of migrations of the Component: one that runs on without its Job, which was deleted, counts as
/// well, though the Job was the wanted one.
pub fn older(left: &[Value], pods: &[Pod], component: &str) -> Option<Older> {
    let jobs = left.iter().filter(|it| it["kind"] == "Job" && !has_ended(it));
    let jobs =
        jobs.filter_map(|it| Some((it["metadata"]["name"].as_str()?, it["spec"]["activeDeadlineSeconds"].as_i64())));
    let at_work: Vec<(&str, &Pod)> =
        pods.iter().filter(|it| !is_over(it)).filter_map(|it| Some((owner(it, component)?, it))).collect();
    let without_job = at_work.iter().map(|(job, _)| (*job, None));
    let (job, within) = jobs.chain(without_job).next()?;
    let began = at_work.iter().any(|(owner, pod)| *owner == job && has_begun(pod));
    Some(Older { job: job.to_owned(), began, within })
}

fn has_ended(job: &Value) -> bool {
    let conditions = job["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().any(|it| (it["type"] == "Complete" || it["type"] == "Failed") && it["status"] == "True")
}

/// The Job of migrations that a Pod is of: another Pod with their label keeps nobody waiting.
fn owner<'a>(pod: &'a Pod, component: &str) -> Option<&'a str> {
    let owners = pod.metadata.owner_references.iter().flatten();
    let is_of_migrations = |name: &&str| name.strip_prefix(component).is_some_and(|it| it.starts_with("-migrate-"));
    owners.filter(|it| it.kind == "Job").map(|it| it.name.as_str()).find(is_of_migrations)
}

fn is_over(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// One that is pulling its image, or that no node has room for, has changed nothing.
fn has_begun(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten());
    let mut states = statuses.filter_map(|it| it.state.as_ref());
    !matches!(phase(pod), "" | "Pending") || states.any(|it| it.running.is_some() || it.terminated.is_some())
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|it| it.phase.as_deref()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
