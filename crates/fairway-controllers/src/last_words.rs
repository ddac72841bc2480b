//! What a Job says of its failure: the last line that its newest pod printed.

use fairway_plan::why::Scrub;
use k8s_openapi::api::core::v1::Pod;

/// How much of a line a status has room for.
const MOST: usize = 300;

/// The newest pod of a Job whose name is meant.
pub(crate) fn newest(pods: &[Pod], is_meant: impl Fn(&str) -> bool) -> Option<&Pod> {
    let of_job = |it: &&Pod| it.metadata.owner_references.iter().flatten().any(|owner| is_meant(&owner.name));
    pods.iter().filter(of_job).max_by_key(|it| it.metadata.creation_timestamp.clone())
}

/// The end of what a pod which ended printed, as its node tells it.
pub(crate) fn printed(pod: &Pod) -> Option<&str> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find_map(|it| it.state.as_ref()?.terminated.as_ref()?.message.as_deref())
}

/// The last line that a pod which ended printed, without passwords: a program may print the URL of its database, and a
/// status is read by many.
pub(crate) fn last_words(pod: &Pod) -> Option<String> {
    last_line(printed(pod)?, |_| true)
}

/// The same of what it printed, among the lines that are meant.
pub(crate) fn last_line(printed: &str, is_meant: impl Fn(&str) -> bool) -> Option<String> {
    let line = printed.lines().map(str::trim).rfind(|it| !it.is_empty() && is_meant(it))?;
    Some(Scrub::default().line(line).chars().take(MOST).collect())
}

#[cfg(test)]
pub(crate) mod tests;
