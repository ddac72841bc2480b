//! Resource classes: their texts are read and tried, so that a mistake shows before somebody needs one.

use std::sync::Arc;

use fairway_api::conditions::{READY, STALLED, Wanted, merge};
use fairway_api::names::ResourceClassName;
use fairway_api::v1alpha1::{ClassFinding, Explanation, ResourceClass, ResourceClassReason, ResourceClassStatus};
use fairway_controller::{Next, controller};
use fairway_plan::{Finding, resource};
use jiff::Timestamp;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::{Context, Error};

pub(crate) const NAME: &str = "resource-class-controller";

/// How many findings a status has.
const MAX_FINDINGS: usize = 20;

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let controller = controller::<ResourceClass>(&ctx.kit.client, watcher::Config::default());
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(class: Arc<ResourceClass>, ctx: Arc<Context>) -> Result<Next, Error> {
    let judged = Arc::clone(&class);
    // Rendering takes a while; other passes go on.
    let verdict = tokio::task::spawn_blocking(move || validate(&judged)).await;
    let Ok(verdict) = verdict else { return Err(Error::Unreachable("the judge of the class")) };
    let status = status(&class, verdict, ctx.kit.world.clock.now());
    let api: Api<ResourceClass> = Api::all(ctx.kit.client.clone());
    let reported = fairway_controller::report(&api, class.as_ref(), class.status.as_ref(), &status, NAME).await;
    reported.map_err(Error::write("the class's status"))?;
    Ok(Next::Settled)
}

/// A class that can be used has no reason against it.
struct Verdict {
    reason: ResourceClassReason,
    message: String,
    findings: Vec<Finding>,
}

fn validate(class: &ResourceClass) -> Verdict {
    if let Err(error) = ResourceClassName::parse(&class.name_any()) {
        let reason = ResourceClassReason::InvalidName;
        return Verdict { reason, message: error.to_string(), findings: Vec::new() };
    }
    let findings = resource::check(&class.spec);
    let Some(first) = findings.first() else {
        let plans: Vec<&str> = class.spec.plans.iter().map(|it| it.name.as_str()).collect();
        let versions: Vec<&str> = class.spec.versions.iter().map(|it| it.name.as_str()).collect();
        let message = format!("{} {} can be had in plan {}", class.spec.r#type, versions.join(", "), plans.join(", "));
        return Verdict { reason: ResourceClassReason::Usable, message, findings };
    };
    let more = if findings.len() > 1 { format!(" (and {} more)", findings.len() - 1) } else { String::new() };
    let message = format!("it has mistakes: {}{more}", in_place(first));
    Verdict { reason: ResourceClassReason::InvalidClass, message, findings }
}

/// `spec.manifests:12: what is wrong`.
fn in_place(it: &Finding) -> String {
    format!("{}: {}", place(it), it.message)
}

fn place(it: &Finding) -> String {
    it.line.map_or_else(|| it.path.clone(), |line| format!("{}:{line}", it.path))
}

fn status(class: &ResourceClass, verdict: Verdict, now: Timestamp) -> ResourceClassStatus {
    let before = class.status.clone().unwrap_or_default();
    let (reason, usable) = (verdict.reason.as_str(), verdict.reason == ResourceClassReason::Usable);
    let (ready, stalled, fixed_by, next_step) = if usable {
        let ready = Wanted::yes(READY, reason, verdict.message);
        (ready, Wanted::no(STALLED, reason, "resources can be made of it"), None, None)
    } else {
        let stalled = Wanted::yes(STALLED, reason, "nothing changes until this is mended");
        let next = format!("kubectl get resourceclass {} -o yaml", class.name_any());
        (Wanted::no(READY, reason, verdict.message), stalled, Some("whoever wrote it".to_owned()), Some(next))
    };
    let shown = |it: &Finding| ClassFinding { place: place(it), message: it.message.clone() };
    ResourceClassStatus {
        explanation: Explanation { summary: ready.message.clone(), fixed_by, next_step },
        findings: verdict.findings.iter().take(MAX_FINDINGS).map(shown).collect(),
        observed_generation: class.metadata.generation,
        conditions: merge(&before.conditions, &[ready, stalled], class.metadata.generation, now),
    }
}

#[cfg(test)]
mod tests;
