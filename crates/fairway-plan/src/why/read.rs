//! Observations out of objects of the cluster: what counts of each, and never a value of a Secret.

use std::collections::{BTreeMap, BTreeSet};

use fairway_api::conditions::{READY, STALLED, is_true};
use fairway_api::names::{LABEL_RESOURCE, LABEL_VERSION};
use fairway_api::v1alpha1::{AttemptOutcome, Delivery, DeliveryReason};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ConfigMap, Container as AskedContainer, ContainerState, ContainerStateTerminated, ContainerStatus, EnvVarSource,
    Event as ClusterEvent, Pod, PodTemplateSpec, Probe as AskedProbe, ResourceQuota, Secret, Service as ClusterService,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use super::observations::{
    Container, End, Event, Instance, KeyNames, Migration, Probe, Quota, Reference, Service, Standing, State, Variable,
    WorkloadContainer,
};

const CONFIG_MAP: &str = "ConfigMap";
const SECRET: &str = "Secret";
/// What every class tells of its Resources, and no password is.
const TELLS: [&str; 4] = ["host", "port", "name", "username"];
/// The label of a slice that names its Service.
const OF_SERVICE: &str = "kubernetes.io/service-name";

/// What a Delivery says of itself.
pub fn standing(delivery: &Delivery) -> Standing {
    let status = delivery.status.clone().unwrap_or_default();
    let is_seen = status.observed_generation.unwrap_or(0) >= delivery.metadata.generation.unwrap_or(0);
    let failed = status.attempt.filter(|it| it.outcome == AttemptOutcome::Failed);
    let failed = failed.filter(|it| it.release_name == delivery.spec.release_name);
    Standing {
        ready: is_seen && is_true(&status.conditions, READY),
        stalled: is_seen && is_true(&status.conditions, STALLED),
        reason: status.conditions.iter().find(|it| it.type_ == READY).map(|it| it.reason.clone()).unwrap_or_default(),
        summary: status.explanation.summary,
        fixed_by: status.explanation.fixed_by,
        next_step: status.explanation.next_step,
        serving: status.current.map(|it| it.version),
        failure: failed.and_then(|it| it.message),
    }
}

/// The migration that keeps a Delivery from going on, if one failed.
pub fn migration(delivery: &Delivery) -> Option<Migration> {
    let status = delivery.status.as_ref()?;
    let ready = status.conditions.iter().find(|it| it.type_ == READY)?;
    let schema = status.schema.as_ref().filter(|_| ready.reason == DeliveryReason::MigrationFailed.as_str())?;
    let job = schema.job.as_ref().map(|it| format!("Job {it}"));
    Some(Migration {
        job: job.unwrap_or_else(|| format!("Delivery {}", delivery.name_any())),
        failed: true,
        message: schema.failed.clone().unwrap_or_default(),
        lines: Vec::new(),
    })
}

/// A Pod. `wanted` is the version that is wanted.
pub fn instance(pod: &Pod, wanted: &str) -> Instance {
    let status = pod.status.as_ref();
    let conditions = || status.iter().flat_map(|it| it.conditions.iter().flatten());
    let statuses = status.and_then(|it| it.container_statuses.as_ref());
    Instance {
        name: pod.name_any(),
        is_wanted: pod.labels().get(LABEL_VERSION).is_some_and(|it| it == wanted),
        // On its way out it is as good as gone: what it printed can still be read.
        is_gone: pod.metadata.deletion_timestamp.is_some(),
        ready: conditions().any(|it| it.type_ == "Ready" && it.status == "True"),
        message: status.and_then(|it| it.message.clone()),
        containers: statuses.into_iter().flatten().map(container).collect(),
    }
}

fn container(status: &ContainerStatus) -> Container {
    let last = status.last_state.as_ref().and_then(|it| it.terminated.as_ref());
    Container {
        name: status.name.clone(),
        ready: status.ready,
        restarts: status.restart_count,
        state: status.state.as_ref().map(state).unwrap_or_default(),
        last_end: last.map(end),
        ..Container::default()
    }
}

fn state(state: &ContainerState) -> State {
    if let Some(it) = &state.waiting {
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        return State::Waiting { reason: text(&it.reason), message: text(&it.message) };
    }
    match &state.terminated {
        Some(it) => State::Ended(end(it)),
        None if state.running.is_some() => State::Running,
        None => State::Unknown,
    }
}

fn end(it: &ContainerStateTerminated) -> End {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    End { reason: text(&it.reason), code: it.exit_code, message: text(&it.message) }
}

/// Events, oldest first, of which only those since a moment count: what was before tells of another wish.
pub fn events(all: &[ClusterEvent], since: Option<Timestamp>) -> Vec<Event> {
    // They know whole seconds only.
    let since = since.map(Timestamp::as_second);
    let mut events: Vec<Event> = all
        .iter()
        .map(|it| {
            let last = it.last_timestamp.as_ref().map(|it| it.0);
            let last = last.or(it.event_time.as_ref().map(|it| it.0)).or(it.creation_timestamp().map(|it| it.0));
            let about = it.involved_object.clone();
            Event {
                kind: about.kind.unwrap_or_default(),
                name: about.name.unwrap_or_default(),
                reason: it.reason.clone().unwrap_or_default(),
                message: it.message.clone().unwrap_or_default(),
                last,
            }
        })
        .filter(|it| since.zip(it.last).is_none_or(|(since, last)| last.as_second() >= since))
        .collect();
    events.sort_by_key(|it| it.last);
    events
}

/// What of it the containers of a template get from ConfigMaps and Secrets: the names of both.
pub fn referenced(template: &PodTemplateSpec) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut config_maps, mut secrets) = (BTreeSet::new(), BTreeSet::new());
    for container in template.spec.iter().flat_map(|it| &it.containers) {
        for from in container.env_from.iter().flatten() {
            config_maps.extend(from.config_map_ref.iter().map(|it| it.name.clone()));
            secrets.extend(from.secret_ref.iter().map(|it| it.name.clone()));
        }
        for source in container.env.iter().flatten().filter_map(|it| it.value_from.as_ref()) {
            let Some(reference) = reference(source) else { continue };
            let names = if reference.kind == SECRET { &mut secrets } else { &mut config_maps };
            names.insert(reference.name);
        }
    }
    (config_maps, secrets)
}

fn reference(source: &EnvVarSource) -> Option<Reference> {
    let make = |kind: &str, name: &str, key: &str| Reference {
        kind: kind.to_owned(),
        name: name.to_owned(),
        key: key.to_owned(),
    };
    if let Some(it) = &source.secret_key_ref {
        return Some(make(SECRET, &it.name, &it.key));
    }
    source.config_map_key_ref.as_ref().map(|it| make(CONFIG_MAP, &it.name, &it.key))
}

/// The containers of a template. `config_maps` are those that could be read, by name; `secrets` the key names of those
/// that could.
pub fn workload(
    template: &PodTemplateSpec,
    config_maps: &BTreeMap<String, ConfigMap>,
    secrets: &[KeyNames],
) -> Vec<WorkloadContainer> {
    let containers = template.spec.iter().flat_map(|it| &it.containers);
    containers.map(|it| asked(it, config_maps, secrets)).collect()
}

fn asked(it: &AskedContainer, config_maps: &BTreeMap<String, ConfigMap>, secrets: &[KeyNames]) -> WorkloadContainer {
    let mut inherited = Some(BTreeSet::new());
    let mut variables: Vec<Variable> = Vec::new();
    for from in it.env_from.iter().flatten() {
        let prefix = from.prefix.clone().unwrap_or_default();
        let map = from.config_map_ref.as_ref().map(|it| config_maps.get(&it.name));
        let secret = from.secret_ref.as_ref().map(|from| secrets.iter().find(|it| it.name == from.name));
        match (map, secret) {
            (Some(Some(map)), _) => {
                for (key, value) in map.data.iter().flatten() {
                    variables.push(Variable { name: format!("{prefix}{key}"), from: None, value: Some(value.clone()) });
                }
            }
            (None, Some(Some(KeyNames { keys: Some(keys), .. }))) => {
                if let Some(names) = &mut inherited {
                    names.extend(keys.iter().map(|key| format!("{prefix}{key}")));
                }
            }
            // It is not known what is in it.
            (Some(None), _) | (None, Some(_)) => inherited = None,
            (None, None) => {}
        }
    }
    for own in it.env.iter().flatten() {
        let from = own.value_from.as_ref().and_then(reference);
        variables.retain(|it| it.name != own.name);
        variables.push(Variable { name: own.name.clone(), from, value: own.value.clone() });
    }
    let probes = [("Startup", &it.startup_probe), ("Readiness", &it.readiness_probe), ("Liveness", &it.liveness_probe)];
    let limits = it.resources.as_ref().and_then(|it| it.limits.as_ref());
    WorkloadContainer {
        name: it.name.clone(),
        image: it.image.clone().unwrap_or_default(),
        ports: it.ports.iter().flatten().filter_map(|it| u16::try_from(it.container_port).ok()).collect(),
        probes: probes.into_iter().filter_map(|(kind, probe)| asked_probe(it, kind, probe.as_ref()?)).collect(),
        variables,
        inherited,
        memory: limits.and_then(|it| it.get("memory")).map(|it| it.0.clone()),
    }
}

fn asked_probe(container: &AskedContainer, kind: &'static str, probe: &AskedProbe) -> Option<Probe> {
    let named = |name: &String| container.ports.iter().flatten().find(|it| it.name.as_ref() == Some(name));
    let number = |port: &IntOrString| match port {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(name) => u16::try_from(named(name)?.container_port).ok(),
    };
    if let Some(http) = &probe.http_get {
        let path = Some(http.path.clone().unwrap_or_else(|| "/".to_owned()));
        return Some(Probe { kind, path, port: number(&http.port)? });
    }
    Some(Probe { kind, path: None, port: number(&probe.tcp_socket.as_ref()?.port)? })
}

/// A Service, with the slices of its namespace where those could be read.
pub fn service(it: &ClusterService, slices: Option<&[EndpointSlice]>) -> Service {
    let spec = it.spec.clone().unwrap_or_default();
    let name = it.name_any();
    let number = |port: i32| u16::try_from(port).unwrap_or(0);
    let ports = spec.ports.iter().flatten().map(|it| {
        let target = match &it.target_port {
            Some(IntOrString::Int(target)) => *target,
            _ => it.port,
        };
        (number(it.port), number(target))
    });
    let ready = |slices: &[EndpointSlice]| {
        let own = slices.iter().filter(|it| it.labels().get(OF_SERVICE) == Some(&name));
        own.flat_map(|it| &it.endpoints)
            .filter(|it| it.conditions.as_ref().and_then(|it| it.ready) != Some(false))
            .count()
    };
    Service {
        endpoints: slices.map(ready),
        ports: ports.collect(),
        address: spec.cluster_ip.clone().unwrap_or_default(),
        name,
    }
}

/// The key names of a Secret; nothing of its values.
pub fn secret_keys(name: &str, secret: Option<&Secret>) -> KeyNames {
    let keys = secret.map(|it| {
        let data = it.data.iter().flatten().map(|it| it.0.clone());
        data.chain(it.string_data.iter().flatten().map(|it| it.0.clone())).collect()
    });
    KeyNames { kind: SECRET.to_owned(), name: name.to_owned(), keys }
}

/// The values of a Secret that no line may show. Where a Resource is and who logs in there is none: without that nobody
/// could be told which database refuses whom.
pub fn secret_values(secret: &Secret) -> impl Iterator<Item = String> {
    let tells = |key: &str| TELLS.contains(&key) || key.ends_with("_username");
    let of_resource = secret.labels().contains_key(LABEL_RESOURCE);
    let data = secret.data.iter().flatten().filter(move |(key, _)| !(of_resource && tells(key)));
    data.flat_map(|(_, value)| {
        let text = String::from_utf8_lossy(&value.0).into_owned();
        let lines: Vec<String> = text.lines().map(|it| it.trim().to_owned()).collect();
        lines
    })
}

/// The key names of a ConfigMap.
pub fn config_map_keys(name: &str, map: Option<&ConfigMap>) -> KeyNames {
    let keys = map.map(|it| it.data.iter().flatten().map(|it| it.0.clone()).collect());
    KeyNames { kind: CONFIG_MAP.to_owned(), name: name.to_owned(), keys }
}

/// A quota: of each resource what is used and what there is at most.
pub fn quota(it: &ResourceQuota) -> Quota {
    let status = it.status.clone().unwrap_or_default();
    let hard = status.hard.or(it.spec.as_ref().and_then(|it| it.hard.clone())).unwrap_or_default();
    let used = status.used.unwrap_or_default();
    let of = hard.into_iter().map(|(name, most)| {
        let used = used.get(&name).map_or_else(|| "?".to_owned(), |it| it.0.clone());
        (name, used, most.0)
    });
    Quota { name: it.name_any(), of: of.collect() }
}

#[cfg(test)]
mod tests;
