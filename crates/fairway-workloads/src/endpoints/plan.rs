//! Which EndpointSlices a Service should have. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ObjectReference, Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{Resource, ResourceExt};

use crate::pod::{is_finished, is_ready};

/// Label: the Service a slice belongs to.
pub(super) const LABEL_SERVICE: &str = "kubernetes.io/service-name";
const LABEL_MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// Label: the Service has no address of its own, its name means those of its Pods.
const LABEL_HEADLESS: &str = "service.kubernetes.io/headless";
const MANAGED_BY: &str = "endpointslice-controller.k8s.io";
/// As many endpoints as one slice holds.
const PER_SLICE: usize = 100;

/// What is there.
pub(super) struct Observed {
    pub(super) service: Service,
    pub(super) pods: Vec<Pod>,
    pub(super) slices: Vec<EndpointSlice>,
}

/// What to do.
pub(super) struct Plan {
    pub(super) apply: Vec<EndpointSlice>,
    pub(super) delete: Vec<EndpointSlice>,
}

/// Whether the Service's endpoints are ours to find.
pub(super) fn has_selector(service: &Service) -> bool {
    let spec = service.spec.as_ref();
    let external = spec.and_then(|it| it.type_.as_deref()) == Some("ExternalName");
    !external && spec.and_then(|it| it.selector.as_ref()).is_some_and(|it| !it.is_empty())
}

/// The Service's selector as a list request wants it.
pub(super) fn selector(service: &Service) -> String {
    let labels = service.spec.as_ref().and_then(|it| it.selector.as_ref());
    labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Decides. Pods whose named ports differ get slices of their own, as a slice has one set of ports.
pub(super) fn plan(observed: &Observed) -> Plan {
    let mut groups: BTreeMap<String, (Vec<EndpointPort>, Vec<Endpoint>)> = BTreeMap::new();
    let publish = observed.service.spec.as_ref().and_then(|it| it.publish_not_ready_addresses).unwrap_or(false);
    for pod in observed.pods.iter().filter(|it| !is_finished(it)) {
        let Some(mut endpoint) = endpoint(pod, publish) else { continue };
        endpoint.hostname = hostname(&observed.service, pod);
        let ports = ports(&observed.service, pod);
        let key = serde_json::to_string(&ports).unwrap_or_default();
        groups.entry(key).or_insert_with(|| (ports, Vec::new())).1.push(endpoint);
    }
    if groups.is_empty() {
        groups.insert(String::new(), (Vec::new(), Vec::new()));
    }
    let mut wanted = Vec::new();
    for (ports, mut endpoints) in groups.into_values() {
        endpoints.sort_by(|a, b| a.addresses.cmp(&b.addresses));
        let chunks: Vec<Vec<Endpoint>> = endpoints.chunks(PER_SLICE).map(<[Endpoint]>::to_vec).collect();
        for chunk in if chunks.is_empty() { vec![Vec::new()] } else { chunks } {
            wanted.push(slice(&observed.service, wanted.len(), ports.clone(), chunk));
        }
    }
    let name_wanted = |it: &EndpointSlice| wanted.iter().any(|other| other.name_any() == it.name_any());
    let mine = |it: &&EndpointSlice| it.labels().get(LABEL_MANAGED_BY).map(String::as_str) == Some(MANAGED_BY);
    let delete = observed.slices.iter().filter(mine).filter(|it| !name_wanted(it)).cloned().collect();
    let apply = wanted.into_iter().filter(|it| !observed.slices.iter().any(|other| same(it, other))).collect();
    Plan { apply, delete }
}

/// Whether a slice already says what is wanted.
fn same(wanted: &EndpointSlice, there: &EndpointSlice) -> bool {
    wanted.name_any() == there.name_any()
        && wanted.endpoints == there.endpoints
        && wanted.ports.clone().unwrap_or_default() == there.ports.clone().unwrap_or_default()
        && wanted.labels().iter().all(|(key, value)| there.labels().get(key) == Some(value))
}

fn slice(service: &Service, index: usize, ports: Vec<EndpointPort>, endpoints: Vec<Endpoint>) -> EndpointSlice {
    let mut labels = vec![(LABEL_SERVICE, service.name_any()), (LABEL_MANAGED_BY, MANAGED_BY.to_owned())];
    if service.spec.as_ref().and_then(|it| it.cluster_ip.as_deref()) == Some("None") {
        labels.push((LABEL_HEADLESS, String::new()));
    }
    EndpointSlice {
        metadata: ObjectMeta {
            name: Some(format!("{}-{index}", service.name_any())),
            namespace: service.namespace(),
            labels: Some(labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            owner_references: service.controller_owner_ref(&()).map(|it| vec![it]),
            ..ObjectMeta::default()
        },
        address_type: "IPv4".to_owned(),
        endpoints,
        ports: Some(ports),
    }
}

/// The name that a Pod has under this Service, `db-0` of `db-0.db`: only if it says that it belongs there.
fn hostname(service: &Service, pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let belongs =
        spec.subdomain.as_deref() == Some(service.name_any().as_str()) && pod.namespace() == service.namespace();
    spec.hostname.clone().filter(|it| belongs && !it.is_empty())
}

fn endpoint(pod: &Pod, publish_not_ready: bool) -> Option<Endpoint> {
    let address = pod.status.as_ref().and_then(|it| it.pod_ip.clone()).filter(|it| !it.is_empty())?;
    let terminating = pod.metadata.deletion_timestamp.is_some();
    let serving = is_ready(pod);
    Some(Endpoint {
        addresses: vec![address],
        conditions: Some(EndpointConditions {
            ready: Some(publish_not_ready || (serving && !terminating)),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        node_name: pod.spec.as_ref().and_then(|it| it.node_name.clone()),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            name: Some(pod.name_any()),
            namespace: pod.namespace(),
            uid: pod.uid(),
            ..ObjectReference::default()
        }),
        ..Endpoint::default()
    })
}

/// The Service's ports as this Pod has them: a named target port is looked up in its containers.
fn ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let ports = service.spec.as_ref().and_then(|it| it.ports.as_ref()).into_iter().flatten();
    ports
        .filter_map(|it| {
            Some(EndpointPort {
                name: Some(it.name.clone().unwrap_or_default()),
                port: Some(target(it, pod)?),
                protocol: Some(it.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
                app_protocol: it.app_protocol.clone(),
            })
        })
        .collect()
}

fn target(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(0)) => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.iter().flat_map(|it| &it.containers);
            let mut ports = containers.flat_map(|it| it.ports.iter().flatten());
            ports.find(|it| it.name.as_deref() == Some(name)).map(|it| it.container_port)
        }
    }
}

#[cfg(test)]
mod tests;
