//! `resource rotate`: new credentials. Those before are valid until every instance was started with the new ones.

use clap::Args;
use fairway_api::names::ANNOTATION_CAUSE;
use fairway_api::v1alpha1::{Resource, ResourceClass, ResourceClassSpec};
use kube::api::{Api, Patch, PatchParams};
use serde::Serialize;
use serde_json::json;

use super::{WhichResource, api, find};
use crate::commands::Wait;
use crate::failure::Failure;
use crate::output::Report;
use crate::releases::MANAGER;
use crate::session::Session;
use crate::waiting::{Verdict, until};

/// Give a resource new credentials
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Rotate {
    /// Which resource.
    #[command(flatten)]
    pub which: WhichResource,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// New credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    /// The resource.
    pub name: String,
    /// Where it is.
    pub environment: String,
    /// The services that were started anew.
    pub used_by: Vec<String>,
    /// Whether it is over: those before are worth nothing any more.
    pub done: bool,
    /// The id of the event.
    pub cause: String,
}

impl Report for Rotated {
    fn table(&self) -> String {
        let users = if self.used_by.is_empty() { "nothing uses it".to_owned() } else { self.used_by.join(", ") };
        let (name, environment) = (&self.name, &self.environment);
        if self.done {
            format!("{name} in {environment} has new credentials, and those before are worth nothing ({users})\n")
        } else {
            format!("{name} in {environment} is getting new credentials ({users})\n")
        }
    }

    fn names(&self) -> Vec<String> {
        vec![format!("resource.fairway.dev/{}", self.name)]
    }
}

/// Writes a new word, and waits until it was carried out.
pub async fn rotate(session: &Session, rotate: &Rotate) -> Result<Rotated, Failure> {
    let (place, found) = find(session, &rotate.which).await?;
    let (name, cause) = (rotate.which.name.clone(), session.new_cause());
    if found.status.as_ref().is_none_or(|it| it.connection.is_none()) {
        return Err(Failure::not_ready(format!("{name} was never ready, so nobody has credentials of it"))
            .hint(format!("platform resource show {name}")));
    }
    let class = &found.spec.class_name;
    let classes: Api<ResourceClass> = Api::all(session.client.clone());
    let offered = classes.get_opt(class).await.map_err(Failure::api(format!("read the class {class}")))?;
    if let Some(refusal) = offered.and_then(|it| refused(&name, class, &it.spec)) {
        return Err(refusal);
    }
    let patch = json!({ "metadata": { "annotations": { ANNOTATION_CAUSE: cause } }, "spec": { "rotate": cause } });
    let parameters = PatchParams { field_manager: Some(format!("{MANAGER}-rotate")), ..PatchParams::default() };
    let api = api(session, &place);
    let patched = api.patch(&name, &parameters, &Patch::Merge(&patch)).await;
    patched.map_err(Failure::api(format!("rotate the credentials of {name}")))?;
    let mut used_by = found.status.map(|it| it.used_by).unwrap_or_default();
    if !rotate.wait.no_wait {
        let judge = |it: Option<&Resource>| match it.map(|it| it.status.clone().unwrap_or_default()) {
            None => Verdict::Never(Failure::not_found(format!("{name} was removed meanwhile"))),
            Some(status) if status.rotated.as_ref() == Some(&cause) => Verdict::Done(status.used_by),
            Some(status) => Verdict::Wait(status.explanation.summary),
        };
        used_by = until(session, api, &name, rotate.wait.timeout, judge).await?;
    }
    let environment = place.environment.to_string();
    Ok(Rotated { name, environment, used_by, done: !rotate.wait.no_wait, cause })
}

/// Why nothing of a class can be rotated, if so.
fn refused(name: &str, class: &str, offered: &ResourceClassSpec) -> Option<Failure> {
    (!fairway_plan::resource::rotates(offered)).then(|| {
        let message =
            format!("{name} is of class {class}, which has no two logins that take turns: nothing is rotated");
        Failure::refused(message).hint(format!("kubectl get resourceclass {class} -o yaml shows what it offers"))
    })
}

#[cfg(test)]
mod tests;
