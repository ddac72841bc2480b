//! Why a version that is given up never became healthy: judged once, while its pods are still there, by the same pure code
//! that answers everybody who asks.

use std::collections::BTreeMap;

use fairway_controller::list;
use fairway_plan::why::{CauseKind, Instance, Observations, Scrub, Standing, judge, read};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::{Api, ListParams, LogParams};

use crate::{Agent, Error};

/// Pods that are looked at: what keeps the first is what keeps the rest.
const PODS: usize = 2;
/// Lines of each run of a container, and their bytes.
const LINES: i64 = 60;
const BYTES: i64 = 64 << 10;
/// Events of a pod.
const EVENTS: u32 = 50;

impl Agent {
    /// What is to blame, where something says so that `why` does not say already. No secret is read for it, and only
    /// names out of what programs printed are told.
    pub async fn blame(&self, namespace: &str, name: &str, version: &str, why: &str) -> Result<Option<String>, Error> {
        let failed = |what| move |source| Error::Read { what, source };
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        let Some(deployment) = deployments.get_opt(name).await.map_err(failed("the deployment"))? else {
            return Ok(None);
        };
        let spec = deployment.spec.unwrap_or_default();
        let labels = spec.selector.match_labels.unwrap_or_default();
        let selector = labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        let pods = list::<Pod>(&self.client, namespace, &ListParams::default().labels(&selector)).await;
        let pods = pods.map_err(failed("pods"))?;
        let instances = pods.iter().map(|it| (read::instance(it, version), it));
        let failing: Vec<(Instance, &Pod)> = instances.filter(|it| it.0.is_wanted && !it.0.ready).take(PODS).collect();
        let mut seen = Observations {
            service: name.to_owned(),
            environment: namespace.rsplit_once("--").map_or(namespace, |it| it.1).to_owned(),
            namespace: namespace.to_owned(),
            standing: Standing { failure: Some(why.to_owned()), ..Standing::default() },
            ..Observations::default()
        };
        for (mut instance, pod) in failing {
            self.add_lines(namespace, &mut instance).await;
            let of_it = format!("involvedObject.uid={}", pod.uid().unwrap_or_default());
            let events =
                list::<Event>(&self.client, namespace, &ListParams::default().fields(&of_it).limit(EVENTS)).await;
            seen.events.extend(read::events(&events.map_err(failed("events"))?, None));
            seen.instances.push(instance);
        }
        let mut config_maps = BTreeMap::new();
        for map in read::referenced(&spec.template).0 {
            let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
            let found = api.get_opt(&map).await.map_err(failed("settings"))?;
            config_maps.extend(found.map(|it| (map, it)));
        }
        seen.workload = read::workload(&spec.template, &config_maps, &[]);
        let services = list::<Service>(&self.client, namespace, &ListParams::default()).await;
        let slices = list::<EndpointSlice>(&self.client, namespace, &ListParams::default()).await;
        let (services, slices) = (services.map_err(failed("services"))?, slices.map_err(failed("endpoints"))?);
        seen.services = services.iter().map(|it| read::service(it, Some(&slices))).collect();
        let cause = judge(&seen);
        Ok(Some(cause.sentence).filter(|it| is_news(cause.kind) && !why.contains(it.as_str())))
    }

    /// Adds what its containers that are not ready printed last; what cannot be read is not there.
    async fn add_lines(&self, namespace: &str, instance: &mut Instance) {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let read = async |container: &str, previous: bool| {
            let parameters = LogParams {
                container: Some(container.to_owned()),
                tail_lines: Some(LINES),
                limit_bytes: Some(BYTES),
                previous,
                ..LogParams::default()
            };
            let text = api.logs(&instance.name, &parameters).await.unwrap_or_default();
            text.lines().map(|it| Scrub::default().line(it)).collect::<Vec<String>>()
        };
        for container in instance.containers.iter_mut().filter(|it| !it.ready) {
            container.lines = read(&container.name, false).await;
            if container.restarts > 0 {
                container.previous = read(&container.name, true).await;
            }
        }
    }
}

/// The rest the state of the pods says by itself.
fn is_news(kind: CauseKind) -> bool {
    matches!(
        kind,
        CauseKind::WrongDatabasePassword
            | CauseKind::EgressDenied
            | CauseKind::MisspeltService
            | CauseKind::DatabaseDown
            | CauseKind::MissingVariable
            | CauseKind::WrongProbePath
            | CauseKind::PortMismatch
    )
}
