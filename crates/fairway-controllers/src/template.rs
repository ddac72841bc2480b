//! Templates: their folder is read and linted; what is in use changes only with their version.

mod source;

mod validate;

use std::sync::Arc;

use fairway_api::conditions::{READY, STALLED, Wanted, merge};
use fairway_api::v1alpha1::{Component, Explanation, Template, TemplateFinding, TemplateReason, TemplateStatus};
use fairway_controller::{Next, among, concerns, controller, related};
use jiff::Timestamp;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::{Context, Error};
use validate::{Verdict, validate};

pub(crate) use source::folder;

pub(crate) const NAME: &str = "template-controller";

/// How many findings a status has.
const MAX_FINDINGS: usize = 20;

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let controller = controller::<Template>(&ctx.kit.client, watcher::Config::default());
    let templates = controller.store();
    // A push to a Template's repository shows in the status of the Component whose repository it is.
    let of_component = move |component: Component| {
        let (name, project) = (component.name_any(), component.namespace());
        let from = |it: &Template| {
            let source = it.spec.source.repository.as_ref();
            source.is_some_and(|it| it.component == name && Some(&it.project) == project.as_ref())
        };
        among(&templates, from)
    };
    let controller = controller.watches(related(&ctx.kit.client), watcher::Config::default(), concerns(of_component));
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(template: Arc<Template>, ctx: Arc<Context>) -> Result<Next, Error> {
    let observed = source::observe(&template, &ctx).await?;
    let judged = Arc::clone(&template);
    // Rendering takes a while; other passes go on.
    let verdict = tokio::task::spawn_blocking(move || validate(&judged, observed)).await;
    let Ok(verdict) = verdict else { return Err(Error::Unreachable("the template's judge")) };
    let status = status(&template, verdict, ctx.kit.world.clock.now());
    let api: Api<Template> = Api::all(ctx.kit.client.clone());
    let reported = fairway_controller::report(&api, template.as_ref(), template.status.as_ref(), &status, NAME).await;
    reported.map_err(Error::write("the template's status"))?;
    Ok(Next::Settled)
}

fn status(template: &Template, verdict: Verdict, now: Timestamp) -> TemplateStatus {
    let before = template.status.clone().unwrap_or_default();
    let name = template.name_any();
    let (ready, fixed_by, next_step) = match (verdict.reason, &verdict.in_use) {
        (TemplateReason::Usable, _) => {
            let next = format!("platform create-service --name=NAME --template={name}");
            (Wanted::yes(READY, verdict.reason.as_str(), verdict.message), None, Some(next))
        }
        (reason, in_use) => {
            let next = Some(format!("platform template show {name}"));
            // What was read before goes on being used.
            let ready = match in_use {
                Some(_) => Wanted::yes(READY, reason.as_str(), verdict.message),
                None => Wanted::no(READY, reason.as_str(), verdict.message),
            };
            (ready, Some("whoever wrote it".to_owned()), next)
        }
    };
    let stalled = match ready.status {
        Some(true) => Wanted::no(STALLED, ready.reason, "components can be made from it"),
        _ => Wanted::yes(STALLED, ready.reason, "nothing changes until this is mended"),
    };
    let shown = |it: fairway_plan::Finding| TemplateFinding { place: it.path, message: it.message };
    let in_use = verdict.in_use.unwrap_or_default();
    TemplateStatus {
        explanation: Explanation { summary: ready.message.clone(), fixed_by, next_step },
        version: in_use.version,
        digest: in_use.digest,
        commit: in_use.commit,
        findings: verdict.findings.into_iter().take(MAX_FINDINGS).map(shown).collect(),
        observed_generation: template.metadata.generation,
        conditions: merge(&before.conditions, &[ready, stalled], template.metadata.generation, now),
    }
}

#[cfg(test)]
mod tests;
