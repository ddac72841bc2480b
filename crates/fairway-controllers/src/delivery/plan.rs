//! What a wish means: the Bundle it becomes, and the course it takes when its health is known. Pure.

use fairway_api::v1alpha1::{AttemptOutcome, Delivery, DeliveryReason, Release};
use fairway_plan::health::Health;
use fairway_plan::release::{number, version};
use fairway_plan::render::{self, Bundle, Input};
use kube::ResourceExt;

use super::resources::Bindings;
use super::validate::{Problem, Valid};

/// A Release as it is applied here.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub(super) bundle: Bundle,
    pub(super) version: String,
    pub(super) number: i64,
    pub(super) release_name: String,
    pub(super) image_digest: String,
    /// What it needs and gets.
    pub(super) bindings: Bindings,
}

/// The course of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Course {
    /// What is wanted serves.
    Serving,
    /// It is on its way.
    Underway { sentence: String },
    /// It served and does not any more; nothing is taken back, for the version is not what changed.
    Degraded { why: String },
    /// It never became healthy, and was taken back.
    TakenBack { why: String },
}

/// Renders a Release for the place of a valid Delivery.
pub(super) fn render(valid: &Valid, release: &Release, bindings: Bindings) -> Result<Rendered, Problem> {
    let version = version(release);
    let bundle = render::render(&Input {
        project: &valid.project,
        environment: &valid.environment,
        namespace: &valid.namespace,
        component: &valid.component,
        release: &release.spec,
        version: &version,
        replicas: valid.replicas,
        restart: valid.restart.as_deref(),
        resources: &bindings,
    });
    let bundle = bundle.map_err(|findings| Problem {
        reason: DeliveryReason::RenderFailed,
        message: findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        next_step: Some(format!("correct score.yaml or config/, then {}", valid.deliver())),
    })?;
    let image_digest = release.spec.images.first().map(|it| it.digest.clone()).unwrap_or_default();
    let release_name = release.name_any();
    Ok(Rendered { bundle, version, number: number(release), release_name, image_digest, bindings })
}

/// Whether what is wanted was tried and taken back, and nothing asks to try it again: the reason it failed. With another
/// password it may well work.
pub(super) fn taken_back(delivery: &Delivery, wanted: &Rendered) -> Option<String> {
    let attempt = delivery.status.as_ref()?.attempt.as_ref()?;
    let same = attempt.release_name == delivery.spec.release_name
        && attempt.restart == delivery.spec.restart
        && attempt.connections == render::connections(&wanted.bindings);
    let failed = attempt.outcome == AttemptOutcome::Failed;
    (same && failed).then(|| attempt.message.clone().unwrap_or_default())
}

/// The course that follows from the health of what is wanted.
pub(super) fn course(delivery: &Delivery, wanted: &Rendered, health: Health) -> Course {
    let status = delivery.status.as_ref();
    let attempt = status.and_then(|it| it.attempt.as_ref());
    let served = attempt.is_some_and(|it| {
        it.release_name == wanted.release_name
            && it.restart == delivery.spec.restart
            && it.outcome == AttemptOutcome::Succeeded
    });
    match health {
        Health::Healthy => Course::Serving,
        Health::Progressing(sentence) => Course::Underway { sentence },
        Health::Failed(why) if served => Course::Degraded { why },
        Health::Failed(why) => Course::TakenBack { why },
    }
}
