//! Where a command acts: which component, in which environment.

use std::path::{Path, PathBuf};

use fairway_api::names::{ComponentName, EnvironmentName, ProjectName, environment_namespace};
use fairway_api::v1alpha1::{Component, Delivery, Environment};
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use crate::failure::Failure;
use crate::session::Session;

/// An environment of a project.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) project: ProjectName,
    pub(crate) environment: EnvironmentName,
    pub(crate) object: Environment,
}

impl Place {
    /// The namespace of its deliveries and, on the hub's own cluster, of what runs.
    pub(crate) fn namespace(&self) -> String {
        let own = self.object.status.as_ref().and_then(|it| it.namespace.clone());
        own.unwrap_or_else(|| environment_namespace(&self.project, &self.environment))
    }

    pub(crate) fn deliveries(&self, session: &Session) -> Api<Delivery> {
        Api::namespaced(session.client.clone(), &self.namespace())
    }
}

/// Every environment of the project, by name.
pub(crate) async fn environments(session: &Session, project: &ProjectName) -> Result<Vec<Place>, Failure> {
    let api: Api<Environment> = Api::namespaced(session.client.clone(), project.as_str());
    let found = api.list(&ListParams::default()).await.map_err(Failure::api("list environments"))?;
    let mut places: Vec<Place> = found
        .items
        .into_iter()
        .filter_map(|object| {
            let environment = EnvironmentName::parse(&object.name_any()).ok()?;
            Some(Place { project: project.clone(), environment, object })
        })
        .collect();
    places.sort_by_key(order);
    Ok(places)
}

/// In the order in which a release travels.
fn order(place: &Place) -> (bool, String) {
    (place.object.spec.promotes_from.is_some(), place.environment.to_string())
}

/// The environment of this name.
pub(crate) async fn environment(session: &Session, project: &ProjectName, name: &str) -> Result<Place, Failure> {
    let name = EnvironmentName::parse(name).map_err(|it| Failure::usage(it.to_string()))?;
    let mut all = environments(session, project).await?;
    match all.iter().position(|it| it.environment == name) {
        Some(index) => Ok(all.swap_remove(index)),
        None => {
            let known: Vec<String> = all.iter().map(|it| it.environment.to_string()).collect();
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            Err(Failure::not_found(format!("project {project} has no environment {name}; there are: {known}"))
                .hint("platform get environments"))
        }
    }
}

/// The environment that is meant where a release begins its way: the named one, or the only one that asks for no proof.
pub(crate) async fn first_environment(
    session: &Session,
    project: &ProjectName,
    name: Option<&str>,
) -> Result<Place, Failure> {
    if let Some(name) = name {
        return environment(session, project, name).await;
    }
    let mut all = environments(session, project).await?;
    all.retain(|it| it.object.spec.promotes_from.is_none());
    let names: Vec<String> = all.iter().map(|it| it.environment.to_string()).collect();
    pick(session, all, &names)
}

/// The environment that is meant where a component runs: the named one, or the only one it is delivered to.
pub(crate) async fn delivered_environment(
    session: &Session,
    project: &ProjectName,
    component: &ComponentName,
    name: Option<&str>,
) -> Result<(Place, Delivery), Failure> {
    let hint = || format!("platform deploy {component} --env={}", name.unwrap_or("staging"));
    if let Some(name) = name {
        let place = environment(session, project, name).await?;
        let found = place.deliveries(session).get_opt(component.as_str()).await;
        let found = found.map_err(Failure::api(format!("read the delivery of {component}")))?;
        if found.is_none() {
            registered(session, project, component).await?;
        }
        let missing = || Failure::not_found(format!("{component} is not delivered to {name}")).hint(hint());
        return found.map(|it| (place, it)).ok_or_else(missing);
    }
    let mut delivered = deliveries(session, project, component).await?;
    if delivered.is_empty() {
        registered(session, project, component).await?;
        let what = format!("{component} is not delivered to any environment of project {project}");
        return Err(Failure::not_found(what).hint(hint()));
    }
    let names: Vec<String> = delivered.iter().map(|it| it.0.environment.to_string()).collect();
    let chosen = match names.as_slice() {
        [_] => 0,
        several => {
            let chosen = session.choose("environment", several, "--env=NAME")?;
            several.iter().position(|it| *it == chosen).unwrap_or(0)
        }
    };
    Ok(delivered.swap_remove(chosen))
}

/// Every delivery of a component.
pub(crate) async fn deliveries(
    session: &Session,
    project: &ProjectName,
    component: &ComponentName,
) -> Result<Vec<(Place, Delivery)>, Failure> {
    let mut found = Vec::new();
    for place in environments(session, project).await? {
        let delivery = place.deliveries(session).get_opt(component.as_str()).await;
        if let Some(delivery) = delivery.map_err(Failure::api(format!("read the delivery of {component}")))? {
            found.push((place, delivery));
        }
    }
    Ok(found)
}

fn pick(session: &Session, mut all: Vec<Place>, names: &[String]) -> Result<Place, Failure> {
    let index = match names {
        [] => return Err(Failure::not_found("the project has no environment yet").hint("platform get environments")),
        [_] => 0,
        several => {
            let chosen = session.choose("environment", several, "--env=NAME")?;
            several.iter().position(|it| *it == chosen).unwrap_or(0)
        }
    };
    Ok(all.swap_remove(index))
}

/// The component that is meant: the named one, or that of the `score.yaml` above the current folder.
pub(crate) fn component(session: &Session, named: Option<&str>) -> Result<ComponentName, Failure> {
    let name = match named {
        Some(name) => name.to_owned(),
        None => {
            let file = find_score(&session.folder).ok_or_else(|| {
                Failure::usage("which service? There is no score.yaml here or above")
                    .hint("name it: --service=NAME, or go to its folder")
            })?;
            crate::source::name_in(&file)?
        }
    };
    ComponentName::parse(&name).map_err(|it| Failure::usage(it.to_string()).hint("platform get components"))
}

/// The one of two spellings that was used; both must agree.
pub(crate) fn named<'a>(positional: Option<&'a str>, flag: Option<&'a str>) -> Result<Option<&'a str>, Failure> {
    match (positional, flag) {
        (Some(one), Some(other)) if one != other => {
            Err(Failure::usage(format!("two services are named, {one:?} and {other:?}; name one")))
        }
        (one, other) => Ok(one.or(other)),
    }
}

/// `score.yaml` in this folder or above it, up to the root of its repository.
pub(crate) fn find_score(folder: &Path) -> Option<PathBuf> {
    for folder in folder.ancestors() {
        let file = folder.join("score.yaml");
        if file.is_file() {
            return Some(file);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

/// There is nothing to begin with in a folder.
pub(crate) fn no_score(folder: &Path) -> Failure {
    let shown = folder.display();
    Failure::usage(if folder.is_dir() {
        format!("there is no score.yaml in {shown} or above")
    } else {
        format!("there is no folder {shown}")
    })
}

/// The component's object, or a failure that says how to make it.
pub(crate) async fn registered(
    session: &Session,
    project: &ProjectName,
    component: &ComponentName,
) -> Result<Component, Failure> {
    let api: Api<Component> = Api::namespaced(session.client.clone(), project.as_str());
    let found = api.get_opt(component.as_str()).await.map_err(Failure::api(format!("read component {component}")))?;
    found.ok_or_else(|| {
        Failure::not_found(format!("project {project} has no service {component}"))
            .hint(format!("platform create-service --name={component}"))
    })
}

#[cfg(test)]
mod tests;
