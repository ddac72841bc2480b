//! What is to be done next about a run: from what is seen to decisions, with no memory in between.
//!
//! Whoever carries the decisions out may be killed at any moment and begin again from what it then sees.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Pipeline, Step};
use super::refs::LeadsTo;

/// How a step stands, as seen now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// It has not begun.
    #[default]
    Waiting,
    /// It is under way.
    Running,
    /// Its command ended well; what follows from that is not done yet.
    Exited,
    /// It was under way, and there is no trace of it.
    Lost,
    /// It ended well.
    Succeeded,
    /// It was not run, because nothing changed.
    Unchanged,
    /// It did not end well.
    Failed,
    /// It was not run, because a step that it needs did not end well.
    Blocked,
    /// It was stopped.
    Cancelled,
}

impl Standing {
    /// Whether it will not change any more.
    pub fn ended(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running | Self::Exited | Self::Lost)
    }

    /// Whether what needs it may begin.
    pub fn well(self) -> bool {
        matches!(self, Self::Succeeded | Self::Unchanged)
    }
}

/// A step that succeeded in another run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    /// The run.
    pub run: String,
    /// The digest of the image that was made of it.
    pub image_digest: Option<String>,
}

/// How it stands with the Release of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Released {
    /// There is none yet.
    #[default]
    No,
    /// It is being checked.
    Checking,
    /// It can be delivered.
    Ready,
    /// It never will be; why.
    Refused(String),
}

/// All that is seen.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The pipeline.
    pub pipeline: &'a Pipeline,
    /// What its ref leads to.
    pub leads_to: &'a LeadsTo,
    /// How each step stands; one that is not there waits.
    pub steps: &'a BTreeMap<String, Standing>,
    /// The key of each step.
    pub keys: &'a BTreeMap<String, String>,
    /// What succeeded in other runs, by key.
    pub earlier: &'a BTreeMap<String, Earlier>,
    /// Whether the run is to end now.
    pub stop: bool,
    /// Whether the workspace holds the commit.
    pub prepared: bool,
    /// How many steps may be started now.
    pub places: usize,
    /// How it stands with the Release.
    pub released: &'a Released,
    /// The Environments that it was delivered to.
    pub delivered: &'a BTreeSet<String>,
    /// The Environments that it may not be delivered to.
    pub forbidden: &'a BTreeSet<String>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Put the commit into the workspace.
    Prepare,
    /// Start a step.
    Start(String),
    /// Leave a step out: nothing changed since another run.
    Skip(String, Earlier),
    /// Leave a step out: one that it needs did not end well.
    Block(String, String),
    /// A step ended well.
    Complete(String),
    /// Make the image of a step's program; the step ends as that does.
    MakeImage(String),
    /// A step is lost.
    Lose(String),
    /// Stop a step.
    Cancel(String),
    /// Make the Release.
    Release,
    /// Deliver the Release to an Environment.
    Deliver(String),
    /// The run is over.
    Finish(Verdict),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Succeeded,
    /// These steps did not end well, in the order of the file.
    StepsFailed(Vec<String>),
    /// It was stopped.
    Stopped,
    /// Its Release is not deliverable; why.
    ReleaseRefused(String),
    /// Its Release is delivered but for these Environments, to which it may not be.
    Forbidden(Vec<String>),
}

/// What is to be done now, and what would be if there were a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub decisions: Vec<Decision>,
    /// Steps that wait for a place.
    pub queued: Vec<String>,
}

/// Decides.
pub fn plan(facts: &Facts<'_>) -> Plan {
    let mut now = Now { facts, steps: facts.steps.clone(), plan: Plan::default() };
    if facts.stop {
        now.stop();
        return now.plan;
    }
    now.settle();
    now.skip();
    now.block();
    now.start();
    now.conclude();
    now.plan
}

/// The steps that could be started if there were places enough.
pub fn startable(facts: &Facts<'_>) -> usize {
    let plan = plan(&Facts { places: usize::MAX, prepared: true, ..facts.clone() });
    plan.decisions.iter().filter(|it| matches!(it, Decision::Start(_))).count()
}

/// What is seen, with what was decided since.
struct Now<'a> {
    facts: &'a Facts<'a>,
    steps: BTreeMap<String, Standing>,
    plan: Plan,
}

impl<'a> Now<'a> {
    fn of(&self, name: &str) -> Standing {
        self.steps.get(name).copied().unwrap_or_default()
    }

    fn decide(&mut self, step: &str, decision: Decision, standing: Standing) {
        self.plan.decisions.push(decision);
        self.steps.insert(step.to_owned(), standing);
    }

    fn all(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        self.facts.pipeline.steps.iter()
    }

    fn stop(&mut self) {
        for step in self.all() {
            if !self.of(&step.name).ended() {
                self.decide(&step.name, Decision::Cancel(step.name.clone()), Standing::Cancelled);
            }
        }
        self.plan.decisions.push(Decision::Finish(Verdict::Stopped));
    }

    /// Steps whose command ended, and those that are lost.
    fn settle(&mut self) {
        for step in self.all() {
            let name = step.name.clone();
            match self.of(&name) {
                Standing::Exited if step.image.is_some() => self.plan.decisions.push(Decision::MakeImage(name)),
                Standing::Exited => self.decide(&step.name, Decision::Complete(name), Standing::Succeeded),
                Standing::Lost => self.decide(&step.name, Decision::Lose(name), Standing::Failed),
                _ => {}
            }
        }
    }

    /// Leaves out what need not run. All at once, so that what is left out is never needed by what is not.
    fn skip(&mut self) {
        let mut runs: BTreeSet<&str> = self
            .all()
            .filter(|it| self.earlier(it).is_none() && !self.of(&it.name).ended())
            .map(|it| it.name.as_str())
            .collect();
        // What must run needs the files of what it needs.
        loop {
            let more: Vec<&str> = self
                .all()
                .filter(|it| runs.contains(it.name.as_str()))
                .flat_map(|it| it.needs.iter().map(String::as_str))
                .filter(|it| !runs.contains(it))
                .collect();
            if more.is_empty() {
                break;
            }
            runs.extend(more);
        }
        for step in self.all() {
            if self.of(&step.name) == Standing::Waiting
                && !runs.contains(step.name.as_str())
                && let Some(earlier) = self.earlier(step).cloned()
            {
                self.decide(&step.name, Decision::Skip(step.name.clone(), earlier), Standing::Unchanged);
            }
        }
    }

    /// The run in which a step succeeded with the same key, and left all that is asked of it.
    fn earlier(&self, step: &Step) -> Option<&'a Earlier> {
        let earlier = self.facts.earlier.get(self.facts.keys.get(&step.name)?)?;
        (step.image.is_none() || earlier.image_digest.is_some()).then_some(earlier)
    }

    /// Leaves out what cannot run, and what needs that in turn.
    fn block(&mut self) {
        loop {
            let blocked = self.all().find_map(|step| {
                let waits = self.of(&step.name) == Standing::Waiting;
                let need = step.needs.iter().find(|it| self.of(it).ended() && !self.of(it).well());
                need.filter(|_| waits).map(|need| (step.name.clone(), need.clone()))
            });
            let Some((step, need)) = blocked else { return };
            self.decide(&step, Decision::Block(step.clone(), need), Standing::Blocked);
        }
    }

    fn start(&mut self) {
        let ready: Vec<String> = self
            .all()
            .filter(|it| self.of(&it.name) == Standing::Waiting && it.needs.iter().all(|need| self.of(need).well()))
            .map(|it| it.name.clone())
            .collect();
        if ready.is_empty() {
            return;
        }
        if !self.facts.prepared {
            match self.facts.places {
                0 => self.plan.queued = ready,
                _ => self.plan.decisions.push(Decision::Prepare),
            }
            return;
        }
        for (index, step) in ready.into_iter().enumerate() {
            if index < self.facts.places {
                self.decide(&step, Decision::Start(step.clone()), Standing::Running);
            } else {
                self.plan.queued.push(step);
            }
        }
    }

    /// What follows when every step ended.
    fn conclude(&mut self) {
        if self.all().any(|it| !self.of(&it.name).ended()) {
            return;
        }
        let failed: Vec<String> = self.all().filter(|it| !self.of(&it.name).well()).map(|it| it.name.clone()).collect();
        if !failed.is_empty() {
            let first = failed.into_iter().filter(|it| self.of(it) != Standing::Blocked).collect();
            self.plan.decisions.push(Decision::Finish(Verdict::StepsFailed(first)));
            return;
        }
        if !self.facts.leads_to.release {
            self.plan.decisions.push(Decision::Finish(Verdict::Succeeded));
            return;
        }
        match self.facts.released {
            Released::No => self.plan.decisions.push(Decision::Release),
            Released::Checking => {}
            Released::Refused(why) => {
                self.plan.decisions.push(Decision::Finish(Verdict::ReleaseRefused(why.clone())));
            }
            Released::Ready => self.deliver(),
        }
    }

    fn deliver(&mut self) {
        let wanted = &self.facts.leads_to.deliver_to;
        let missing = wanted.iter().filter(|it| !self.facts.delivered.contains(*it)).cloned();
        let (forbidden, open): (Vec<String>, Vec<String>) = missing.partition(|it| self.facts.forbidden.contains(it));
        if open.is_empty() {
            let verdict = if forbidden.is_empty() { Verdict::Succeeded } else { Verdict::Forbidden(forbidden) };
            self.plan.decisions.push(Decision::Finish(verdict));
        }
        self.plan.decisions.extend(open.into_iter().map(Decision::Deliver));
    }
}

#[cfg(test)]
mod tests;
