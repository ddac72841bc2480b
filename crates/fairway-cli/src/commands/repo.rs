//! `repo`: the repositories that the platform hosts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fairway_api::v1alpha1::{Component, ComponentRepository};
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use serde::Serialize;
use tokio::process::Command;

use super::Which;
use crate::failure::Failure;
use crate::git_access::{self, CERTIFICATES};
use crate::output::Report;
use crate::place;
use crate::session::Session;
use crate::text::columns;

/// Repositories that the platform hosts
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum RepoCommand {
    /// List the repositories of the project
    List,
    /// Show where a service's repository is, and its branches
    Show(Which),
    /// Clone a service's repository
    Clone(CloneRepo),
}

/// What to clone, and where to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct CloneRepo {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub name: String,
    /// The folder; without it one that is called as the service
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// The repositories of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepoList {
    /// By name.
    pub items: Vec<Repo>,
}

/// One repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repo {
    /// The service.
    pub component: String,
    /// Where it is cloned from, and what is in it.
    #[serde(flatten)]
    pub repository: ComponentRepository,
}

/// A repository that was cloned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cloned {
    /// Where it is now.
    pub folder: String,
    /// Where it came from.
    pub url: String,
}

impl Report for RepoList {
    fn table(&self) -> String {
        if self.items.is_empty() {
            return "no repository yet; platform create-service --template=NAME makes one\n".to_owned();
        }
        let row =
            |it: &Repo| vec![it.component.clone(), it.repository.default_branch.clone(), it.repository.url.clone()];
        columns(&["SERVICE", "BRANCH", "URL"], &self.items.iter().map(row).collect::<Vec<_>>())
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| it.component.clone()).collect()
    }
}

impl Report for Repo {
    fn table(&self) -> String {
        let branches: Vec<Vec<String>> =
            self.repository.refs.iter().map(|(name, commit)| vec![name.clone(), commit.clone()]).collect();
        let branches = if branches.is_empty() { String::new() } else { columns(&["BRANCH", "LAST RUN OF"], &branches) };
        format!("{}\nnext: platform repo clone {}\n{branches}", self.repository.url, self.component)
    }

    fn names(&self) -> Vec<String> {
        vec![self.component.clone()]
    }
}

impl Report for Cloned {
    fn table(&self) -> String {
        format!("cloned into {}\n", self.folder)
    }

    fn names(&self) -> Vec<String> {
        vec![self.folder.clone()]
    }
}

/// Lists repositories.
pub async fn list(session: &Session) -> Result<RepoList, Failure> {
    let project = session.project().await?;
    let api: Api<Component> = Api::namespaced(session.client.clone(), project.as_str());
    let found = api.list(&ListParams::default()).await.map_err(Failure::api("list components"))?;
    let of = |it: Component| Some(Repo { component: it.name_any(), repository: it.status?.repository? });
    Ok(RepoList { items: found.items.into_iter().filter_map(of).collect() })
}

/// Reads one repository.
pub async fn show(session: &Session, which: &Which) -> Result<Repo, Failure> {
    let component = place::component(session, which.named()?)?;
    of(session, component.as_str()).await
}

async fn of(session: &Session, component: &str) -> Result<Repo, Failure> {
    let project = session.project().await?;
    let api: Api<Component> = Api::namespaced(session.client.clone(), project.as_str());
    let found = api.get_opt(component).await.map_err(Failure::api(format!("read component {component}")))?;
    let found = found.ok_or_else(|| {
        Failure::not_found(format!("project {project} has no service {component}")).hint("platform repo list")
    })?;
    if found.spec.template.is_none() {
        return Err(Failure::not_found(format!("{component} has no repository that the platform hosts"))
            .hint("the platform hosts what is made from a template: platform create-service --template=NAME"));
    }
    let repository = found.status.and_then(|it| it.repository).ok_or_else(|| {
        Failure::not_ready(format!("the repository of {component} is not made yet"))
            .hint(format!("platform get component {component}"))
    })?;
    Ok(Repo { component: component.to_owned(), repository })
}

/// Clones with the user's own git.
pub async fn clone(session: &Session, clone: &CloneRepo) -> Result<Cloned, Failure> {
    let component = place::component(session, Some(&clone.name))?;
    let repo = of(session, component.as_str()).await?;
    let folder = clone.folder.clone().unwrap_or_else(|| PathBuf::from(component.as_str()));
    if holds_something(&session.folder.join(&folder)) {
        let what = format!("{} is there and not an empty folder", folder.display());
        return Err(Failure::failed(what).hint(format!("name another one: platform repo clone {component} FOLDER")));
    }
    let mut command = Command::from(git_access::git(session)?);
    command.args(["clone", "--quiet", "--", &repo.repository.url]).arg(&folder).current_dir(&session.folder);
    let output = command.output().await.map_err(Failure::io("run git"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::failed(format!("git could not clone {}", repo.repository.url))
            .details(said.lines().map(str::to_owned).take(10)));
    }
    if std::env::var_os(CERTIFICATES).is_some() {
        session.progress.note(&format!(
            "{CERTIFICATES} is set and wins over git's configuration: to fetch and push, env -u {CERTIFICATES} git push"
        ));
    }
    Ok(Cloned { folder: session.folder.join(folder).display().to_string(), url: repo.repository.url })
}

/// Whether git would refuse to clone into it.
fn holds_something(folder: &std::path::Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.symlink_metadata().is_ok(),
    }
}

#[cfg(test)]
mod tests;
