//! All that a Resource depends on, read from the API. Absence is an observation, not an error.

use std::collections::BTreeMap;

use fairway_api::names::{LABEL_ENVIRONMENT, LABEL_PROJECT, LABEL_RESOURCE};
use fairway_api::v1alpha1::{Delivery, Environment, Resource, ResourceClass};
use fairway_controller::list;
use fairway_plan::resource::{self, Credentials};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use crate::{Context, Error};

/// What is there.
pub(super) struct Observed {
    /// The Project and Environment names on the labels of its namespace.
    pub(super) place: Option<(String, String)>,
    /// Whether the namespace goes, with all in it.
    pub(super) leaving: bool,
    pub(super) environment: Option<Environment>,
    pub(super) class: Option<ResourceClass>,
    /// The names of all classes.
    pub(super) classes: Vec<String>,
    pub(super) credentials: Option<Credentials>,
    /// A Secret that has the name of one of its own, and is another's.
    pub(super) taken: Option<String>,
    pub(super) deliveries: Vec<Delivery>,
}

pub(super) async fn observe(resource: &Resource, ctx: &Context) -> Result<Observed, Error> {
    let client = || ctx.kit.client.clone();
    let home = resource.namespace().unwrap_or_default();
    let namespaces: Api<Namespace> = Api::all(client());
    let namespace = namespaces.get_opt(&home).await.map_err(Error::read("the namespace"))?;
    let label = |name: &str| namespace.as_ref().and_then(|it| it.labels().get(name).cloned());
    let place = label(LABEL_PROJECT).zip(label(LABEL_ENVIRONMENT));
    let environment = match &place {
        Some((project, name)) => {
            let environments: Api<Environment> = Api::namespaced(client(), project);
            environments.get_opt(name).await.map_err(Error::read("the environment"))?
        }
        None => None,
    };
    let classes: Api<ResourceClass> = Api::all(client());
    let class = classes.get_opt(&resource.spec.class_name).await.map_err(Error::read("the class"))?;
    let names = match &class {
        Some(_) => Vec::new(),
        None => {
            let all = classes.list_metadata(&ListParams::default()).await.map_err(Error::read("the classes"))?;
            all.items.iter().map(ResourceExt::name_any).collect()
        }
    };
    let secrets: Api<Secret> = Api::namespaced(client(), &home);
    let name = resource.name_any();
    let secret = secrets.get_opt(&resource::credentials_secret(&name)).await;
    let secret = secret.map_err(Error::read("the credentials"))?;
    let connection = secrets.get_opt(&resource::connection_secret(&name)).await;
    let connection = connection.map_err(Error::read("what a workload is told"))?;
    let taken = [&secret, &connection].into_iter().flatten().find(|it| !is_of(it, resource)).map(ResourceExt::name_any);
    let credentials = secret.filter(|it| is_of(it, resource)).map(|it| kept(&it));
    let deliveries = list::<Delivery>(&ctx.kit.client, &home, &ListParams::default()).await;
    Ok(Observed {
        place,
        leaving: namespace.is_none_or(|it| it.metadata.deletion_timestamp.is_some()),
        environment,
        class,
        classes: names,
        credentials,
        taken,
        deliveries: deliveries.map_err(Error::read("deliveries"))?,
    })
}

/// Whether it was made for this Resource, or for one of its name that is gone and takes it along.
fn is_of(secret: &Secret, resource: &Resource) -> bool {
    let owners = secret.owner_references();
    let owned = owners.iter().any(|it| Some(&it.uid) == resource.uid().as_ref());
    owned || secret.labels().get(LABEL_RESOURCE) == Some(&resource.name_any())
}

fn kept(secret: &Secret) -> Credentials {
    let values = secret.data.iter().flatten();
    let values = values.map(|(name, it)| (name.clone(), String::from_utf8_lossy(&it.0).into_owned()));
    Credentials::kept(values.collect(), secret.metadata.annotations.as_ref().unwrap_or(&BTreeMap::new()))
}

impl Observed {
    /// The Components whose Deliveries use it.
    pub(super) fn used_by(&self, resource: &Resource) -> Vec<String> {
        self.users(resource).map(|it| it.0.name_any()).collect()
    }

    /// The Components of which an instance may have been started with another connection than this one.
    pub(super) fn unmoved(&self, resource: &Resource, connection: &str) -> Vec<String> {
        self.users(resource).filter(|it| it.1.as_deref() != Some(connection)).map(|it| it.0.name_any()).collect()
    }

    fn users(&self, resource: &Resource) -> impl Iterator<Item = (&Delivery, Option<String>)> {
        let name = resource.name_any();
        self.deliveries.iter().filter_map(move |it| {
            let used = it.status.as_ref()?.resources.iter().find(|it| it.name == name)?;
            Some((it, used.connection.clone()))
        })
    }
}

#[cfg(test)]
mod tests;
