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

/// The last line that a pod which ended printed, without passwords: a program may print the URL of its database, and a
/// status is read by many.
pub(crate) fn last_words(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let ended = statuses.iter().find_map(|it| it.state.as_ref()?.terminated.as_ref()?.message.clone())?;
    let line = ended.lines().map(str::trim).rfind(|it| !it.is_empty())?;
    Some(Scrub::default().line(line).chars().take(MOST).collect())
}

#[cfg(test)]
mod tests;
