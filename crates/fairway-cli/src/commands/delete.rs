//! `delete`: an object of our own kinds; on a terminal after a confirmation.

use clap::Args;
use kube::Api;
use kube::api::DeleteParams;
use kube::core::DynamicObject;
use serde::Serialize;

use super::Wait;
use super::get::{check_name, in_environments, kind, namespaces};
use crate::failure::Failure;
use crate::output::Report;
use crate::session::Session;
use crate::waiting::{Verdict, until};

/// Remove an object, and what belongs to it
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Delete {
    /// The kind, in any spelling kubectl knows
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The environment of a delivery
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// An object that was removed, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it is gone, with what belonged to it.
    pub gone: bool,
}

impl Report for Deleted {
    fn table(&self) -> String {
        format!("{} {} {}\n", self.kind, self.name, if self.gone { "is removed" } else { "is being removed" })
    }

    fn names(&self) -> Vec<String> {
        vec![format!("{}.fairway.dev/{}", self.kind, self.name)]
    }
}

/// Asks for the removal of an object, and waits until what belongs to it is gone too.
pub async fn delete(session: &Session, delete: &Delete) -> Result<Deleted, Failure> {
    let kind = kind(&delete.kind)?;
    check_name(&delete.name)?;
    if in_environments(&kind) && delete.env.is_none() {
        return Err(Failure::usage("in which environment?").hint("say it with --env=NAME"));
    }
    let namespace = namespaces(session, &kind, delete.env.as_deref()).await?.into_iter().next().flatten();
    let singular = kind.resource.kind.to_lowercase();
    let what = format!("{singular} {}", delete.name);
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(session.client.clone(), &namespace, &kind.resource),
        None => Api::all_with(session.client.clone(), &kind.resource),
    };
    // Nobody is asked about what is not there.
    let found = api.get_metadata_opt(&delete.name).await.map_err(Failure::api(format!("find {what}")))?;
    if found.is_none() {
        return Err(Failure::not_found(format!("there is no {what}"))
            .hint(format!("platform get {singular} shows what there is")));
    }
    // Like kubectl, a script is taken at its word.
    if session.interactive {
        session.confirm(delete.yes, &format!("Remove {what} and everything that belongs to it?"))?;
    }
    let removed = api.delete(&delete.name, &DeleteParams::default()).await;
    removed.map_err(Failure::api(format!("remove {what}")))?;
    if !delete.wait.no_wait {
        let uid = found.and_then(|it| it.metadata.uid);
        let judge = |it: Option<&DynamicObject>| match it {
            Some(it) if it.metadata.uid == uid => Verdict::Wait(format!("removing {what}")),
            _ => Verdict::Done(()),
        };
        until(session, api, &delete.name, delete.wait.timeout, judge).await?;
    }
    Ok(Deleted { kind: singular, name: delete.name.clone(), gone: !delete.wait.no_wait })
}
