//! What is known of a service in an environment, as [`fairway_plan::why`] judges it: read with the rights of whoever
//! asks. What they may not read, or what is not there, is left out.

mod changes;

mod lines;

use std::collections::BTreeMap;
use std::fmt::Debug;

use fairway_api::conditions::{READY, is_true};
use fairway_api::names::{LABEL_COMPONENT, LABEL_ENVIRONMENT, LABEL_VERSION};
use fairway_api::v1alpha1::{AttemptOutcome, Component, Delivery, Resource as OurResource};
use fairway_plan::release::version;
use fairway_plan::why::{Instance, KeyNames, Observations, Resource, Scrub, judge, read};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Pod, PodTemplateSpec, ResourceQuota, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde::de::DeserializeOwned;

use crate::place::Place;
use crate::releases;
use crate::session::Session;

pub(crate) use fairway_plan::why::Cause;

/// Objects of one kind that are looked at.
const MOST: u32 = 500;
/// What served and does not any more: Events before this have to do with something else.
const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// Why a Delivery is as it is.
pub(crate) async fn why(session: &Session, place: &Place, delivery: &Delivery) -> Cause {
    judge(&Box::pin(observe(session, place, delivery)).await)
}

/// Reads what is known.
async fn observe(session: &Session, place: &Place, delivery: &Delivery) -> Observations {
    let (namespace, component) = (place.namespace(), delivery.name_any());
    let near = Near { session, namespace: &namespace };
    let own = format!("{LABEL_COMPONENT}={component},{LABEL_ENVIRONMENT}={}", place.environment);
    let wanted = wanted(session, place, delivery);
    let own_only = || ListParams::default().labels(&own);
    let components: Api<Component> = Api::namespaced(session.client.clone(), place.project.as_str());
    let (wanted, own_component, pods, sets, events, services, slices, quotas, resources, changes) = tokio::join!(
        wanted,
        components.get_opt(&component),
        near.list::<Pod>(own_only()),
        near.list::<ReplicaSet>(own_only()),
        near.list::<Event>(ListParams::default()),
        near.list::<Service>(ListParams::default()),
        near.list::<EndpointSlice>(ListParams::default()),
        near.list::<ResourceQuota>(ListParams::default()),
        near.list::<OurResource>(ListParams::default()),
        changes::of(session, place, &component),
    );
    let (made_by, template) = template(sets.unwrap_or_default(), &wanted).unzip();
    let template = template.unwrap_or_default();
    let (config_maps, secrets) = near.referenced(&template).await;
    let scrub = Scrub::of(secrets.iter().flat_map(|(_, it)| it.iter().flat_map(read::secret_values)));
    let keys: Vec<KeyNames> = secrets.iter().map(|(name, it)| read::secret_keys(name, it.as_ref())).collect();
    let mut instances: Vec<Instance> = pods.iter().flatten().map(|it| read::instance(it, &wanted)).collect();
    near.add_lines(&mut instances, &scrub).await;
    instances.extend(lines::past(&near, &component, &wanted, begun(delivery), &instances, &scrub).await);
    let migration = near.migration(delivery, &scrub).await;
    let named = config_maps.iter().map(|(name, it)| read::config_map_keys(name, Some(it)));
    Observations {
        service: component,
        environment: place.environment.to_string(),
        standing: read::standing(delivery),
        hosted: own_component.is_ok_and(|it| it.and_then(|it| it.status?.repository).is_some()),
        events: read::events(&events.unwrap_or_default(), since(delivery, session.world.clock.now())),
        workload: read::workload(&template, &config_maps, &keys),
        services: services.iter().flatten().map(|it| read::service(it, slices.as_deref())).collect(),
        keys: keys.iter().cloned().chain(named).collect(),
        resources: resources.iter().flatten().map(resource).collect(),
        migration,
        quotas: quotas.iter().flatten().map(read::quota).collect(),
        changes,
        instances,
        made_by,
        namespace,
    }
}

/// The version that is wanted.
async fn wanted(session: &Session, place: &Place, delivery: &Delivery) -> String {
    let current = delivery.status.as_ref().and_then(|it| it.current.as_ref());
    if let Some(current) = current.filter(|it| it.release_name == delivery.spec.release_name) {
        return current.version.clone();
    }
    let release = releases::api(session, &place.project).get_opt(&delivery.spec.release_name).await;
    release.ok().flatten().map(|it| version(&it)).unwrap_or_default()
}

/// The newest ReplicaSet of a version, and the template of its pods as the cluster has it: with what others changed.
fn template(mut sets: Vec<ReplicaSet>, version: &str) -> Option<(String, PodTemplateSpec)> {
    let of = |it: &ReplicaSet| it.spec.as_ref().and_then(|it| it.template.clone()).unwrap_or_default();
    let is_wanted = |it: &PodTemplateSpec| {
        let labels = it.metadata.as_ref().and_then(|it| it.labels.as_ref());
        labels.and_then(|it| it.get(LABEL_VERSION)).is_some_and(|it| it == version)
    };
    sets.sort_by_key(|it| it.creation_timestamp().map(|it| it.0));
    sets.iter().rev().map(|it| (it.name_any(), of(it))).find(|it| is_wanted(&it.1))
}

/// When the attempt began that the Delivery speaks of, if it did not succeed.
fn begun(delivery: &Delivery) -> Option<Timestamp> {
    let attempt = delivery.status.as_ref()?.attempt.as_ref()?;
    (attempt.outcome != AttemptOutcome::Succeeded).then_some(attempt.started.0)
}

fn since(delivery: &Delivery, now: Timestamp) -> Option<Timestamp> {
    begun(delivery).or_else(|| now.checked_sub(RECENT).ok())
}

fn resource(it: &OurResource) -> Resource {
    let status = it.status.clone().unwrap_or_default();
    Resource {
        name: it.name_any(),
        class: it.spec.class_name.clone(),
        ready: is_true(&status.conditions, READY),
        summary: status.explanation.summary,
        secret: status.secret_name,
    }
}

/// A namespace, and who looks into it.
struct Near<'a> {
    session: &'a Session,
    namespace: &'a str,
}

impl Near<'_> {
    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.session.client.clone(), self.namespace)
    }

    /// Objects of a kind, where they may be read.
    async fn list<K>(&self, parameters: ListParams) -> Option<Vec<K>>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
        K::DynamicType: Default,
    {
        Some(self.api::<K>().list(&parameters.limit(MOST)).await.ok()?.items)
    }

    /// What a template refers to: the ConfigMaps that can be read; the Secrets, with nothing for one that is not there.
    async fn referenced(
        &self,
        template: &PodTemplateSpec,
    ) -> (BTreeMap<String, ConfigMap>, Vec<(String, Option<Secret>)>) {
        let (config_maps, secrets) = read::referenced(template);
        let maps = futures::future::join_all(config_maps.iter().map(|it| async {
            let found = self.api::<ConfigMap>().get_opt(it).await.ok().flatten();
            found.map(|found| (it.clone(), found))
        }));
        let secrets = futures::future::join_all(secrets.iter().map(|it| async {
            let found = self.api::<Secret>().get_opt(it).await.ok();
            found.map(|found| (it.clone(), found))
        }));
        let (maps, secrets) = tokio::join!(maps, secrets);
        (maps.into_iter().flatten().collect(), secrets.into_iter().flatten().collect())
    }
}
