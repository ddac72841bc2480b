//! `resource add`: a line in the score file, and the resource in an environment at once.

use clap::Args;
use fairway_api::conditions::{STALLED, is_true};
use fairway_api::names::{ANNOTATION_CAUSE, ComponentName, ResourceName};
use fairway_api::v1alpha1::{Resource, ResourceClass, ResourceReason, ResourceSpec, ResourceStatus};
use fairway_plan::resource::{self, Facts};
use fairway_plan::score::{self, Need};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde::Serialize;
use serde_json::{Value, json};

use super::repository::Source;
use super::{api, ready};
use crate::commands::Wait;
use crate::failure::Failure;
use crate::output::Report;
use crate::place::{self, Place};
use crate::releases::MANAGER;
use crate::session::Session;
use crate::waiting::{Verdict, until};

/// Give a service a resource
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Add {
    /// What: postgres, redis, or another type or class that the platform offers
    #[arg(value_name = "TYPE")]
    pub kind: String,
    /// What the service calls it
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// The service; without it that of the current folder's score.yaml
    #[arg(long, value_name = "SERVICE")]
    pub to: Option<String>,
    /// The environment to make it in at once; without it the one where releases begin their way
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// The plan; without it that of the environment's tier
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<String>,
    /// The version; without it the class's first
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// What was added, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// The resource.
    pub name: String,
    /// The service.
    pub component: String,
    /// Where it was made.
    pub environment: String,
    /// What is made, and what is changed.
    pub plan: Vec<String>,
    /// The variables that the service gets.
    pub variables: Vec<String>,
    /// Where score.yaml was changed: a commit of the hosted repository, or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// How the resource is.
    pub summary: String,
    /// What to do next.
    pub next_step: String,
}

impl Report for Added {
    fn table(&self) -> String {
        let mut lines = Vec::new();
        match &self.changed {
            None => lines.extend(self.plan.iter().cloned()),
            Some(changed) => {
                lines.push(format!("resource {} in {}: {}", self.name, self.environment, self.summary));
                lines.push(format!("score.yaml: {changed}"));
            }
        }
        lines.push(format!("variables: {}", self.variables.join(", ")));
        lines.push(format!("next: {}", self.next_step));
        lines.join("\n") + "\n"
    }

    fn names(&self) -> Vec<String> {
        vec![format!("resource.fairway.dev/{}", self.name)]
    }
}

/// Adds a resource.
pub async fn add(session: &Session, add: &Add) -> Result<Added, Failure> {
    let project = session.project().await?;
    let component = place::component(session, add.to.as_deref())?;
    let object = place::registered(session, &project, &component).await?;
    let place = place::first_environment(session, &project, add.env.as_deref()).await?;
    let class = class(session, &add.kind).await?;
    let name = ResourceName::parse(&resource::name(component.as_str(), &add.name))
        .map_err(|it| Failure::usage(it.to_string()).hint("choose a shorter --name"))?;
    let need = need(add, &class);
    let outputs: Vec<&str> = class.spec.outputs.iter().map(|it| it.name.as_str()).collect();
    let variables = variables(&add.name, &outputs);
    let source = Source::open(session, &component, &object)?;
    let before = source.read()?;
    is_new(&before, add)?;
    let after =
        score::with_need(&before, &add.name, &need, &variables).map_err(|why| by_hand(&why, add, &variables))?;
    checked(&after, &before)?;
    let mut added = Added {
        name: name.to_string(),
        component: component.to_string(),
        environment: place.environment.to_string(),
        plan: planned(&class, &need, &name, &component, &place, &source, &variables)?,
        variables: variables.into_iter().map(|it| it.0).collect(),
        ..Added::default()
    };
    added.next_step = source.next_step(&component, &added.environment);
    if add.dry_run {
        "nothing was done".clone_into(&mut added.summary);
        return Ok(added);
    }
    session.progress.note(&added.plan.join("\n"));
    if session.interactive {
        session.confirm(add.yes, "Do this?")?;
    }
    let cause = session.new_cause();
    added.changed = Some(source.write(session, &after, &format!("Add the {} resource {}", need.r#type, add.name))?);
    added.summary = provision(session, &place, &name, &need, &component, &cause, &add.wait).await?;
    Ok(added)
}

/// The class of this name, or the only one of this type.
async fn class(session: &Session, kind: &str) -> Result<ResourceClass, Failure> {
    let api: Api<ResourceClass> = Api::all(session.client.clone());
    let all = api.list(&ListParams::default()).await.map_err(Failure::api("list resource classes"))?.items;
    let named = all.iter().find(|it| it.name_any() == kind);
    let of_type: Vec<&ResourceClass> = all.iter().filter(|it| it.spec.r#type == kind).collect();
    match (named, of_type.as_slice()) {
        (Some(class), _) => Ok(class.clone()),
        (None, [class]) => Ok((*class).clone()),
        (None, []) => {
            let mut known: Vec<String> = all.iter().map(ResourceExt::name_any).collect();
            known.sort();
            let kind: String = kind.chars().take(60).collect();
            Err(Failure::not_found(format!("there is no resource {kind:?}; there are {}", known.join(", ")))
                .hint("platform get resourceclasses"))
        }
        (None, several) => {
            let names: Vec<String> = several.iter().map(|it| it.name_any()).collect();
            Err(Failure::usage(format!("{kind} is offered by several classes: {}; name one", names.join(", "))))
        }
    }
}

fn need(add: &Add, class: &ResourceClass) -> Need {
    let name = class.name_any();
    Need {
        r#type: class.spec.r#type.clone(),
        class: Some(name).filter(|it| *it != class.spec.r#type),
        version: add.version.clone(),
        plan: add.plan.clone(),
    }
}

/// The variables that a service gets: the URL where there is one, else all of it.
fn variables(name: &str, outputs: &[&str]) -> Vec<(String, String)> {
    let told: Vec<&str> = if outputs.contains(&"url") { vec!["url"] } else { outputs.to_vec() };
    let variable = |output: &&str| {
        let variable = format!("{name}_{output}").replace('-', "_").to_uppercase();
        (variable, format!("${{resources.{name}.{output}}}"))
    };
    told.iter().map(variable).collect()
}

/// What has to be written by hand.
fn by_hand(why: &str, add: &Add, variables: &[(String, String)]) -> Failure {
    let mut lines = vec!["resources:".to_owned(), format!("  {}: {{ type: {} }}", add.name, add.kind)];
    lines.push("containers: NAME: variables:".to_owned());
    lines.extend(variables.iter().map(|(variable, value)| format!("  {variable}: {value:?}")));
    Failure::refused(format!("score.yaml is left as it is: {why}")).details(lines).hint("add these lines by hand")
}

/// What is there already is not added once more.
fn is_new(before: &str, add: &Add) -> Result<(), Failure> {
    let there = score::parse(before).0;
    if there.is_some_and(|it| score::workload(&it.workload).0.resources.contains_key(&add.name)) {
        return Err(Failure::refused(format!("the service has a resource {:?} already", add.name))
            .hint("choose another --name, or platform resource list"));
    }
    Ok(())
}

/// What was written must be in order, as far as it was before.
fn checked(after: &str, before: &str) -> Result<(), Failure> {
    let findings = score::parse(before).1;
    let new: Vec<String> = score::parse(after)
        .1
        .into_iter()
        .filter(|it| !findings.contains(it))
        .map(|it| it.in_file("score.yaml"))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    Err(Failure::usage("score.yaml would not be in order").details(new))
}

/// What is made, and what is changed: by the code that makes it.
fn planned(
    class: &ResourceClass,
    need: &Need,
    name: &ResourceName,
    component: &ComponentName,
    place: &Place,
    source: &Source,
    variables: &[(String, String)],
) -> Result<Vec<String>, Failure> {
    let spec = ResourceSpec {
        class_name: class.name_any(),
        version: need.version.clone(),
        plan: need.plan.clone(),
        ..ResourceSpec::default()
    };
    let tier = place.object.spec.tier;
    let choice = resource::choose(&spec, &class.spec, tier, &ResourceStatus::default());
    let choice = choice.map_err(|it| Failure::usage(it.message).hint("platform get resourceclasses"))?;
    let namespace = place.namespace();
    let facts = Facts {
        name: name.as_str(),
        namespace: &namespace,
        component: Some(component.as_str()),
        project: place.project.as_str(),
        environment: place.environment.as_str(),
        version: &choice.version.name,
        plan: choice.plan,
        image: choice.version.base.as_deref().or(choice.version.image.as_deref()).unwrap_or_default(),
        serial: 1,
    };
    let objects = resource::render(&class.spec, &facts).map_err(|findings| {
        Failure::failed("the class cannot be rendered").details(findings.iter().map(ToString::to_string))
    })?;
    let values: Vec<String> = choice.plan.values.iter().map(|(key, it)| format!("{key} {it}")).collect();
    let kind = &class.spec.r#type;
    let mut lines = vec![
        format!("{kind} {} in plan {} ({})", choice.version.name, choice.plan.name, values.join(", ")),
        format!("~ score.yaml {}", source.described()),
    ];
    lines.extend(variables.iter().map(|(variable, _)| format!("  + variable {variable}")));
    lines.push(format!("+ Resource {name} in {}", place.environment));
    let shown = |it: &Value| format!("  + {} {}", word(&it["kind"]), word(&it["metadata"]["name"]));
    lines.extend(objects.iter().map(shown));
    Ok(lines)
}

fn word(it: &Value) -> &str {
    it.as_str().unwrap_or_default()
}

/// Makes the Resource, as the delivery would, and waits until it can be used.
async fn provision(
    session: &Session,
    place: &Place,
    name: &ResourceName,
    need: &Need,
    component: &ComponentName,
    cause: &str,
    wait: &Wait,
) -> Result<String, Failure> {
    let mut spec = json!({ "className": need.class_name(), "componentName": component.as_str() });
    for (field, value) in [("version", &need.version), ("plan", &need.plan)] {
        if let Some(value) = value {
            spec[field] = json!(value);
        }
    }
    let wish = json!({
        "apiVersion": "fairway.dev/v1alpha1", "kind": "Resource",
        "metadata": { "name": name.as_str(), "annotations": { ANNOTATION_CAUSE: cause } },
        "spec": spec,
    });
    let api = api(session, place);
    let parameters = PatchParams::apply(MANAGER).force();
    let written = api.patch(name.as_str(), &parameters, &Patch::Apply(&wish)).await;
    written.map_err(Failure::api(format!("make resource {name}")))?;
    if wait.no_wait {
        return Ok("it is being made".to_owned());
    }
    let judge = |it: Option<&Resource>| {
        let Some(it) = it else {
            return Verdict::Never(Failure::not_found(format!("{name} was removed meanwhile")));
        };
        let status = it.status.clone().unwrap_or_default();
        if ready(it) {
            return Verdict::Done(status.explanation.summary);
        }
        // An image that cannot be had is tried again, and nobody has to wait for that.
        let lost = ResourceReason::ImageNotFound.as_str();
        if is_true(&status.conditions, STALLED) || status.conditions.iter().any(|it| it.reason == lost) {
            let failure = Failure::not_ready(status.explanation.summary);
            return Verdict::Never(match status.explanation.next_step {
                Some(next) => failure.hint(next),
                None => failure,
            });
        }
        Verdict::Wait(status.explanation.summary)
    };
    until(session, api, name.as_str(), wait.timeout, judge).await
}

#[cfg(test)]
mod tests;
