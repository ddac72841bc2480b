//! Whether a Release may come to an Environment: asked before a wish is written, and again before it is carried out.

use fairway_api::names::EnvironmentName;
use fairway_api::v1alpha1::{DeliveryReason, EnvironmentSpec, Release};

use crate::release::version;

/// Why it may not, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason of the condition.
    pub reason: DeliveryReason,
    /// One sentence.
    pub message: String,
    /// The next command.
    pub next_step: String,
}

/// What keeps a Release out of an Environment; nothing if it may come.
pub fn refusal(name: &EnvironmentName, environment: &EnvironmentSpec, release: &Release) -> Option<Refusal> {
    let version = version(release);
    let tier = environment.tier;
    if release.spec.source.uncommitted && !tier.takes_uncommitted() {
        let message = format!(
            "{version} was made from uncommitted changes, and environments of tier {} take only what is committed",
            tier.as_str()
        );
        // Where it has to have proved itself before, it begins there.
        let first = environment.promotes_from.as_deref().unwrap_or(name.as_str());
        let next_step = format!("git commit, then platform deploy {} --env={first}", release.spec.component_name);
        return Some(Refusal { reason: DeliveryReason::UncommittedNotAllowed, message, next_step });
    }
    let from = environment.promotes_from.as_ref()?;
    let proven = release.status.as_ref().map(|it| it.proven_in.as_slice()).unwrap_or_default();
    if proven.iter().any(|it| it == from || it == name.as_str()) {
        return None;
    }
    let message = format!("{version} has not been healthy in {from} yet, and {name} takes only what was");
    let next_step = format!("platform deploy {} --env={from}", release.spec.component_name);
    Some(Refusal { reason: DeliveryReason::NotProven, message, next_step })
}

#[cfg(test)]
mod tests;
