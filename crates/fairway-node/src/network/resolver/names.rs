//! What a name means to a pod: the names of Services and of pods as the cluster's DNS specification has them, and nothing
//! outside.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::message::{A, AAAA, ANY, PTR, Query, Rcode, Record, Reply, SRV};
use crate::network::CLUSTER_DOMAIN;
use crate::network::carry::Behind;
use crate::network::view::{Kind, Member, ServiceView, View, host_of};

/// What stands behind a name.
#[derive(Debug, Clone)]
pub(in crate::network) enum Found {
    Service(Arc<ServiceView>),
    /// One port of a Service, by its name.
    Port(Arc<ServiceView>, u16),
    /// Pods, each by its own address.
    Pods(Vec<Member>),
    /// One port of each pod behind a headless Service: the pods, and where they have the port.
    PodPorts(Arc<ServiceView>, Vec<(Member, u16)>),
    /// A Service that cannot be answered yet.
    Unsupported(&'static str, Rcode),
    /// A name that only has others below it.
    Parent,
    Nothing,
}

/// Looks a name up for a pod of `namespace`. Besides full names those relative to the pod are understood, for programs that
/// do not know the search path.
pub(super) fn look_up(name: &[String], namespace: &str, view: &View) -> Found {
    let name: Vec<&str> = name.iter().map(String::as_str).collect();
    let domain: Vec<&str> = CLUSTER_DOMAIN.split('.').collect();
    if let Some(rest) = name.strip_suffix(domain.as_slice()) {
        return match rest {
            [] | ["svc"] => Found::Parent,
            [own, "svc"] if view.namespaces.contains_key(*own) => Found::Parent,
            [service, own, "svc"] => service_named(view, own, service),
            [host, service, own, "svc"] => member_named(view, own, service, host),
            [port, protocol, service, own, "svc"] => port_named(view, own, service, port, protocol),
            [own, "pod"] if view.namespaces.contains_key(*own) => Found::Parent,
            [host, own, "pod"] => pod_named(view, own, host),
            _ => Found::Nothing,
        };
    }
    match name.as_slice() {
        [service] => service_named(view, namespace, service),
        [service, own, "svc"] => service_named(view, own, service),
        [first, second] => match service_named(view, second, first) {
            Found::Nothing => member_named(view, namespace, second, first),
            found => found,
        },
        [host, service, own] | [host, service, own, "svc"] => member_named(view, own, service, host),
        _ => Found::Nothing,
    }
}

/// One pod behind a headless Service. Like the Service's own name it is not told before the pod is ready.
fn member_named(view: &View, namespace: &str, service: &str, host: &str) -> Found {
    let Some(service) = view.service(namespace, service) else { return Found::Nothing };
    let named = service.present().filter(|it| it.host == host || host_of(it.address) == host).cloned();
    pods(named.collect())
}

/// A pod by its address.
fn pod_named(view: &View, namespace: &str, host: &str) -> Found {
    let Ok(address) = host.replace('-', ".").parse::<IpAddr>() else { return Found::Nothing };
    let Some(ports) = view.ports_at(namespace, address) else { return Found::Nothing };
    let state = crate::network::view::State::Ready;
    pods(vec![Member { address, host: host.to_owned(), state, ports: ports.clone() }])
}

/// A name of nobody is no name.
fn pods(found: Vec<Member>) -> Found {
    if found.is_empty() { Found::Nothing } else { Found::Pods(found) }
}

fn service_named(view: &View, namespace: &str, name: &str) -> Found {
    let Some(service) = view.service(namespace, name) else { return Found::Nothing };
    match service.kind {
        Kind::Address(_) => Found::Service(service.clone()),
        Kind::Headless => pods(service.present().cloned().collect()),
        Kind::External => {
            Found::Unsupported("Services of type ExternalName lead out of the cluster, which is denied", Rcode::Refused)
        }
        Kind::Pending => Found::Unsupported("the Service has no ClusterIP yet", Rcode::ServerFailure),
    }
}

fn port_named(view: &View, namespace: &str, service: &str, port: &str, protocol: &str) -> Found {
    let (port, protocol) = (port.strip_prefix('_'), protocol.strip_prefix('_'));
    let (Some(port), Some("tcp")) = (port, protocol) else { return Found::Nothing };
    let Some(service) = view.service(namespace, service) else { return Found::Nothing };
    let Some(named) = service.ports.iter().find(|it| it.is_tcp && it.name == port) else { return Found::Nothing };
    match service.kind {
        Kind::Address(_) => Found::Port(service.clone(), named.port),
        Kind::Headless => {
            let at = |member: &Member| named.endpoints.iter().find(|it| it.address.ip() == member.address);
            let each = service.present().filter_map(|it| Some((it.clone(), at(it)?.address.port())));
            let each: Vec<_> = each.collect();
            if each.is_empty() { Found::Nothing } else { Found::PodPorts(service.clone(), each) }
        }
        Kind::External | Kind::Pending => Found::Nothing,
    }
}

impl Found {
    /// The addresses that will be called next.
    pub(super) fn sockets(&self) -> (Behind, Vec<SocketAddr>) {
        let of = |pod: &Member| pod.ports.iter().map(|port| SocketAddr::new(pod.address, *port)).collect::<Vec<_>>();
        match self {
            Self::Service(service) | Self::Port(service, _) => (Behind::Service, service.addresses()),
            Self::Pods(pods) => (Behind::Pod, pods.iter().flat_map(of).collect()),
            Self::PodPorts(_, pods) => (Behind::Pod, pods.iter().flat_map(|it| of(&it.0)).collect()),
            _ => (Behind::Service, Vec::new()),
        }
    }

    /// Why a Service that exists is not answered.
    pub(super) fn unsupported(&self) -> Option<&'static str> {
        match self {
            Self::Unsupported(why, _) => Some(why),
            _ => None,
        }
    }

    /// The answer to a question about it.
    pub(super) fn reply(&self, query: &Query) -> Reply {
        if query.kind == PTR {
            return Reply::failure(Rcode::Refused);
        }
        match self {
            Self::Nothing => Reply::failure(Rcode::NoSuchName),
            Self::Unsupported(_, rcode) => Reply::failure(*rcode),
            Self::Parent => Reply::of(Vec::new()),
            Self::Service(service) => Reply::of(addresses(service, query.kind)),
            Self::Pods(pods) => Reply::of(pods.iter().filter_map(|it| address(it.address, query.kind)).collect()),
            Self::Port(service, port) if matches!(query.kind, SRV | ANY) => {
                Reply::of(vec![Record::Service { port: *port, target: full_name(service) }])
            }
            Self::PodPorts(service, pods) if matches!(query.kind, SRV | ANY) => {
                let record = |(pod, port): &(Member, u16)| {
                    let target = std::iter::once(pod.host.clone()).chain(full_name(service)).collect();
                    Record::Service { port: *port, target }
                };
                Reply::of(pods.iter().map(record).collect())
            }
            Self::Port(..) | Self::PodPorts(..) => Reply::of(Vec::new()),
        }
    }
}

fn addresses(service: &ServiceView, kind: u16) -> Vec<Record> {
    let Kind::Address(own) = service.kind else { return Vec::new() };
    address(own, kind).into_iter().collect()
}

fn address(address: IpAddr, kind: u16) -> Option<Record> {
    let asked = if address.is_ipv4() { A } else { AAAA };
    (kind == asked || kind == ANY).then_some(Record::Address(address))
}

fn full_name(service: &ServiceView) -> Vec<String> {
    let full = format!("{}.{}.svc.{CLUSTER_DOMAIN}", service.name, service.namespace);
    full.split('.').map(str::to_owned).collect()
}
