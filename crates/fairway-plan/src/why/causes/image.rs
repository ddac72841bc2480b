//! An image that cannot be had.

use super::Found;
use crate::why::CauseKind;
use crate::why::observations::{Observations, State};

const REASONS: [&str; 4] = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"];

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let waits = seen.failing().into_iter().find_map(|(instance, container)| match &container.state {
        State::Waiting { reason, message } if REASONS.contains(&reason.as_str()) => {
            Some((instance, container, reason.clone(), message.clone()))
        }
        _ => None,
    });
    if let Some((instance, container, _, message)) = waits {
        let found = Found::new(CauseKind::MissingImage, sentence(&container.name, &message));
        return Some(mend(seen, found.by(super::told::state(instance, container))));
    }
    let failure = seen.standing.failure.as_ref()?;
    let reason = REASONS.iter().find(|it| failure.contains(&format!(" waits, {it}")))?;
    let (before, message) = failure.split_once(&format!(" waits, {reason}"))?;
    let container = before.rsplit(' ').next().unwrap_or_default();
    let found = Found::new(CauseKind::MissingImage, sentence(container, message.trim_start_matches(": ")));
    Some(mend(seen, found.by(seen.failure())))
}

/// The runtime's own words, without those that only say that it tries again.
fn sentence(container: &str, message: &str) -> String {
    let message = message.split_once("failed to pull image ").map_or(message, |(_, why)| why);
    format!("the image of container {container} cannot be had: {message}")
}

fn mend(seen: &Observations, found: Found) -> Found {
    found.next(seen.deliver())
}

#[cfg(test)]
mod tests;
