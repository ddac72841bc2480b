//! `create-service`: registers a component: from a template, for a folder, or for an image that someone else builds.

mod golden_path;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fairway_api::names::{ANNOTATION_CAUSE, ComponentName, ProjectName};
use fairway_api::v1alpha1::{Component, ComponentSource, ComponentSpec, Template};
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde::Serialize;

use super::Wait;
use super::release::{self, Create};
use super::template::{Setting, parse_setting};
use crate::failure::Failure;
use crate::output::Report;
use crate::releases::MANAGER;
use crate::session::Session;
use crate::waiting::{Verdict, until};
use crate::{place, source};

/// Register a service
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct CreateService {
    /// Its name; without it that of the folder's score.yaml
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The folder of its source; without it the current one
    #[arg(long, value_name = "FOLDER", conflicts_with = "image")]
    pub from: Option<PathBuf>,
    /// An image that someone else builds: NAME:TAG or NAME@DIGEST of the platform's store, or an OCI layout FOLDER[:NAME]
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// What it is for, in a sentence
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The template to make its repository from; platform template list shows them
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["from", "image", "language"])]
    pub template: Option<String>,
    /// The language of its template: --language=rust is short for --template=rust-service; alone, and with a database or a
    /// cache, python
    #[arg(
        long,
        value_name = "LANGUAGE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = golden_path::LANGUAGE,
        conflicts_with_all = ["from", "image"]
    )]
    pub language: Option<String>,
    /// A parameter of the template, like port=9000; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_setting)]
    pub settings: Vec<Setting>,
    /// The database that it begins with; alone, postgres
    #[arg(
        long,
        value_name = "DATABASE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "postgres",
        conflicts_with_all = ["from", "image"]
    )]
    pub database: Option<String>,
    /// The cache that it begins with; alone, redis
    #[arg(
        long,
        value_name = "CACHE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "redis",
        conflicts_with_all = ["from", "image"]
    )]
    pub cache: Option<String>,
    /// How long to wait for the repository.
    #[command(flatten)]
    pub wait: Wait,
}

/// A service that was registered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// The project.
    pub project: String,
    /// The component.
    pub component: String,
    /// The folder of its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The template that its repository is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Where its repository is cloned from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The version of the release that was made of its image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The id of the event.
    pub cause: String,
    /// What to do next.
    pub next_step: String,
}

impl Report for Created {
    fn table(&self) -> String {
        let of = self.folder.as_ref().map(|it| format!(" from {it}")).unwrap_or_default();
        let with = self.version.as_ref().map(|it| format!(" with release {it}")).unwrap_or_default();
        let at = self.repository.as_ref().map(|it| format!("repository: {it}\n")).unwrap_or_default();
        let (component, project, next) = (&self.component, &self.project, &self.next_step);
        format!("service {component} is registered in project {project}{of}{with}\n{at}next: {next}\n")
    }

    fn names(&self) -> Vec<String> {
        vec![format!("component.fairway.dev/{}", self.component)]
    }
}

/// Registers a service; with an image, makes its first release too.
pub async fn create_service(session: &Session, create: &CreateService) -> Result<Created, Failure> {
    let template = golden_path::wanted(session, create).await?;
    let file = match (&create.image, &template) {
        (Some(_), _) | (_, Some(_)) => None,
        (None, None) => {
            place::find_score(&create.from.as_ref().map_or(session.folder.clone(), |it| session.folder.join(it)))
        }
    };
    let name = name(create, file.as_deref())?;
    let project = session.project().await?;
    let folder = match &file {
        Some(file) => Some(checked(file, &name)?),
        None if create.image.is_none() && create.from.is_some() => return Err(no_score(create)),
        None => None,
    };
    if let Some(image) = &create.image {
        // Before anything is written: a service without its image would be in the way of the next try.
        release::check_image(session, &project, &name, image).await?;
    }
    if let Some(template) = template {
        return from_template(session, create, &project, &name, &template).await;
    }
    let cause = session.new_cause();
    let source = (folder.is_some() || create.image.is_some())
        .then(|| ComponentSource { folder: folder.clone(), image: create.image.clone() });
    let spec = ComponentSpec { description: create.description.clone(), source, ..ComponentSpec::default() };
    register(session, &project, &name, spec, &cause).await?;
    let mut created = Created {
        project: project.to_string(),
        component: name.to_string(),
        folder,
        cause,
        next_step: format!("platform deploy {name} --env=staging"),
        ..Created::default()
    };
    if let Some(image) = &create.image {
        let make = Create { service: Some(name.to_string()), image: image.clone(), ..Create::default() };
        let made = release::create(session, &make).await?;
        created.next_step = format!("platform deploy {name} --env=staging --release={}", made.version);
        created.version = Some(made.version);
    }
    Ok(created)
}

/// Registers a service whose repository the platform makes.
async fn from_template(
    session: &Session,
    create: &CreateService,
    project: &ProjectName,
    name: &ComponentName,
    template: &Template,
) -> Result<Created, Failure> {
    let spec = golden_path::spec(create, template)?;
    let cause = session.new_cause();
    let mut created = Created {
        project: project.to_string(),
        component: name.to_string(),
        template: Some(template.name_any()),
        cause,
        ..Created::default()
    };
    write(session, project, name, spec, &created.cause).await?;
    golden_path::repository(session, project, name, create, &mut created).await?;
    Ok(created)
}

fn name(create: &CreateService, file: Option<&std::path::Path>) -> Result<ComponentName, Failure> {
    let name = match (&create.name, file) {
        (Some(name), _) => name.clone(),
        (None, Some(file)) => source::name_in(file)?,
        (None, None) => {
            return Err(Failure::usage("how is the service called?").hint("platform create-service --name=NAME"));
        }
    };
    let other = "choose another: platform create-service --name=NAME";
    ComponentName::parse(&name).map_err(|it| Failure::usage(it.to_string()).hint(other))
}

/// The folder of a score file, which must be in order and of this service.
fn checked(file: &std::path::Path, name: &ComponentName) -> Result<String, Failure> {
    let source = source::load(file)?;
    if source.component != *name {
        let what = format!("{} is the score.yaml of {}, not of {name}", file.display(), source.component);
        return Err(Failure::usage(what).hint("name the folder of the service: --from=FOLDER"));
    }
    Ok(source.folder.display().to_string())
}

fn no_score(create: &CreateService) -> Failure {
    let folder = create.from.clone().unwrap_or_default();
    place::no_score(&folder).hint("name the folder of the service: --from=FOLDER")
}

async fn register(
    session: &Session,
    project: &ProjectName,
    name: &ComponentName,
    spec: ComponentSpec,
    cause: &str,
) -> Result<(), Failure> {
    write(session, project, name, spec, cause).await?;
    // Its controller has looked at it once it says something.
    let judge = |it: Option<&Component>| match it.and_then(|it| it.status.as_ref()) {
        Some(status) if status.observed_generation.is_some() => Verdict::Done(()),
        _ => Verdict::Wait(format!("registering {name}")),
    };
    let api: Api<Component> = Api::namespaced(session.client.clone(), project.as_str());
    until(session, api, name.as_str(), Duration::from_secs(30), judge).await
}

/// Writes the Component. One that is there already is another's, unless it is just what is asked for.
async fn write(
    session: &Session,
    project: &ProjectName,
    name: &ComponentName,
    spec: ComponentSpec,
    cause: &str,
) -> Result<(), Failure> {
    let api: Api<Component> = Api::namespaced(session.client.clone(), project.as_str());
    let mut component = Component::new(name.as_str(), spec);
    component.annotations_mut().insert(ANNOTATION_CAUSE.to_owned(), cause.to_owned());
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    session.progress.step(&format!("registering {name}"));
    match api.create(&parameters, &component).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            let there = api.get_opt(name.as_str()).await.map_err(Failure::api(format!("read service {name}")))?;
            let same = there.is_some_and(|it| it.spec == component.spec && it.metadata.deletion_timestamp.is_none());
            if same && component.spec.template.is_some() {
                // The command was given before, and perhaps not waited for.
                return Ok(());
            }
            Err(Failure::failed(format!("project {project} has a service {name} already"))
                .hint(format!("platform status {name}, or choose another name")))
        }
        Err(error) => Err(Failure::api(format!("create service {name}"))(error)),
    }
}
