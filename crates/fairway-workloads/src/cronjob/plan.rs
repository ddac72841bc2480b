//! What to do about a CronJob, decided from what is there and the time. Pure.

use std::time::Duration;

use fairway_controller::Next;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, CronJobStatus, Job};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::{Resource, ResourceExt};

use super::schedule::Schedule;
use crate::job;

/// Annotation of a Job: for when it was made. Those that people made by hand have none.
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// More missed times than this are worth a word.
const MANY: i64 = 100;
/// However far the next time is: a clock may be set.
const LONGEST: Duration = Duration::from_secs(600);

/// What is there.
pub(super) struct Observed {
    pub(super) cron: CronJob,
    /// The Jobs it controls.
    pub(super) jobs: Vec<Job>,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// The Jobs to delete, and what is to be made after that.
    pub(super) delete: Vec<Job>,
    pub(super) create: Option<Box<Job>>,
    /// Holds once that is done.
    pub(super) status: CronJobStatus,
    pub(super) said: Vec<Said>,
    pub(super) next: Next,
}

/// An Event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) is_warning: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// Decides.
pub(super) fn plan(observed: &Observed, now: Timestamp) -> Plan {
    let mut draft = Draft::new(observed);
    let spec = observed.cron.spec.clone().unwrap_or_default();
    draft.clean_up(&spec);
    if observed.cron.metadata.deletion_timestamp.is_none() && spec.suspend != Some(true) {
        match read(&spec) {
            Ok((schedule, zone)) => draft.start(&spec, &schedule, &zone, now),
            Err((reason, message)) => draft.warn(reason, message),
        }
    }
    draft.plan
}

/// Schedule and time zone, or what is wrong with one.
fn read(spec: &CronJobSpec) -> Result<(Schedule, TimeZone), (&'static str, String)> {
    let zone = match spec.time_zone.as_deref() {
        None => TimeZone::UTC,
        Some(name) => {
            let wrong = |it: jiff::Error| ("UnknownTimeZone", format!("invalid timeZone: {name:?}: {it}"));
            TimeZone::get(name).map_err(wrong)?
        }
    };
    let schedule = Schedule::parse(&spec.schedule);
    let schedule = schedule
        .map_err(|it| ("UnparseableCronJobSchedule", format!("unparseable schedule: {:?} : {it}", spec.schedule)))?;
    Ok((schedule, zone))
}

struct Draft<'a> {
    observed: &'a Observed,
    /// Made for a time, and not over.
    active: Vec<&'a Job>,
    plan: Plan,
}

impl<'a> Draft<'a> {
    fn new(observed: &'a Observed) -> Self {
        let before = observed.cron.status.clone().unwrap_or_default();
        let is_active = |it: &&Job| it.annotations().contains_key(SCHEDULED) && !is_over(it);
        let active: Vec<&Job> = observed.jobs.iter().filter(is_active).collect();
        let succeeded = observed.jobs.iter().filter_map(|it| it.status.as_ref()?.completion_time.clone());
        let status = CronJobStatus {
            active: Some(active.iter().map(|it| reference(it)).collect()).filter(|it: &Vec<_>| !it.is_empty()),
            last_schedule_time: before.last_schedule_time.clone(),
            last_successful_time: succeeded.chain(before.last_successful_time.clone()).max(),
        };
        let plan = Plan { delete: Vec::new(), create: None, status, said: Vec::new(), next: Next::Settled };
        let mut draft = Self { observed, active, plan };
        for it in before.active.iter().flatten() {
            draft.say_what_became_of(it);
        }
        draft
    }

    fn say_what_became_of(&mut self, before: &ObjectReference) {
        let name = before.name.clone().unwrap_or_default();
        match self.observed.jobs.iter().find(|it| it.uid() == before.uid) {
            None => self.say("MissingJob", format!("Active job went missing: {name}")),
            Some(it) if is_over(it) => {
                let how = if is_complete(it) { "Complete" } else { "Failed" };
                self.say("SawCompletedJob", format!("Saw completed job: {name}, condition: {how}"));
            }
            Some(_) => {}
        }
    }

    fn say(&mut self, reason: &'static str, message: String) {
        self.plan.said.push(Said { is_warning: false, reason, message });
    }

    fn warn(&mut self, reason: &'static str, message: String) {
        self.plan.said.push(Said { is_warning: true, reason, message });
    }

    /// Removes the oldest Jobs that are over, beyond those that are kept.
    fn clean_up(&mut self, spec: &CronJobSpec) {
        let limits = [(true, spec.successful_jobs_history_limit), (false, spec.failed_jobs_history_limit)];
        for (complete, limit) in limits {
            let Some(kept) = limit.and_then(|it| usize::try_from(it).ok()) else { continue };
            let over = self.observed.jobs.iter().filter(|it| is_over(it) && is_complete(it) == complete);
            let mut over: Vec<&Job> = over.filter(|it| it.metadata.deletion_timestamp.is_none()).collect();
            over.sort_by_key(|it| (it.status.as_ref().and_then(|it| it.start_time.clone()), it.name_any()));
            let surplus = over.len().saturating_sub(kept);
            self.plan.delete.extend(over.into_iter().take(surplus).cloned());
        }
    }

    /// Makes the Job that is due, if one is.
    fn start(&mut self, spec: &CronJobSpec, schedule: &Schedule, zone: &TimeZone, now: Timestamp) {
        let cron = &self.observed.cron;
        let Some(after) = since(cron, spec, now) else { return };
        let Some(due) = schedule.last(after, now, zone) else {
            return self
                .wait(schedule.next(if matches!(schedule, Schedule::Every(_)) { after } else { now }, zone), now);
        };
        self.wait(schedule.next(if matches!(schedule, Schedule::Every(_)) { due } else { now }, zone), now);
        self.count_missed(schedule, after, zone, now);
        let made = job(cron, due, zone);
        if self.observed.jobs.iter().any(|it| it.name_any() == made.name_any()) {
            // An earlier pass made it, and could not say so.
            self.plan.status.last_schedule_time = Some(Time(due));
            return;
        }
        match spec.concurrency_policy.as_deref() {
            Some("Forbid") if !self.active.is_empty() => {
                let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
                return self.say("JobAlreadyActive", message.to_owned());
            }
            Some("Replace") => self.plan.delete.extend(self.active.iter().map(|it| (*it).clone())),
            _ => {}
        }
        self.plan.create = Some(Box::new(made));
        self.plan.status.last_schedule_time = Some(Time(due));
    }

    fn wait(&mut self, next: Option<Timestamp>, now: Timestamp) {
        let Some(next) = next else { return };
        let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
        self.plan.next = Next::After(wait.clamp(Duration::from_millis(100), LONGEST));
    }

    fn count_missed(&mut self, schedule: &Schedule, after: Timestamp, zone: &TimeZone, now: Timestamp) {
        let first = schedule.next(after, zone);
        let Some((first, second)) = first.and_then(|it| Some((it, schedule.next(it, zone)?))) else { return };
        let between = second.duration_since(first).as_secs().max(1);
        if now.duration_since(first).as_secs() / between >= MANY {
            let advice = "Set or decrease .spec.startingDeadlineSeconds or check clock skew";
            self.warn("TooManyMissedTimes", format!("too many missed start times. {advice}"));
        }
    }
}

/// From when on a time that has come is still to be met.
fn since(cron: &CronJob, spec: &CronJobSpec, now: Timestamp) -> Option<Timestamp> {
    let last = cron.status.as_ref().and_then(|it| it.last_schedule_time.clone());
    let Time(last) = last.or_else(|| cron.creation_timestamp())?;
    let deadline = spec.starting_deadline_seconds;
    // One before: what came exactly then is still in time.
    let oldest = deadline.and_then(|it| now.saturating_sub(SignedDuration::from_secs(it.saturating_add(1))).ok());
    Some(oldest.map_or(last, |it| it.max(last)))
}

fn is_over(job: &Job) -> bool {
    job.status.as_ref().and_then(job::ended_at).is_some()
}

fn is_complete(job: &Job) -> bool {
    job.status.as_ref().is_some_and(|it| job::condition(it, "Complete").is_some())
}

fn reference(job: &Job) -> ObjectReference {
    ObjectReference {
        api_version: Some("batch/v1".to_owned()),
        kind: Some("Job".to_owned()),
        namespace: job.namespace(),
        name: Some(job.name_any()),
        uid: job.uid(),
        ..ObjectReference::default()
    }
}

/// The Job for this time. Its name follows from the time: it is never made twice.
fn job(cron: &CronJob, due: Timestamp, zone: &TimeZone) -> Job {
    let template = cron.spec.as_ref().map(|it| it.job_template.clone()).unwrap_or_default();
    let metadata = template.metadata.unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    let local = due.to_zoned(zone.clone());
    annotations.insert(SCHEDULED.to_owned(), local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().replace("+00:00", "Z"));
    Job {
        metadata: ObjectMeta {
            name: Some(format!("{}-{}", cron.name_any(), due.as_second().div_euclid(60))),
            namespace: cron.namespace(),
            labels: metadata.labels,
            annotations: Some(annotations),
            owner_references: cron.controller_owner_ref(&()).map(|it| vec![it]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

#[cfg(test)]
mod tests;
