//! Writing a wish into a Delivery, and watching what becomes of it.
//!
//! Which release is wanted is applied by one field manager; replicas and restarts are merged by others. So neither ever
//! takes back what the other wrote.

use std::time::Duration;

use fairway_api::conditions::{READY, RECONCILING, STALLED, is_true};
use fairway_api::names::{ANNOTATION_CAUSE, ComponentName};
use fairway_api::v1alpha1::{AttemptOutcome, Delivery, DeliveryReason, Release};
use fairway_plan::entry;
use fairway_plan::release::version;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Report;
use crate::place::Place;
use crate::releases::MANAGER;
use crate::session::Session;
use crate::waiting::{Verdict, until};

/// How a wish is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) wait: bool,
    pub(crate) timeout: Duration,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The component.
    pub component: String,
    /// The release that is wanted.
    pub release_name: String,
    /// The version that serves, or that is wanted if nothing was waited for.
    pub version: String,
    /// Where it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Instances that are ready, and that are wanted.
    pub replicas: [i32; 2],
    /// The state in one sentence.
    pub summary: String,
    /// Whether it serves; false if nothing was waited for.
    pub ready: bool,
    /// The id of the event that this began with.
    pub cause: String,
    /// How long the language's tools took to build, in milliseconds; 0 if nothing was built.
    pub build_ms: u128,
    /// How long the platform took, from source to serving without the build, in milliseconds.
    pub platform_ms: u128,
}

impl Report for Outcome {
    fn table(&self) -> String {
        let span = |it: u128| crate::text::span(Duration::from_millis(u64::try_from(it).unwrap_or(u64::MAX)));
        let built = if self.build_ms == 0 { String::new() } else { format!(", the build {}", span(self.build_ms)) };
        let took = format!("the platform took {}{built}", span(self.platform_ms));
        let summary = if self.ready { &self.summary } else { &format!("{} is wanted", self.version) };
        format!("{} in {}: {summary} ({took})\n", self.component, self.environment)
    }

    fn names(&self) -> Vec<String> {
        vec![format!("delivery.fairway.dev/{}", self.component)]
    }
}

/// Asks for a release and waits for it.
pub(crate) async fn deliver(
    session: &Session,
    place: &Place,
    component: &ComponentName,
    release: &Release,
    cause: &str,
    patience: Patience,
) -> Result<Outcome, Failure> {
    let start = session.world.clock.monotonic();
    let api = place.deliveries(session);
    let doing = || format!("deliver {component} to {}", place.environment);
    let before = api.get_opt(component.as_str()).await.map_err(Failure::api(doing()))?;
    let name = release.name_any();
    // What would be refused is not asked for: the wish of before stays, and what serves is still what is wanted.
    if let Some(refusal) = entry::refusal(&place.environment, &place.object.spec, release) {
        return Err(Failure::refused(refusal.message).hint(refusal.next_step));
    }
    let written = if before.as_ref().is_some_and(|it| has_failed(it, &name)) {
        // The same release once more: only another restart word asks anew.
        merge(session, place, component, &json!({ "restart": cause }), cause).await?
    } else {
        let wish = json!({
            "apiVersion": "fairway.dev/v1alpha1", "kind": "Delivery",
            "metadata": { "name": component.as_str(), "annotations": { ANNOTATION_CAUSE: cause } },
            "spec": { "releaseName": name },
        });
        let parameters = PatchParams::apply(MANAGER).force();
        api.patch(component.as_str(), &parameters, &Patch::Apply(&wish)).await.map_err(Failure::api(doing()))?
    };
    let mut outcome = settle(session, place, &written, cause, patience).await?;
    if !outcome.ready {
        outcome.version = version(release);
    }
    outcome.platform_ms = session.world.clock.monotonic().saturating_sub(start).as_millis();
    Ok(outcome)
}

/// Changes part of a wish: replicas or the restart word.
pub(crate) async fn merge(
    session: &Session,
    place: &Place,
    component: &ComponentName,
    spec: &Value,
    cause: &str,
) -> Result<Delivery, Failure> {
    let patch = json!({ "metadata": { "annotations": { ANNOTATION_CAUSE: cause } }, "spec": spec });
    let manager = format!("{MANAGER}-{}", spec.as_object().and_then(|it| it.keys().next()).map_or("", String::as_str));
    let parameters = PatchParams { field_manager: Some(manager), ..PatchParams::default() };
    let api = place.deliveries(session);
    let patched = api.patch(component.as_str(), &parameters, &Patch::Merge(&patch)).await;
    patched.map_err(Failure::api(format!("change the delivery of {component} to {}", place.environment)))
}

/// Waits until the wish as it was written is carried out, or is not going to be.
pub(crate) async fn settle(
    session: &Session,
    place: &Place,
    written: &Delivery,
    cause: &str,
    patience: Patience,
) -> Result<Outcome, Failure> {
    if !patience.wait {
        return Ok(outcome(place, written, cause, false));
    }
    let generation = written.metadata.generation.unwrap_or(0);
    let name = written.name_any();
    let judge = |it: Option<&Delivery>| judge(it, generation, place);
    let settled = until(session, place.deliveries(session), &name, patience.timeout, judge).await?;
    Ok(outcome(place, &settled, cause, true))
}

fn judge(delivery: Option<&Delivery>, generation: i64, place: &Place) -> Verdict<Delivery> {
    let environment = &place.environment;
    let Some(delivery) = delivery else {
        let what = format!("the delivery to {environment} was removed meanwhile");
        return Verdict::Never(Failure::not_found(what).hint("platform history tells by whom"));
    };
    let Some(status) = &delivery.status else { return Verdict::Wait(format!("waiting for {environment}")) };
    if status.observed_generation.unwrap_or(0) < generation {
        return Verdict::Wait(format!("waiting for {environment}"));
    }
    if is_true(&status.conditions, STALLED) {
        return Verdict::Never(stalled(delivery));
    }
    if is_true(&status.conditions, READY) && !is_true(&status.conditions, RECONCILING) {
        return Verdict::Done(delivery.clone());
    }
    Verdict::Wait(format!("{environment}: {}", status.explanation.summary))
}

fn stalled(delivery: &Delivery) -> Failure {
    let status = delivery.status.clone().unwrap_or_default();
    let ready = status.conditions.iter().find(|it| it.type_ == READY);
    let reason = ready.map(|it| it.reason.as_str()).unwrap_or_default();
    let refused = [DeliveryReason::UncommittedNotAllowed, DeliveryReason::NotProven, DeliveryReason::ObjectTaken];
    let what = status.explanation.summary;
    let failure = match reason {
        it if refused.iter().any(|other| other.as_str() == it) => Failure::refused(what),
        it if it == DeliveryReason::ReleaseNotFound.as_str() => Failure::not_found(what),
        _ => Failure::not_ready(what),
    };
    match status.explanation.next_step {
        Some(next) => failure.hint(next),
        None => failure,
    }
}

fn has_failed(delivery: &Delivery, release: &str) -> bool {
    let attempt = delivery.status.as_ref().and_then(|it| it.attempt.as_ref());
    delivery.spec.release_name == release
        && attempt.is_some_and(|it| it.release_name == release && it.outcome == AttemptOutcome::Failed)
}

fn outcome(place: &Place, delivery: &Delivery, cause: &str, ready: bool) -> Outcome {
    let status = delivery.status.clone().unwrap_or_default();
    Outcome {
        project: place.project.to_string(),
        environment: place.environment.to_string(),
        component: delivery.name_any(),
        release_name: delivery.spec.release_name.clone(),
        version: status.current.map(|it| it.version).unwrap_or_default(),
        url: status.url,
        replicas: [status.replicas.ready, delivery.spec.replicas.unwrap_or(1)],
        summary: status.explanation.summary,
        ready,
        cause: cause.to_owned(),
        build_ms: 0,
        platform_ms: 0,
    }
}

#[cfg(test)]
mod tests;
