//! `resource remove`: not while something uses it, and with a dump unless it is to be thrown away.

use clap::Args;
use fairway_api::conditions::{STALLED, is_true};
use fairway_api::names::ANNOTATION_CAUSE;
use fairway_api::v1alpha1::{Resource, ResourceReason};
use fairway_plan::resource::dumps_claim;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, ResourceExt as _};
use serde::Serialize;
use serde_json::json;

use super::{WhichResource, api, find};
use crate::commands::Wait;
use crate::failure::Failure;
use crate::output::Report;
use crate::place::Place;
use crate::releases::MANAGER;
use crate::session::Session;
use crate::waiting::{Verdict, until};

/// Remove a resource that nothing uses
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Remove {
    /// Which resource.
    #[command(flatten)]
    pub which: WhichResource,
    /// Keep no dump of what it holds
    #[arg(long)]
    pub discard: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// A resource that was removed, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// The resource.
    pub name: String,
    /// Where it was.
    pub environment: String,
    /// The claim with its dump, if one is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dumps: Option<String>,
    /// Whether it is gone.
    pub gone: bool,
}

impl Report for Removed {
    fn table(&self) -> String {
        let how = if self.gone { "is removed" } else { "is being removed" };
        let kept = match &self.dumps {
            Some(claim) => format!(
                "; a dump of what it held is in the claim {claim}, and once it is made again platform db restore brings it back"
            ),
            None => "; nothing of what it held is kept".to_owned(),
        };
        format!("resource {} in {} {how}{kept}\n", self.name, self.environment)
    }

    fn names(&self) -> Vec<String> {
        vec![format!("resource.fairway.dev/{}", self.name)]
    }
}

/// Removes a resource.
pub async fn remove(session: &Session, remove: &Remove) -> Result<Removed, Failure> {
    let (place, found) = find(session, &remove.which).await?;
    let (name, environment) = (remove.which.name.clone(), place.environment.to_string());
    let users = users(session, &place, &found).await?;
    if !users.is_empty() {
        let what = format!("{} uses {name} in {environment}; it stays", users.join(", "));
        return Err(Failure::refused(what)
            .hint(format!("take it out of the score.yaml of {}, deploy, and try again", users.join(", "))));
    }
    let api = api(session, &place);
    let leaving = found.metadata.deletion_timestamp.is_some();
    if session.interactive && !leaving {
        let kept = if remove.discard { "with all it holds" } else { "and keep a dump of what it holds" };
        session.confirm(remove.yes, &format!("Remove {name} in {environment}, {kept}?"))?;
    }
    let cause = session.new_cause();
    let policy = if remove.discard { "Discard" } else { "Dump" };
    let patch =
        json!({ "metadata": { "annotations": { ANNOTATION_CAUSE: cause } }, "spec": { "deletionPolicy": policy } });
    let parameters = PatchParams { field_manager: Some(format!("{MANAGER}-remove")), ..PatchParams::default() };
    let patched = api.patch(&name, &parameters, &Patch::Merge(&patch)).await;
    patched.map_err(Failure::api(format!("remove {name}")))?;
    let uid = found.metadata.uid.clone();
    if !leaving {
        let preconditions = Some(Preconditions { uid: uid.clone(), resource_version: None });
        let removed = api.delete(&name, &DeleteParams { preconditions, ..DeleteParams::default() }).await;
        removed.map_err(Failure::api(format!("remove {name}")))?;
    }
    if !remove.wait.no_wait {
        let judge = |it: Option<&Resource>| match it.filter(|it| it.metadata.uid == uid) {
            None => Verdict::Done(()),
            Some(it) => judge(it),
        };
        until(session, api, &name, remove.wait.timeout, judge).await?;
    }
    // Whether its class knows how to make one shows in the claim.
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(session.client.clone(), &place.namespace());
    let kept = claims.get_metadata_opt(&dumps_claim(&name)).await.map_err(Failure::api("look for its dump"))?;
    let dumps = kept.map(|it| it.name_any()).filter(|_| !remove.discard);
    Ok(Removed { name, environment, dumps, gone: !remove.wait.no_wait })
}

/// The services that use it now: what it says of itself may be a moment old.
async fn users(session: &Session, place: &Place, found: &Resource) -> Result<Vec<String>, Failure> {
    let mut users = Vec::new();
    for name in found.status.iter().flat_map(|it| &it.used_by) {
        let there = place.deliveries(session).get_metadata_opt(name).await.map_err(Failure::api("read who uses it"))?;
        users.extend(there.map(|it| it.name_any()));
    }
    Ok(users)
}

fn judge(it: &Resource) -> Verdict<()> {
    let status = it.status.clone().unwrap_or_default();
    let leaving = [ResourceReason::InUse, ResourceReason::Deleting].map(ResourceReason::as_str);
    let about_it = status.conditions.iter().any(|it| leaving.contains(&it.reason.as_str()));
    let seen = status.observed_generation >= it.metadata.generation;
    if about_it && seen && is_true(&status.conditions, STALLED) {
        let failure = Failure::refused(status.explanation.summary);
        return Verdict::Never(match status.explanation.next_step {
            Some(next) => failure.hint(next),
            None => failure,
        });
    }
    Verdict::Wait(status.explanation.summary)
}
