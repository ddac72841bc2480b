//! The causes, a room each, in the order in which they are asked: what keeps a program from starting, what ends it, what
//! keeps it from being ready; at last what is told where nothing is blamed.

mod migration;

mod quota;

mod image;

mod missing_key;

mod memory;

mod password;

mod egress;

mod misspelt;

mod database;

mod variable;

mod probe_path;

mod port;

mod told;

use super::facts::Line;
use super::observations::{Event, Observations};
use super::{CauseKind, Evidence, Witness};

const ROOMS: [fn(&Observations) -> Option<Found>; 12] = [
    migration::find,
    quota::find,
    image::find,
    missing_key::find,
    memory::find,
    password::find,
    egress::find,
    misspelt::find,
    database::find,
    variable::find,
    probe_path::find,
    port::find,
];

pub(super) fn find(seen: &Observations) -> Found {
    let blamed = (!seen.standing.ready).then(|| ROOMS.iter().find_map(|it| it(seen))).flatten();
    blamed.unwrap_or_else(|| told::find(seen))
}

/// What a room found.
pub(super) struct Found {
    pub(super) kind: CauseKind,
    pub(super) sentence: String,
    pub(super) evidence: Vec<Evidence>,
    pub(super) mend: Option<String>,
    pub(super) fixed_by: Option<String>,
    pub(super) next_step: Option<String>,
    /// Objects whose change may be what led to it, by kind and name.
    pub(super) concerns: Vec<(&'static str, String)>,
}

impl Found {
    fn new(kind: CauseKind, sentence: impl Into<String>) -> Self {
        let team = Some("its team".to_owned());
        let sentence = sentence.into();
        Self { kind, sentence, evidence: Vec::new(), mend: None, fixed_by: team, next_step: None, concerns: Vec::new() }
    }

    fn by(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        for it in evidence {
            if !self.evidence.contains(&it) {
                self.evidence.push(it);
            }
        }
        self
    }

    fn fixed_by(mut self, who: &str) -> Self {
        self.fixed_by = Some(who.to_owned());
        self
    }

    fn mend(mut self, how: impl Into<String>) -> Self {
        self.mend = Some(how.into());
        self
    }

    fn next(mut self, step: impl Into<String>) -> Self {
        self.next_step = Some(step.into());
        self
    }

    fn about(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.concerns.push((kind, name.into()));
        self
    }
}

const PLATFORM_TEAM: &str = "the platform team";

impl Line<'_> {
    fn evidence(&self) -> Evidence {
        let place = format!("{}/{}", self.instance.name, self.container.name);
        Evidence { kind: Witness::Log, place, text: self.text.to_owned() }
    }
}

impl Event {
    fn evidence(&self) -> Evidence {
        let place = format!("{} {}", self.kind, self.name);
        Evidence { kind: Witness::Event, place, text: format!("{}: {}", self.reason, self.message) }
    }
}

impl Observations {
    /// ` --env=staging`, as commands take it.
    fn here(&self) -> String {
        format!("{} --env={}", self.service, self.environment)
    }

    /// How another version of it gets here.
    fn deliver(&self) -> String {
        if self.hosted { "commit, and git push".to_owned() } else { format!("platform deploy {}", self.here()) }
    }

    /// How failing containers ended or wait, as evidence.
    fn states(&self) -> Vec<Evidence> {
        let told = |it: &(&super::Instance, &super::Container)| told::state(it.0, it.1);
        self.failing().iter().filter_map(told).take(2).collect()
    }

    /// Why the last attempt failed, as evidence.
    fn failure(&self) -> Option<Evidence> {
        let failure = self.standing.failure.as_ref()?;
        Some(Evidence::object(format!("Delivery {}", self.service), failure))
    }
}
