//! All that a Delivery depends on, read from the API. Absence is an observation, not an error.

use fairway_api::names::{LABEL_ENVIRONMENT, LABEL_PROJECT};
use fairway_api::v1alpha1::{Component, Delivery, Environment, Release};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::NAME;
use crate::{Context, Error};

/// What is there.
pub(super) struct Observed {
    /// The Project and Environment names on the labels of the Delivery's namespace.
    pub(super) place: Option<(String, String)>,
    pub(super) environment: Option<Environment>,
    pub(super) component: Option<Component>,
    pub(super) release: Option<Release>,
}

pub(super) async fn observe(delivery: &Delivery, ctx: &Context) -> Result<Observed, Error> {
    let namespaces: Api<Namespace> = Api::all(ctx.kit.client.clone());
    let namespace = delivery.namespace().unwrap_or_default();
    let namespace = namespaces.get_opt(&namespace).await.map_err(Error::read("the namespace"))?;
    let label = |name: &str| namespace.as_ref().and_then(|it| it.labels().get(name).cloned());
    let Some(place) = label(LABEL_PROJECT).zip(label(LABEL_ENVIRONMENT)) else {
        return Ok(Observed { place: None, environment: None, component: None, release: None });
    };
    let environments: Api<Environment> = Api::namespaced(ctx.kit.client.clone(), &place.0);
    let components: Api<Component> = Api::namespaced(ctx.kit.client.clone(), &place.0);
    let releases: Api<Release> = Api::namespaced(ctx.kit.client.clone(), &place.0);
    let name = delivery.name_any();
    let (environment, component, release) = tokio::join!(
        environments.get_opt(&place.1),
        components.get_opt(&name),
        releases.get_opt(&delivery.spec.release_name),
    );
    Ok(Observed {
        environment: environment.map_err(Error::read("the environment"))?,
        component: component.map_err(Error::read("the component"))?,
        release: release.map_err(Error::read("the release"))?,
        place: Some(place),
    })
}

/// The Release that became healthy here last.
pub(super) async fn last_good(delivery: &Delivery, ctx: &Context) -> Result<Option<Release>, Error> {
    let Some(current) = delivery.status.as_ref().and_then(|it| it.current.as_ref()) else { return Ok(None) };
    let namespaces: Api<Namespace> = Api::all(ctx.kit.client.clone());
    let namespace = namespaces.get_opt(&delivery.namespace().unwrap_or_default()).await;
    let namespace = namespace.map_err(Error::read("the namespace"))?;
    let Some(project) = namespace.and_then(|it| it.labels().get(LABEL_PROJECT).cloned()) else { return Ok(None) };
    let releases: Api<Release> = Api::namespaced(ctx.kit.client.clone(), &project);
    releases.get_opt(&current.release_name).await.map_err(Error::read("the last good release"))
}

/// How often to try to write on a Release that others write on too.
const TRIES: usize = 5;

/// Remembers on the Release that it became healthy in this Environment.
pub(super) async fn mark_proven(release: &Release, environment: &str, ctx: &Context) -> Result<(), Error> {
    let failed = Error::write("where the release proved itself");
    let releases: Api<Release> = Api::namespaced(ctx.kit.client.clone(), &release.namespace().unwrap_or_default());
    let parameters = PatchParams { field_manager: Some(NAME.to_owned()), ..PatchParams::default() };
    let mut release = release.clone();
    for tries in 1.. {
        let mut proven = release.status.as_ref().map(|it| it.proven_in.clone()).unwrap_or_default();
        if proven.iter().any(|it| it == environment) {
            return Ok(());
        }
        proven.push(environment.to_owned());
        proven.sort();
        let patch = json!({
            "metadata": { "resourceVersion": release.resource_version(), "uid": release.uid() },
            "status": { "provenIn": proven },
        });
        match releases.patch_status(&release.name_any(), &parameters, &Patch::Merge(patch)).await {
            Ok(_) => return Ok(()),
            // Its own controller, or another Environment, wrote on it: what serves is not worse for that.
            Err(kube::Error::Api(status)) if status.code == 409 && tries < TRIES => {}
            Err(error) => return Err(failed(error)),
        }
        let again = releases.get_opt(&release.name_any()).await.map_err(Error::read("the release"))?;
        let Some(same) = again.filter(|it| it.uid() == release.uid()) else { return Ok(()) };
        release = same;
    }
    Ok(())
}
