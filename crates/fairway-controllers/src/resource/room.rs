//! The room that claims of a Resource have: another plan may give them more.

use std::collections::BTreeMap;

use fairway_api::names::LABEL_RESOURCE;
use fairway_api::v1alpha1::{Resource, ResourceReason};
use fairway_controller::list;
use fairway_plan::{digest_of, resource};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::Value;

use super::plan::Made;
use super::validate::{Problem, Valid};
use crate::{Context, Error};

/// Lets claims keep what they have, or says why the plan cannot be had: before anything of it is applied.
pub(super) async fn keep(
    resource: &Resource,
    valid: &Valid,
    made: &mut Made,
    ctx: &Context,
) -> Result<Result<(), Problem>, Error> {
    if !made.objects.iter().any(|it| it["kind"] == "PersistentVolumeClaim") {
        return Ok(Ok(()));
    }
    let of_it = ListParams::default().labels(&format!("{LABEL_RESOURCE}={}", resource.name_any()));
    let claims = list::<PersistentVolumeClaim>(&ctx.kit.client, &valid.namespace, &of_it).await;
    let has = claims.map_err(Error::read("its claims"))?.iter().filter_map(room).collect();
    let before = resource.status.as_ref().and_then(|it| it.plan.as_deref());
    let kept = fitted(&mut made.objects, &has, before, &valid.plan.name, &resource.spec.class_name);
    if kept.is_ok() {
        made.digest = digest_of(&made.objects).to_string();
    }
    Ok(kept)
}

/// A claim and what was asked for it.
fn room(claim: &PersistentVolumeClaim) -> Option<(String, String)> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?;
    Some((claim.name_any(), requests.get("storage")?.0.clone()))
}

fn fitted(
    objects: &mut [Value],
    has: &BTreeMap<String, String>,
    before: Option<&str>,
    plan: &str,
    class: &str,
) -> Result<(), Problem> {
    let another_plan = before.is_some_and(|it| it != plan);
    resource::keep_room(objects, has, another_plan).map_err(|it| Problem {
        reason: ResourceReason::PlanTooSmall,
        message: format!(
            "plan {plan} has {} of room and {} has {}, which cannot shrink; ask for a plan with as much, as {}",
            it.wanted,
            it.claim,
            it.has,
            before.unwrap_or_default()
        ),
        stalled: true,
        next_step: Some(format!("kubectl get resourceclass {class} -o yaml")),
    })
}

#[cfg(test)]
mod tests;
