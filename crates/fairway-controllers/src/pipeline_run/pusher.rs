//! Who answers for a run: whoever put its commit where its branch is. What they may not deliver by hand, no pipeline
//! delivers for them. What the run's own fields say of it is not asked: whoever may make runs may write there.

use std::collections::BTreeMap;

use fairway_api::GROUP;
use fairway_api::v1alpha1::{Component, PipelineRun, PipelineTrigger};
use fairway_git::Ref;
use fairway_plan::pipeline::refs::branch;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;

use super::Pipelines;
use super::observe::Observed;
use crate::Error;
use crate::component::MAKER;

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pusher {
    /// The platform, with the first commit of a Template.
    Platform,
    /// Somebody.
    Somebody { user: String, groups: Vec<String> },
    /// Nobody who can be asked; why.
    Nobody(String),
    /// The branch went on: the newer push has a run of its own.
    Overtaken,
}

/// The Environments that a run may not deliver to, and why; none while a newer run is about to take over.
pub(super) async fn forbidden(
    run: &PipelineRun,
    observed: &Observed,
    refs: &BTreeMap<String, Ref>,
    missing: &[String],
    pipelines: &Pipelines,
) -> Result<Option<BTreeMap<String, String>>, Error> {
    let all = |why: &str| missing.iter().map(|it| (it.clone(), why.to_owned())).collect();
    let (user, groups) = match pusher(run, observed.component.as_ref(), refs) {
        Pusher::Overtaken => return Ok(None),
        Pusher::Platform => return Ok(Some(BTreeMap::new())),
        Pusher::Nobody(why) => return Ok(Some(all(&why))),
        Pusher::Somebody { user, groups } => (user, groups),
    };
    let mut forbidden = BTreeMap::new();
    for environment in missing {
        let Some(namespace) = observed.environments.get(environment) else { continue };
        let verb = if observed.deliveries.contains_key(environment) { "patch" } else { "create" };
        let attributes = ResourceAttributes {
            namespace: Some(namespace.clone()),
            verb: Some(verb.to_owned()),
            group: Some(GROUP.to_owned()),
            version: Some("v1alpha1".to_owned()),
            resource: Some("deliveries".to_owned()),
            name: Some(run.spec.component_name.clone()),
            ..ResourceAttributes::default()
        };
        if !may(&user, &groups, attributes, pipelines).await? {
            let why = format!("{user}, who pushed it, may not {verb} deliveries in namespace {namespace}");
            forbidden.insert(environment.clone(), why);
        }
    }
    Ok(Some(forbidden))
}

async fn may(
    user: &str,
    groups: &[String],
    attributes: ResourceAttributes,
    pipelines: &Pipelines,
) -> Result<bool, Error> {
    let spec = SubjectAccessReviewSpec {
        user: Some(user.to_owned()),
        groups: Some(groups.to_vec()),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let api: Api<SubjectAccessReview> = Api::all(pipelines.ctx.kit.client.clone());
    let answer = api.create(&PostParams::default(), &review).await.map_err(Error::read("the rights of who pushed"))?;
    Ok(answer.status.is_some_and(|it| it.allowed))
}

fn pusher(run: &PipelineRun, component: Option<&Component>, refs: &BTreeMap<String, Ref>) -> Pusher {
    let shown = branch(&run.spec.r#ref).unwrap_or(&run.spec.r#ref);
    let Some(at) = refs.get(&run.spec.r#ref) else {
        return Pusher::Nobody(format!("branch {shown} is gone, so nobody answers for it"));
    };
    if at.commit.as_str() != run.spec.commit {
        return match run.spec.trigger {
            PipelineTrigger::Push => Pusher::Overtaken,
            _ => Pusher::Nobody(format!(
                "{shown} is at {} by now, and only what a branch is at is delivered",
                at.commit.short()
            )),
        };
    }
    let made = component.and_then(|it| it.status.as_ref()?.repository.as_ref()).map(|it| it.created.as_str());
    match &at.pushed_by {
        Some(user) if user == MAKER && made == Some(run.spec.commit.as_str()) => Pusher::Platform,
        Some(user) => Pusher::Somebody { user: user.clone(), groups: at.groups.clone() },
        None => Pusher::Nobody(format!("nobody knows who pushed {} to {shown}", at.commit.short())),
    }
}

#[cfg(test)]
mod tests;
