//! What became of a try to run migrations: what of it ran, and which failed.

use fairway_api::v1alpha1::{AppliedMigration, DeliveryReason, Migration, SchemaStatus};
use fairway_plan::health::Health;
use fairway_plan::migration::WITHIN;
use fairway_plan::migration::said::{is_step, said};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Schema;
use crate::delivery::validate::{Problem, Valid};
use crate::last_words::{last_line, newest, printed};

/// A try to run migrations.
pub(super) struct Try<'a> {
    /// The Job.
    pub(super) job: &'a str,
    /// What it was started for.
    pub(super) batch: &'a [&'a Migration],
    /// What of that is not known to have run.
    pub(super) pending: &'a [&'a Migration],
    /// The Release that brings them, by object name.
    pub(super) release_name: &'a str,
    pub(super) now: Timestamp,
}

/// `migration 0002`, `migrations 0002, 0003`.
pub(super) fn named(steps: &[&Migration]) -> String {
    format!("{} {}", if steps.len() == 1 { "migration" } else { "migrations" }, ids(steps))
}

fn ids(steps: &[&Migration]) -> String {
    steps.iter().map(|it| it.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// What a schema is after a try, or while it goes on.
pub(super) fn outcome(
    mut schema: SchemaStatus,
    tried: &Try<'_>,
    judged: Health,
    pods: &[Pod],
    valid: &Valid,
) -> Schema {
    match judged {
        Health::Healthy => {
            remember(&mut schema, tried.pending, tried);
            Schema::Fits(Some(SchemaStatus { job: None, failed: None, failed_step: None, ..schema }))
        }
        Health::Progressing(how) => {
            let job = Some(tried.job.to_owned());
            let schema = SchemaStatus { job, failed: None, failed_step: None, ..schema };
            Schema::Changing(schema, format!("{} on its way: {how}", named(tried.pending)))
        }
        Health::Failed(why) => failed(schema, tried, why, pods, valid),
    }
}

fn failed(mut schema: SchemaStatus, tried: &Try<'_>, why: String, pods: &[Pod], valid: &Valid) -> Schema {
    match newest(pods, |it| it == tried.job) {
        Some(pod) => hear(&mut schema, tried, why, pod),
        // What it said is still known when its pod is gone.
        None if schema.failed.is_some() && schema.job.as_deref() == Some(tried.job) => {}
        None => (schema.failed, schema.failed_step) = (Some(why), None),
    }
    schema.job = Some(tried.job.to_owned());
    let has_run = |it: &&&Migration| schema.applied.iter().any(|done| done.id == it.id);
    let (ran, pending): (Vec<&Migration>, Vec<&Migration>) = tried.batch.iter().partition(has_run);
    let what = match &schema.failed_step {
        Some(id) if ran.is_empty() => format!("migration {id} failed"),
        Some(id) => format!("migration {id} failed after {} ran", ids(&ran)),
        None => format!("{} failed", named(&pending)),
    };
    let problem = Problem {
        reason: DeliveryReason::MigrationFailed,
        message: format!("{what}: {}", schema.failed.as_deref().unwrap_or_default()),
        next_step: Some(format!("platform logs {} --env={} --migration", valid.component, valid.environment)),
    };
    Schema::Failed(schema, problem)
}

/// Takes in what the program that failed said of its steps, and why it failed.
fn hear(schema: &mut SchemaStatus, tried: &Try<'_>, why: String, pod: &Pod) {
    let printed = printed(pod).unwrap_or_default();
    let said = said(printed, tried.batch);
    remember(schema, said.ran, tried);
    schema.failed_step = said.failed.map(|it| it.id.clone());
    let why = late(pod).or(said.why).or_else(|| last_line(printed, |it| !is_step(it))).unwrap_or(why);
    schema.failed = Some(why);
}

/// Remembers that these ran. A history never has one twice.
fn remember(schema: &mut SchemaStatus, ran: &[&Migration], tried: &Try<'_>) {
    for it in ran {
        if schema.applied.iter().any(|done| done.id == it.id) {
            continue;
        }
        schema.applied.push(AppliedMigration {
            id: it.id.clone(),
            name: it.name.clone(),
            digest: it.digest.clone(),
            kind: it.kind,
            release_name: tried.release_name.to_owned(),
            since: Time(tried.now),
        });
    }
}

/// Whether it was ended because it took too long.
fn late(pod: &Pod) -> Option<String> {
    pod.status.as_ref().filter(|it| it.reason.as_deref() == Some("DeadlineExceeded"))?;
    let within = pod.spec.as_ref()?.active_deadline_seconds?;
    Some(format!(
        "it took longer than {within} s and was ended; what it had not committed is undone \
         (more time: annotation {WITHIN} in score.yaml)"
    ))
}

#[cfg(test)]
mod tests;
