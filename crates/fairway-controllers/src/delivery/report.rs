//! What a Delivery says of itself: one sentence, who can change it, the next command.

use fairway_api::conditions::{READY, RECONCILING, STALLED, Wanted, merge};
use fairway_api::names::{LABEL_COMPONENT, LABEL_ENVIRONMENT};
use fairway_api::v1alpha1::{
    Attempt, AttemptOutcome, Delivered, Delivery, DeliveryReason, DeliveryStatus, Explanation, ReplicaCounts,
    SchemaStatus,
};
use fairway_plan::render::connections;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::plan::Course;
use super::resources::{Bindings, Waiting, told, used};
use super::validate::Problem;
use super::{Done, Outcome};
use crate::Error;

pub(super) fn status(
    delivery: &Delivery,
    outcome: &Result<Outcome, Error>,
    gateway_port: u16,
    now: Timestamp,
) -> DeliveryStatus {
    let mut status = delivery.status.clone().unwrap_or_default();
    let generation = delivery.metadata.generation;
    let said = match outcome {
        Err(error) => failed(&status, error),
        Ok(Outcome::Refused(problem)) => refused(&status, problem),
        Ok(Outcome::Migrating(schema, how)) => migrating(&mut status, schema, how),
        Ok(Outcome::Waiting(it)) => waiting(delivery, &mut status, it),
        Ok(Outcome::Done(it)) => done(delivery, &mut status, it, gateway_port, now),
    };
    let reason = said.reason.as_str();
    let reconciling = said.underway;
    let wanted = [
        Wanted { r#type: READY, status: said.ready, reason, message: said.message.clone() },
        Wanted { r#type: RECONCILING, status: Some(reconciling), reason, message: on_its_way(reconciling) },
        Wanted { r#type: STALLED, status: Some(said.stalled), reason, message: stalled(said.stalled) },
    ];
    status.conditions = merge(&status.conditions, &wanted, generation, now);
    status.explanation =
        Explanation { summary: said.message, fixed_by: said.fixed_by.map(str::to_owned), next_step: said.next_step };
    status.observed_generation = generation;
    status
}

/// What it says while it is being removed and its target does not do its part.
pub(super) fn leaving(delivery: &Delivery, error: &Error, now: Timestamp) -> DeliveryStatus {
    let mut status = delivery.status.clone().unwrap_or_default();
    let generation = delivery.metadata.generation;
    let reason = DeliveryReason::Deleting.as_str();
    let mut wanted = crate::leaving::wanted(reason, Err(error)).to_vec();
    status.explanation = crate::leaving::explanation(&wanted);
    status.explanation.fixed_by = Some("the platform team".to_owned());
    wanted.push(Wanted::yes(RECONCILING, reason, on_its_way(true)));
    status.conditions = merge(&status.conditions, &wanted, generation, now);
    status.observed_generation = generation;
    status
}

fn on_its_way(it: bool) -> String {
    if it { "it is on its way".to_owned() } else { "nothing is on its way".to_owned() }
}

fn stalled(it: bool) -> String {
    if it { "nothing changes until this is mended".to_owned() } else { "nothing keeps it".to_owned() }
}

/// What is to be said.
struct Said {
    ready: Option<bool>,
    underway: bool,
    stalled: bool,
    reason: DeliveryReason,
    message: String,
    fixed_by: Option<&'static str>,
    next_step: Option<String>,
}

impl Said {
    fn no(reason: DeliveryReason, message: String, stalled: bool) -> Self {
        Self { ready: Some(false), underway: !stalled, stalled, reason, message, fixed_by: None, next_step: None }
    }

    fn yes(reason: DeliveryReason, message: String) -> Self {
        Self { ready: Some(true), underway: false, stalled: false, reason, message, fixed_by: None, next_step: None }
    }

    fn fixed_by(mut self, who: &'static str) -> Self {
        self.fixed_by = Some(who);
        self
    }

    fn next(mut self, step: Option<String>) -> Self {
        self.next_step = step;
        self
    }
}

/// The end of a sentence about something that did not work.
fn goes_on(status: &DeliveryStatus) -> String {
    status.current.as_ref().map(|it| format!("; {} goes on serving", it.version)).unwrap_or_default()
}

fn failed(status: &DeliveryStatus, error: &Error) -> Said {
    let mut message = format!("the platform could not {error}; it tries again");
    message.push_str(&goes_on(status));
    Said::no(DeliveryReason::ApplyFailed, message, false).fixed_by("the platform team")
}

fn refused(status: &DeliveryStatus, problem: &Problem) -> Said {
    let message = format!("{}{}", problem.message, goes_on(status));
    Said::no(problem.reason, message, true).fixed_by("its team").next(problem.next_step.clone())
}

fn migrating(status: &mut DeliveryStatus, schema: &SchemaStatus, how: &Result<String, Problem>) -> Said {
    status.schema = Some(schema.clone());
    match how {
        Err(problem) => refused(status, problem),
        Ok(how) => {
            let message = format!("{how}{}", goes_on(status));
            Said { ready: None, ..Said::no(DeliveryReason::Migrating, message, false) }
        }
    }
}

fn waiting(delivery: &Delivery, status: &mut DeliveryStatus, it: &Waiting) -> Said {
    status.resources = used(&status.resources, &delivery.name_any(), &Bindings::new(), &it.names, false);
    let message = format!("{}{}", it.message, goes_on(status));
    let said = Said::no(DeliveryReason::ResourcesPending, message, it.stalled).next(it.next_step.clone());
    if it.stalled { said.fixed_by("its team") } else { Said { ready: None, ..said } }
}

fn done(delivery: &Delivery, status: &mut DeliveryStatus, it: &Done, gateway_port: u16, now: Timestamp) -> Said {
    let wanted = delivery.spec.replicas.unwrap_or(1);
    let (total, ready) = it.seen.as_ref().map_or((0, 0), |it| (it.total, it.ready));
    status.replicas = ReplicaCounts { wanted, total, ready };
    status.selector =
        Some(format!("{LABEL_COMPONENT}={},{LABEL_ENVIRONMENT}={}", it.valid.component, it.valid.environment));
    status.url = it.wanted.bundle.host.as_ref().map(|it| url(it, gateway_port));
    attempt(delivery, status, it, now);
    if it.schema.is_some() {
        status.schema.clone_from(&it.schema);
    }
    let serving = it.course == Course::Serving;
    let component = it.valid.component.as_str();
    status.resources = used(&status.resources, component, &it.wanted.bindings, &[], serving);
    if let Some(held) = &it.held {
        told(&mut status.resources, component, held);
    }
    let version = &it.wanted.version;
    let name = delivery.name_any();
    let place = &it.valid.environment;
    let logs = Some(format!("platform logs {name} --env={place}"));
    match &it.course {
        Course::Serving => {
            serve(status, it, now);
            if wanted == 0 {
                let message = format!("{version} is scaled to zero instances: nothing serves");
                let next = Some(format!("platform scale {name} --env={place} --replicas=1"));
                return Said::yes(DeliveryReason::ScaledToZero, message).next(next);
            }
            let place = status.url.as_ref().map(|it| format!(" at {it}")).unwrap_or_default();
            Said::yes(DeliveryReason::Serving, format!("{version} serves with {ready} of {wanted} instances{place}"))
        }
        Course::Underway { sentence } => {
            let other = status.current.as_ref().filter(|current| current.version != *version);
            let other = other.map(|it| format!("; {} goes on serving", it.version)).unwrap_or_default();
            let mut said =
                Said::no(DeliveryReason::RollingOut, format!("{version} is rolling out: {sentence}{other}"), false);
            // What served all the while is still there: scaling does not make it unready.
            said.ready =
                if status.current.as_ref().is_some_and(|it| it.version == *version) { said.ready } else { None };
            said
        }
        Course::Degraded { why } => {
            let message = format!("{version} was healthy and is not any more: {why}");
            Said::no(DeliveryReason::Degraded, message, false).fixed_by("its team").next(logs)
        }
        Course::TakenBack { why } => {
            let after = match &status.current {
                Some(current) => format!("{} goes on serving", current.version),
                None => "nothing served before it".to_owned(),
            };
            let message = format!("{version} was refused by its health check ({why}); {after}");
            let next = Some(if fairway_plan::health::never_ran(why) {
                it.valid.deliver()
            } else {
                format!("platform logs {name} --env={place} --previous")
            });
            Said::no(DeliveryReason::HealthCheckFailed, message, true).fixed_by("its team").next(next.or(logs))
        }
    }
}

/// Under which URL a host is reached.
fn url(host: &str, port: u16) -> String {
    if port == 80 { format!("http://{host}") } else { format!("http://{host}:{port}") }
}

/// The attempt that this pass was part of.
fn attempt(delivery: &Delivery, status: &mut DeliveryStatus, it: &Done, now: Timestamp) {
    let (outcome, message) = match &it.course {
        Course::Serving | Course::Degraded { .. } => (AttemptOutcome::Succeeded, None),
        Course::Underway { .. } => (AttemptOutcome::Progressing, None),
        Course::TakenBack { why } => (AttemptOutcome::Failed, Some(why.clone())),
    };
    let connections = connections(&it.wanted.bindings);
    // What serves is told of another password without being tried anew.
    let before = status.attempt.as_ref().filter(|before| {
        before.release_name == it.wanted.release_name
            && before.restart == delivery.spec.restart
            && (before.connections == connections || before.outcome == AttemptOutcome::Succeeded)
    });
    // Once it succeeded it stays so: a pod that is replaced later is no new attempt.
    let outcome = match before.map(|it| it.outcome) {
        Some(AttemptOutcome::Succeeded) => AttemptOutcome::Succeeded,
        _ => outcome,
    };
    status.attempt = Some(Attempt {
        release_name: it.wanted.release_name.clone(),
        restart: delivery.spec.restart.clone(),
        connections,
        bundle_digest: Some(it.wanted.bundle.digest.to_string()),
        started: before.map_or(Time(now), |it| it.started.clone()),
        outcome,
        message,
    });
}

/// What is wanted serves: it is the current one now.
fn serve(status: &mut DeliveryStatus, it: &Done, now: Timestamp) {
    let same = status.current.as_ref().filter(|current| current.release_name == it.wanted.release_name);
    let delivered = Delivered {
        release_name: it.wanted.release_name.clone(),
        version: it.wanted.version.clone(),
        number: it.wanted.number,
        image_digest: it.wanted.image_digest.clone(),
        bundle_digest: it.wanted.bundle.digest.to_string(),
        since: same.map_or(Time(now), |it| it.since.clone()),
    };
    if same.is_none() {
        status.previous = status.current.take();
    }
    status.current = Some(delivered);
}

#[cfg(test)]
mod tests;
