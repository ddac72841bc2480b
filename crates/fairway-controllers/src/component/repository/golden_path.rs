//! The Template that a Component is made from, and what it renders.

use fairway_api::conditions::{STALLED, is_true};
use fairway_api::v1alpha1::{Component, ComponentReason, Project, Template};
use fairway_git::{Commit, File, Mode, RepositoryId};
use fairway_plan::template::{self, Facts, Files, Folder};
use kube::{Api, ResourceExt};

use super::super::Problem;
use crate::hosting::Hosting;
use crate::{Context, Error};

/// What the first commit will be.
pub(super) struct Rendered {
    pub(super) files: Vec<File>,
    pub(super) message: String,
}

/// Renders the Template of a Component.
pub(super) async fn render(
    component: &Component,
    project: &Project,
    id: &RepositoryId,
    hosting: &Hosting,
    ctx: &Context,
) -> Result<Result<Rendered, Problem>, Error> {
    let wanted = component.spec.template.clone().unwrap_or_default();
    let templates: Api<Template> = Api::all(ctx.kit.client.clone());
    let found = templates.get_opt(&wanted.name).await.map_err(Error::read("the template"))?;
    let template = match chosen(found, &wanted.name, wanted.version.as_deref()) {
        Ok(template) => template,
        Err(problem) => return Ok(Err(problem)),
    };
    let folder = match folder(&template, hosting).await? {
        Ok(folder) => folder,
        Err(problem) => return Ok(Err(problem)),
    };
    let facts = Facts {
        component: component.name_any(),
        description: component.spec.description.clone().unwrap_or_default(),
        project: project.name_any(),
        team: project.spec.team_name.clone(),
        repository_url: hosting.forge.url(id),
    };
    let (files, findings) = template::render(&folder, &wanted.parameters, &facts);
    if let Some(first) = findings.first() {
        let more = if findings.len() > 1 { format!(" (and {} more)", findings.len() - 1) } else { String::new() };
        return Ok(Err((ComponentReason::InvalidParameters, format!("{first}{more}"))));
    }
    let message = format!("Create {} from {} {}", component.name_any(), wanted.name, template.spec.version);
    Ok(Ok(Rendered { files: as_committed(files), message }))
}

/// The Template, if it is there in the wanted version and can be used.
fn chosen(found: Option<Template>, name: &str, version: Option<&str>) -> Result<Template, Problem> {
    let Some(template) = found else {
        let message = format!("template {name:?} does not exist; platform template list shows those that do");
        return Err((ComponentReason::TemplateNotFound, message));
    };
    if let Some(version) = version.filter(|it| *it != template.spec.version) {
        let there = &template.spec.version;
        let message = format!("template {name} is there in version {there}, and not in {version:?}");
        return Err((ComponentReason::TemplateNotFound, message));
    }
    let status = template.status.clone().unwrap_or_default();
    if is_true(&status.conditions, STALLED) {
        let message = format!("template {name} cannot be used: {}", status.explanation.summary);
        return Err((ComponentReason::TemplateNotReady, message));
    }
    Ok(template)
}

/// The folder of a Template, with the platform or in a repository of its own.
async fn folder(template: &Template, hosting: &Hosting) -> Result<Result<Folder, Problem>, Error> {
    let not_ready = |message: String| (ComponentReason::TemplateNotReady, message);
    let name = template.name_any();
    if let Some(builtin) = &template.spec.source.builtin {
        let message = || not_ready(format!("template {name} names {builtin:?}, which does not come with the platform"));
        return Ok(template::builtin(builtin).ok_or_else(message));
    }
    let commit = template.status.as_ref().and_then(|it| it.commit.as_deref()).and_then(|it| Commit::parse(it).ok());
    match (&template.spec.source.repository, commit) {
        (Some(source), Some(commit)) => Ok(Ok(crate::template::folder(source, &commit, hosting.forge.as_ref()).await?)),
        _ => Ok(Err(not_ready(format!("the files of template {name} are not known yet")))),
    }
}

fn as_committed(files: Files) -> Vec<File> {
    let one = |(path, file): (String, template::File)| {
        let mode = if file.executable { Mode::Executable } else { Mode::File };
        File { path, mode, bytes: file.bytes }
    };
    files.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests;
