//! Why a service is not as wanted: from what was observed to one cause, with its evidence.
//!
//! [`judge`] asks the rooms of [`causes`] in their order, first what keeps a program from starting, then what ends it,
//! then what keeps it from being ready. A room names its cause only where something says so: a line, an event, a state.
//! Where none does, what is known is told and nobody is blamed: the last lines of a program that ended are the evidence.
//! Who gathers observations (command line, agent) makes them with [`read`], whose texts went through a [`Scrub`].

mod observations;

mod facts;

pub mod read;

mod scrub;

mod lines;

mod near;

mod causes;

use jiff::Timestamp;
use serde::Serialize;

pub use observations::{
    Change, Container, End, Event, Instance, KeyNames, Migration, Observations, Probe, Quota, Reference, Resource,
    Service, Standing, State, Variable, WorkloadContainer,
};
pub use scrub::Scrub;

/// What kind of cause. The page `docs/reference/causes.md` tells of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum CauseKind {
    /// A migration of the release failed.
    FailedMigration,
    /// The environment's quota leaves no room for another instance.
    QuotaFull,
    /// An image is not there.
    MissingImage,
    /// A Secret or ConfigMap, or a key of it, is not there.
    MissingSecretKey,
    /// A program used more memory than its limit.
    OutOfMemory,
    /// A database refuses the password.
    WrongDatabasePassword,
    /// A connection is not allowed.
    EgressDenied,
    /// A name belongs to no service.
    MisspeltService,
    /// A database does not answer.
    DatabaseDown,
    /// A variable that the program asks for is not set.
    MissingVariable,
    /// A check asks for a page that is not there.
    WrongProbePath,
    /// The program listens where nobody calls.
    PortMismatch,
    /// The program ends, and nothing says why but what it printed.
    Exits,
    /// The program runs and is not ready, and nothing says why but the check.
    NotReady,
    /// The wish cannot be carried out; the delivery says why.
    Refused,
    /// It is on its way.
    Underway,
    /// Nothing is wrong.
    Serving,
}

impl CauseKind {
    /// Every kind, for documentation and its tests.
    pub const ALL: &'static [Self] = &[
        Self::FailedMigration,
        Self::QuotaFull,
        Self::MissingImage,
        Self::MissingSecretKey,
        Self::OutOfMemory,
        Self::WrongDatabasePassword,
        Self::EgressDenied,
        Self::MisspeltService,
        Self::DatabaseDown,
        Self::MissingVariable,
        Self::WrongProbePath,
        Self::PortMismatch,
        Self::Exits,
        Self::NotReady,
        Self::Refused,
        Self::Underway,
        Self::Serving,
    ];

    /// Whether something is blamed, rather than what is known told.
    pub fn is_blame(self) -> bool {
        !matches!(self, Self::Exits | Self::NotReady | Self::Refused | Self::Underway | Self::Serving)
    }
}

/// Where a piece of evidence is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Witness {
    /// What a program printed.
    Log,
    /// An Event of the cluster.
    Event,
    /// The state of an object.
    Object,
}

/// Something that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What it is.
    pub kind: Witness,
    /// Of what: `my-api-7c9-x2x/web`, `Secret my-api-db`.
    #[serde(rename = "where")]
    pub place: String,
    /// What it says.
    pub text: String,
}

impl Evidence {
    pub(crate) fn object(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: Witness::Object, place: place.into(), text: text.into() }
    }
}

/// What changed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// In words.
    pub what: String,
    /// Who did it.
    pub by: String,
    /// When.
    pub when: Timestamp,
    /// The ledger's event.
    pub event: String,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// What kind of cause.
    pub kind: CauseKind,
    /// In one sentence.
    pub sentence: String,
    /// What says so, the strongest first.
    pub evidence: Vec<Evidence>,
    /// What changed last before it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
    /// What to change, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// Who can mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<String>,
    /// The next command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

/// The one cause that the observations speak for most.
pub fn judge(seen: &Observations) -> Cause {
    let found = causes::find(seen);
    let changed = changed(seen, &found.concerns);
    let evidence = found.evidence.into_iter().map(|it| Evidence { text: Scrub::default().line(&it.text), ..it });
    Cause {
        kind: found.kind,
        sentence: Scrub::default().line(&found.sentence),
        evidence: evidence.collect(),
        changed,
        mend: found.mend,
        fixed_by: found.fixed_by,
        next_step: found.next_step,
    }
}

/// The last change of what the cause is about; else of the delivery, without which nothing new would run.
fn changed(seen: &Observations, concerns: &[(&'static str, String)]) -> Option<Changed> {
    let of = |kind: &str, name: &str| seen.changes.iter().find(|it| it.kind == kind && it.name == name);
    let about = concerns.iter().find_map(|(kind, name)| of(kind, name));
    let change = about.or_else(|| of("Delivery", &seen.service)).or_else(|| seen.changes.first())?;
    let Change { what, by, when, event, .. } = change.clone();
    Some(Changed { what, by, when, event })
}

#[cfg(test)]
mod fixtures;

#[cfg(test)]
mod tests;
