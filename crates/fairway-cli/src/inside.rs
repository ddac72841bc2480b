//! Into an instance of a service, or the server of a resource: which one, of which environment.

use clap::Args;
use fairway_api::names::{LABEL_COMPONENT, LABEL_ENVIRONMENT, LABEL_RESOURCE};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use crate::failure::Failure;
use crate::place;
use crate::session::Session;

/// Which instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Whose {
    /// The environment; without it the only one the service is delivered to
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// Which instance, counted from 1 in the order of their names; without it the first that runs
    #[arg(long, value_name = "NUMBER")]
    pub replica: Option<usize>,
}

/// An instance that runs.
pub(crate) struct Instance {
    pub(crate) api: Api<Pod>,
    pub(crate) pod: String,
    pub(crate) environment: String,
}

/// Finds it.
pub(crate) async fn instance(session: &Session, service: Option<&str>, whose: &Whose) -> Result<Instance, Failure> {
    let project = session.project().await?;
    let component = place::component(session, service)?;
    let (place, _) = place::delivered_environment(session, &project, &component, whose.env.as_deref()).await?;
    let environment = place.environment.to_string();
    let api: Api<Pod> = Api::namespaced(session.client.clone(), &place.namespace());
    let selector = format!("{LABEL_COMPONENT}={component},{LABEL_ENVIRONMENT}={environment}");
    let found = api.list(&ListParams::default().labels(&selector)).await.map_err(Failure::api("list instances"))?;
    let names = running(&found.items);
    match choose(&names, whose.replica) {
        Ok(pod) => Ok(Instance { api, pod: pod.to_owned(), environment }),
        Err(why) => {
            let what = format!("{component} has {why} in {environment}");
            Err(Failure::not_found(what).hint(format!("platform status {component} --env={environment}")))
        }
    }
}

/// A pod in which the server of a resource runs.
pub(crate) async fn server(api: &Api<Pod>, resource: &str, environment: &str) -> Result<String, Failure> {
    let selector = format!("{LABEL_RESOURCE}={resource},app.kubernetes.io/component=server");
    let found = api.list(&ListParams::default().labels(&selector)).await.map_err(Failure::api("list instances"))?;
    let none = || {
        Failure::not_ready(format!("no server of {resource} runs in {environment}"))
            .hint(format!("platform resource show {resource} --env={environment}"))
    };
    running(&found.items).into_iter().next().ok_or_else(none)
}

/// The names of those that run and are not on their way out.
fn running(pods: &[Pod]) -> Vec<String> {
    let runs = |it: &&Pod| {
        let phase = it.status.as_ref().and_then(|it| it.phase.as_deref());
        phase == Some("Running") && it.metadata.deletion_timestamp.is_none()
    };
    let mut names: Vec<String> = pods.iter().filter(runs).map(ResourceExt::name_any).collect();
    names.sort();
    names
}

fn choose(names: &[String], replica: Option<usize>) -> Result<&str, String> {
    match (names.len(), replica) {
        (0, _) => Err("no instance that runs".to_owned()),
        (_, None) => Ok(&names[0]),
        (count, Some(number)) => {
            let chosen = number.checked_sub(1).and_then(|it| names.get(it));
            let instances = if count == 1 { "instance that runs" } else { "instances that run" };
            chosen.map(String::as_str).ok_or_else(|| format!("{count} {instances} and no number {number}"))
        }
    }
}

#[cfg(test)]
mod tests;
