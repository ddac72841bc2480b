//! `resource`: databases, caches and what else services need: which there are, one more, the way there, new credentials,
//! removal.

mod add;

mod connect;

mod repository;

mod remove;

mod rotate;

use clap::{Args, Subcommand};
use fairway_api::conditions::{READY, is_true};
use fairway_api::v1alpha1::{Resource, ResourceStatus};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde::Serialize;

use super::get::check_name;
use crate::failure::Failure;
use crate::output::Report;
use crate::place::{self, Place};
use crate::session::Session;
use crate::text::{columns, one_line};

pub use add::{Add, Added, add};
pub use connect::{Connect, connect};
pub use remove::{Remove, Removed, remove};
pub use rotate::{Rotate, Rotated, rotate};

/// Databases, caches and what else services need
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ResourceCommand {
    /// List the resources of the project
    List(InEnvironment),
    /// Show a resource: how it is, and what a service is told of it
    Show(WhichResource),
    /// Give a service a resource: in its score.yaml, and in an environment at once
    Add(Add),
    /// Let a port of this machine lead to a resource, or run a command that reaches it
    Connect(Connect),
    /// Give a resource new credentials, without a failed request
    Rotate(Rotate),
    /// Remove a resource that nothing uses; a dump is kept
    Remove(Remove),
}

/// Which environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct InEnvironment {
    /// The environment; without it all of them
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
}

/// Which resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct WhichResource {
    /// The resource, like my-api-db
    #[arg(value_name = "RESOURCE")]
    pub name: String,
    /// The environment; without it the only one that has such a resource
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
}

/// The resources of a project.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceList {
    /// By environment and name.
    pub items: Vec<ResourceRow>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRow {
    /// Where it is.
    pub environment: String,
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: String,
    /// What it has.
    #[serde(flatten)]
    pub status: ResourceStatus,
}

impl Report for ResourceList {
    fn table(&self) -> String {
        if self.items.is_empty() {
            return "no resource yet; platform resource add postgres --name=db --to=SERVICE makes one\n".to_owned();
        }
        let row = |it: &ResourceRow| {
            let used = if it.status.used_by.is_empty() { "-".to_owned() } else { it.status.used_by.join(", ") };
            vec![
                it.environment.clone(),
                it.name.clone(),
                it.class.clone(),
                it.status.version.clone().unwrap_or_default(),
                it.status.plan.clone().unwrap_or_default(),
                used,
                one_line(&it.status.explanation.summary),
            ]
        };
        let rows: Vec<Vec<String>> = self.items.iter().map(row).collect();
        columns(&["ENVIRONMENT", "RESOURCE", "CLASS", "VERSION", "PLAN", "USED BY", "STATE"], &rows)
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| format!("resource.fairway.dev/{}", it.name)).collect()
    }
}

impl Report for ResourceRow {
    fn table(&self) -> String {
        let status = &self.status;
        let mut lines =
            vec![format!("{} in {}: {}", self.name, self.environment, one_line(&status.explanation.summary))];
        let mut say = |what: &str, value: String| {
            if !value.is_empty() {
                lines.push(format!("{what:<10} {value}"));
            }
        };
        say("class", self.class.clone());
        say("version", status.version.clone().unwrap_or_default());
        say("plan", status.plan.clone().unwrap_or_default());
        say("image", status.image.clone().unwrap_or_default());
        say("used by", status.used_by.join(", "));
        say("secret", status.secret_name.clone().unwrap_or_default());
        say("tells", status.outputs.join(", "));
        let kept = status.backups.len();
        say("dumps", if kept == 0 { String::new() } else { format!("{kept}; platform db backups lists them") });
        say("mended by", status.explanation.fixed_by.clone().unwrap_or_default());
        say("next", status.explanation.next_step.clone().unwrap_or_default());
        lines.join("\n") + "\n"
    }

    fn names(&self) -> Vec<String> {
        vec![format!("resource.fairway.dev/{}", self.name)]
    }
}

/// Lists resources.
pub async fn list(session: &Session, which: &InEnvironment) -> Result<ResourceList, Failure> {
    let project = session.project().await?;
    let places = match which.env.as_deref() {
        Some(name) => vec![place::environment(session, &project, name).await?],
        None => place::environments(session, &project).await?,
    };
    let mut items = Vec::new();
    for place in &places {
        let found = api(session, place).list(&ListParams::default()).await.map_err(Failure::api("list resources"))?;
        let mut found: Vec<ResourceRow> = found.items.into_iter().map(|it| row(place, it)).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        items.extend(found);
    }
    Ok(ResourceList { items })
}

/// Shows a resource.
pub async fn show(session: &Session, which: &WhichResource) -> Result<ResourceRow, Failure> {
    let (place, found) = find(session, which).await?;
    Ok(row(&place, found))
}

fn row(place: &Place, it: Resource) -> ResourceRow {
    ResourceRow {
        environment: place.environment.to_string(),
        name: it.name_any(),
        class: it.spec.class_name.clone(),
        status: it.status.unwrap_or_default(),
    }
}

fn api(session: &Session, place: &Place) -> Api<Resource> {
    Api::namespaced(session.client.clone(), &place.namespace())
}

/// The resource that is meant: in the named environment, or in the only one that has it.
async fn find(session: &Session, which: &WhichResource) -> Result<(Place, Resource), Failure> {
    check_name(&which.name)?;
    let project = session.project().await?;
    let places = match which.env.as_deref() {
        Some(name) => vec![place::environment(session, &project, name).await?],
        None => place::environments(session, &project).await?,
    };
    let mut found = Vec::new();
    for place in places {
        let there = api(session, &place).get_opt(&which.name).await;
        found.extend(there.map_err(Failure::api(format!("read resource {}", which.name)))?.map(|it| (place, it)));
    }
    let names: Vec<String> = found.iter().map(|it| it.0.environment.to_string()).collect();
    let at = match names.as_slice() {
        [] => {
            let what = format!("project {project} has no resource {}", which.name);
            return Err(Failure::not_found(what).hint("platform resource list"));
        }
        [_] => 0,
        several => {
            let chosen = session.choose("environment", several, "--env=NAME")?;
            several.iter().position(|it| *it == chosen).unwrap_or(0)
        }
    };
    Ok(found.swap_remove(at))
}

/// Whether a resource can be used.
fn ready(it: &Resource) -> bool {
    it.status.as_ref().is_some_and(|status| {
        is_true(&status.conditions, READY) && status.observed_generation >= it.metadata.generation
    })
}

#[cfg(test)]
mod tests;
