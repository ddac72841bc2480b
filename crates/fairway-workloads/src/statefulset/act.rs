//! The writes of a plan, one after the other: the first that fails ends the pass.

use fairway_controller::{Kit, delete_exact, gone_is_fine};
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::identity;
use super::plan::{Action, Why};
use super::revision::Write;
use crate::Error;

/// What became of a revision that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Revised {
    Done,
    /// Another template has its name.
    Collided,
}

pub(super) async fn revise(set: &StatefulSet, write: &Write, ctx: &Kit) -> Result<Revised, Error> {
    let api: Api<ControllerRevision> = Api::namespaced(ctx.client.clone(), &set.namespace().unwrap_or_default());
    match write {
        Write::Renumber { name, number } => {
            let patch = Patch::Merge(json!({ "revision": number }));
            api.patch(name, &PatchParams::default(), &patch).await.map_err(Error::write("a revision"))?;
            Ok(Revised::Done)
        }
        Write::Create(revision) => match api.create(&parameters(ctx), revision).await {
            Ok(_) => Ok(Revised::Done),
            Err(kube::Error::Api(error)) if error.code == 409 => take_over(&api, set, revision).await,
            Err(source) => Err(Error::Write { what: "a revision", source }),
        },
    }
}

/// A revision of that name is there: made by an earlier pass, left over from a set of the same name, or another's.
async fn take_over(
    api: &Api<ControllerRevision>,
    set: &StatefulSet,
    wanted: &ControllerRevision,
) -> Result<Revised, Error> {
    let name = wanted.name_any();
    let there = api.get(&name).await.map_err(Error::read("a revision"))?;
    let controlled = there.owner_references().iter().find(|it| it.controller == Some(true));
    match controlled {
        _ if there.data != wanted.data => Ok(Revised::Collided),
        Some(it) if Some(&it.uid) == set.uid().as_ref() => Ok(Revised::Done),
        Some(_) => Ok(Revised::Collided),
        None => {
            let patch = json!({
                "metadata": { "uid": there.uid(), "ownerReferences": wanted.owner_references() },
                "revision": wanted.revision,
            });
            let result = api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
            result.map(|_| Revised::Done).map_err(Error::write("an orphaned revision"))
        }
    }
}

pub(super) async fn act(set: &StatefulSet, action: &Action, ctx: &Kit) -> Result<(), Error> {
    let namespace = set.namespace().unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(ctx.client.clone(), &namespace);
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(ctx.client.clone(), &namespace);
    match action {
        Action::Adopt(pod) => {
            let owner = set.controller_owner_ref(&()).map(|it| vec![it]);
            change(&pods, pod.as_ref(), json!({ "ownerReferences": owner }), "an orphaned pod").await
        }
        Action::Name(pod, ordinal) => {
            let labels: std::collections::BTreeMap<_, _> = identity::labels(set, *ordinal).into();
            change(&pods, pod.as_ref(), json!({ "labels": labels }), "a pod's labels").await
        }
        Action::OwnClaim(claim, owners) => {
            change(&claims, claim.as_ref(), json!({ "ownerReferences": owners }), "a claim's owners").await
        }
        Action::Claim(claim) => make_claim(&claims, set, claim, ctx).await,
        Action::Create(pod) => make_pod(&pods, set, pod, ctx).await,
        Action::Delete(pod, why) => delete(&pods, set, pod, *why, ctx).await,
        Action::Forget(name) => {
            let api: Api<ControllerRevision> = Api::namespaced(ctx.client.clone(), &namespace);
            delete_exact(&api, name, None).await.map_err(Error::write("an old revision"))
        }
    }
}

fn parameters(ctx: &Kit) -> PostParams {
    PostParams { field_manager: Some(ctx.name.to_owned()), ..PostParams::default() }
}

async fn change<K>(api: &Api<K>, object: &K, mut metadata: serde_json::Value, what: &'static str) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    metadata["uid"] = json!(object.uid());
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let result = api.patch_metadata(&object.name_any(), &PatchParams::default(), &patch).await;
    gone_is_fine(result.map(|_| ())).map_err(Error::write(what))
}

async fn make_claim(
    api: &Api<PersistentVolumeClaim>,
    set: &StatefulSet,
    claim: &PersistentVolumeClaim,
    ctx: &Kit,
) -> Result<(), Error> {
    let said = format!("create Claim {} in StatefulSet {}", claim.name_any(), set.name_any());
    match api.create(&parameters(ctx), claim).await {
        Ok(_) => ctx.events.normal(set, "SuccessfulCreate", &format!("{said} success")).await,
        Err(source) => {
            let message = format!("{said} failed error: {source}");
            ctx.events.warning(set, "FailedCreate", &message).await;
            return Err(Error::Write { what: "a claim", source });
        }
    }
    Ok(())
}

async fn make_pod(api: &Api<Pod>, set: &StatefulSet, pod: &Pod, ctx: &Kit) -> Result<(), Error> {
    let said = format!("create Pod {} in StatefulSet {}", pod.name_any(), set.name_any());
    match api.create(&parameters(ctx), pod).await {
        Ok(_) => ctx.events.normal(set, "SuccessfulCreate", &format!("{said} successful")).await,
        Err(source) => {
            let message = format!("{said} failed error: {source}");
            ctx.events.warning(set, "FailedCreate", &message).await;
            return Err(Error::Write { what: "a pod", source });
        }
    }
    Ok(())
}

async fn delete(api: &Api<Pod>, set: &StatefulSet, pod: &Pod, why: Why, ctx: &Kit) -> Result<(), Error> {
    let name = pod.name_any();
    let whose = format!("{}/{}", set.namespace().unwrap_or_default(), set.name_any());
    match why {
        Why::Failed => {
            let message = format!("StatefulSet {whose} is recreating failed Pod {name}");
            ctx.events.warning(set, "RecreatingFailedPod", &message).await;
        }
        Why::Succeeded => {
            let message = format!("StatefulSet {whose} is recreating terminated Pod {name}");
            ctx.events.normal(set, "RecreatingTerminatedPod", &message).await;
        }
        Why::Surplus | Why::Outdated => {}
    }
    delete_exact(api, &name, pod.uid()).await.map_err(Error::write("a pod that has to go"))?;
    let message = format!("delete Pod {name} in StatefulSet {} successful", set.name_any());
    ctx.events.normal(set, "SuccessfulDelete", &message).await;
    Ok(())
}
