//! Which database is meant: the one that is named, or the only one of a service.

use clap::Args;
use fairway_api::names::LABEL_DUMPS;
use fairway_api::v1alpha1::{Resource, ResourceClass, ResourceClassSpec};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use crate::commands::Which;
use crate::commands::get::check_name;
use crate::failure::Failure;
use crate::place::{self, Place};
use crate::session::Session;

/// Which database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct WhichDatabase {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the only one where there is such a database
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// The resource, like my-api-db, or db as the service calls it; without it the only one that can do it
    #[arg(long, value_name = "RESOURCE")]
    pub resource: Option<String>,
}

/// What a database has to be able to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ability {
    /// What one that cannot lacks: `a shell`.
    pub(super) what: &'static str,
    /// Whether one of a class can.
    pub(super) has: fn(&ResourceClassSpec) -> bool,
}

/// A database that was found.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) place: Place,
    pub(super) object: Resource,
    pub(super) class: ResourceClassSpec,
}

impl Database {
    pub(super) fn name(&self) -> String {
        self.object.name_any()
    }

    pub(super) fn environment(&self) -> String {
        self.place.environment.to_string()
    }

    pub(super) fn api(&self, session: &Session) -> Api<Resource> {
        Api::namespaced(session.client.clone(), &self.place.namespace())
    }
}

/// Finds the one that is meant.
pub(super) async fn find(session: &Session, which: &WhichDatabase, ability: Ability) -> Result<Database, Failure> {
    let project = session.project().await?;
    let wanted = Wanted::of(session, which)?;
    let places = match which.env.as_deref() {
        Some(name) => vec![place::environment(session, &project, name).await?],
        None => place::environments(session, &project).await?,
    };
    let classes: Api<ResourceClass> = Api::all(session.client.clone());
    let classes = classes.list(&ListParams::default()).await.map_err(Failure::api("list resource classes"))?.items;
    let mut found = Vec::new();
    for place in &places {
        let api: Api<Resource> = Api::namespaced(session.client.clone(), &place.namespace());
        let there = api.list(&ListParams::default()).await.map_err(Failure::api("list resources"))?;
        for object in there.items.into_iter().filter(|it| wanted.is(it)) {
            let class = classes.iter().find(|it| it.name_any() == object.spec.class_name);
            let class = class.map(|it| it.spec.clone()).unwrap_or_default();
            found.push(Database { place: place.clone(), object, class });
        }
    }
    if found.is_empty() {
        return Err(missing(session, &places, &wanted).await);
    }
    let able = |it: &Database| (ability.has)(&it.class);
    if let Some(unable) = found.first().filter(|_| !found.iter().any(able)) {
        let (name, class) = (unable.name(), &unable.object.spec.class_name);
        let hint = format!("kubectl get resourceclass {class} -o yaml shows what it offers");
        return Err(Failure::refused(format!("{name} is of class {class}, which has no {}", ability.what)).hint(hint));
    }
    found.retain(able);
    one(session, found)
}

/// The only one, or the one that is chosen.
fn one(session: &Session, mut found: Vec<Database>) -> Result<Database, Failure> {
    let mut environments: Vec<String> = found.iter().map(Database::environment).collect();
    environments.dedup();
    if environments.len() > 1 {
        let chosen = session.choose("environment", &environments, "--env=NAME")?;
        found.retain(|it| it.environment() == chosen);
    }
    let names: Vec<String> = found.iter().map(Database::name).collect();
    let at = if names.len() > 1 {
        let chosen = session.choose("resource", &names, "--resource=NAME")?;
        names.iter().position(|it| *it == chosen).unwrap_or(0)
    } else {
        0
    };
    Ok(found.swap_remove(at))
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    component: Option<String>,
    resource: Option<String>,
}

impl Wanted {
    fn of(session: &Session, which: &WhichDatabase) -> Result<Self, Failure> {
        if let Some(name) = &which.resource {
            check_name(name)?;
        }
        let named = which.which.named()?;
        // A resource that is named needs no service to be found; one that the service calls so does.
        let component = match place::component(session, named) {
            Ok(component) => Some(component.to_string()),
            Err(_) if named.is_none() && which.resource.is_some() => None,
            Err(failure) => return Err(failure.hint("name the service, or the resource with --resource=NAME")),
        };
        Ok(Self { component, resource: which.resource.clone() })
    }

    fn is(&self, it: &Resource) -> bool {
        let of_component = it.spec.component_name.is_some() && it.spec.component_name == self.component;
        match &self.resource {
            None => of_component,
            Some(name) => {
                let own = self.component.as_ref().map(|it| fairway_plan::resource::name(it, name));
                it.name_any() == *name || own == Some(it.name_any())
            }
        }
    }

    /// Whether this may have been the name of one.
    fn was(&self, resource: &str) -> bool {
        let of = |it: &String| resource.strip_prefix(it.as_str()).is_some_and(|rest| rest.starts_with('-'));
        self.resource.as_ref().map_or_else(|| self.component.as_ref().is_some_and(of), |it| resource.ends_with(it))
    }

    fn shown(&self) -> String {
        match (&self.resource, &self.component) {
            (Some(resource), _) => format!("there is no resource {resource}"),
            (None, Some(component)) => format!("{component} has no resource"),
            (None, None) => "there is no resource".to_owned(),
        }
    }
}

/// There is none. Of one that was removed, dumps may be kept.
async fn missing(session: &Session, places: &[Place], wanted: &Wanted) -> Failure {
    let names: Vec<String> = places.iter().map(|it| it.environment.to_string()).collect();
    let failure = Failure::not_found(format!("{} in {}", wanted.shown(), names.join(", ")));
    for place in places {
        let api: Api<PersistentVolumeClaim> = Api::namespaced(session.client.clone(), &place.namespace());
        let Ok(claims) = api.list_metadata(&ListParams::default().labels(LABEL_DUMPS)).await else { continue };
        let mut kept = claims.items.iter().filter_map(|it| it.labels().get(LABEL_DUMPS));
        if let Some(name) = kept.find(|it| wanted.was(it)) {
            let environment = &place.environment;
            return failure.hint(format!(
                "dumps of {name} are kept in {environment}: once it is made again, platform db backups --resource={name} \
                 --env={environment} shows them"
            ));
        }
    }
    failure.hint("platform resource list")
}

#[cfg(test)]
mod tests;
