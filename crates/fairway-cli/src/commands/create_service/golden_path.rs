//! A service from a template: everything is checked, one Component is written, and its repository is waited for. What
//! makes the repository is the Component's controller: whoever stops waiting stops nothing.

use fairway_api::conditions::{STALLED, is_true};
use fairway_api::names::{ComponentName, ProjectName};
use fairway_api::v1alpha1::{Component, ComponentReason, ComponentSpec, ComponentTemplate, Template};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Api, ResourceExt};

use super::{CreateService, Created};
use crate::commands::template::{self, Setting, chosen};
use crate::failure::Failure;
use crate::session::Session;
use crate::waiting::{Verdict, until};

/// The language of a service whose maker names none.
pub(super) const LANGUAGE: &str = "python";

/// The name of the template that is asked for, if one is.
pub(super) async fn wanted(session: &Session, create: &CreateService) -> Result<Option<Template>, Failure> {
    let name = match (&create.template, &create.language) {
        (Some(name), _) => name.clone(),
        (None, Some(language)) => format!("{}-service", language.to_lowercase()),
        (None, None) if create.database.is_some() || create.cache.is_some() => format!("{LANGUAGE}-service"),
        (None, None) if create.settings.is_empty() => return Ok(None),
        (None, None) => {
            let hint = "say which with --template=NAME; platform template list shows them";
            return Err(Failure::usage("--set chooses something in a template, and none is named").hint(hint));
        }
    };
    template::find(session, &name).await.map(Some)
}

/// What is to be written. A template that cannot be used, and every wrong parameter, is refused here.
pub(super) fn spec(create: &CreateService, template: &Template) -> Result<ComponentSpec, Failure> {
    let name = template.name_any();
    let status = template.status.clone().unwrap_or_default();
    if is_true(&status.conditions, STALLED) {
        let what = format!("template {name} cannot be used at present: {}", status.explanation.summary);
        return Err(Failure::not_ready(what).hint(format!("platform template show {name}")));
    }
    let parameters = chosen(&name, &template.spec.parameters, &settings(create, template)?)?;
    Ok(ComponentSpec {
        r#type: template.spec.component_type,
        description: create.description.clone(),
        source: None,
        template: Some(ComponentTemplate { name, version: None, parameters }),
    })
}

/// What is chosen: `--database=postgres` is short for `--set database=postgres`.
fn settings(create: &CreateService, template: &Template) -> Result<Vec<Setting>, Failure> {
    let mut settings = create.settings.clone();
    for (name, value) in [("database", &create.database), ("cache", &create.cache)] {
        let Some(value) = value else { continue };
        if !template.spec.parameters.iter().any(|it| it.name == name) {
            let what = format!("template {} has no {name} to choose", template.name_any());
            let hint = format!("leave out --{name}, or take another: platform create-service --language={LANGUAGE}");
            return Err(Failure::usage(what).hint(hint));
        }
        settings.push(Setting { name: name.to_owned(), value: value.clone() });
    }
    Ok(settings)
}

/// Waits for the repository, and says what to do with it.
pub(super) async fn repository(
    session: &Session,
    project: &ProjectName,
    name: &ComponentName,
    create: &CreateService,
    created: &mut Created,
) -> Result<(), Failure> {
    created.next_step = format!("platform repo clone {name}");
    if create.wait.no_wait {
        return Ok(());
    }
    let api: Api<Component> = Api::namespaced(session.client.clone(), project.as_str());
    let url = until(session, api, name.as_str(), create.wait.timeout, |it| judge(name, it)).await?;
    created.repository = Some(url);
    Ok(())
}

/// Where the repository is, once it is there.
fn judge(name: &ComponentName, component: Option<&Component>) -> Verdict<String> {
    let Some(component) = component else {
        let what = format!("service {name} was removed meanwhile");
        return Verdict::Never(Failure::not_found(what).hint("platform history tells by whom"));
    };
    let status = component.status.clone().unwrap_or_default();
    if let Some(repository) = status.repository {
        return Verdict::Done(repository.url);
    }
    let seen = status.observed_generation.unwrap_or(0) >= component.metadata.generation.unwrap_or(0);
    if seen && is_true(&status.conditions, STALLED) {
        let what =
            format!("service {name} is registered, and its repository cannot be made: {}", status.explanation.summary);
        let next = status.explanation.next_step.unwrap_or_else(|| mend(name, &status.conditions));
        return Verdict::Never(Failure::failed(what).hint(next));
    }
    let why =
        if status.explanation.summary.is_empty() { String::new() } else { format!(": {}", status.explanation.summary) };
    Verdict::Wait(format!("waiting for the repository of {name}{why}"))
}

/// What to do about a repository that cannot be made. What the template lacks begins anew; everything else is no fault of
/// the service, which stays.
fn mend(name: &ComponentName, conditions: &[Condition]) -> String {
    let pending = ComponentReason::RepositoryPending.as_str();
    if conditions.iter().any(|it| it.type_ == STALLED && it.reason == pending) {
        return format!("platform get component {name} tells when that is mended; until then platform deploy works");
    }
    format!("platform delete component {name}")
}

#[cfg(test)]
mod tests;
