//! What a name means to a pod: the names of Services as the cluster's DNS specification has them, and nothing outside.

use std::sync::Arc;

use super::message::{A, AAAA, ANY, PTR, Query, Rcode, Record, Reply, SRV};
use crate::network::CLUSTER_DOMAIN;
use crate::network::view::{Kind, ServiceView, View};

/// What stands behind a name.
#[derive(Debug, Clone)]
pub(in crate::network) enum Found {
    Service(Arc<ServiceView>),
    /// One port of a Service, by its name.
    Port(Arc<ServiceView>, u16),
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
            [port, protocol, service, own, "svc"] => port_named(view, own, service, port, protocol),
            _ => Found::Nothing,
        };
    }
    match name.as_slice() {
        [service] => service_named(view, namespace, service),
        [service, own] | [service, own, "svc"] => service_named(view, own, service),
        _ => Found::Nothing,
    }
}

fn service_named(view: &View, namespace: &str, name: &str) -> Found {
    let Some(service) = view.service(namespace, name) else { return Found::Nothing };
    match service.kind {
        Kind::Address(_) => Found::Service(service.clone()),
        Kind::Headless => Found::Unsupported("headless Services are not supported yet", Rcode::NoSuchName),
        Kind::External => {
            Found::Unsupported("Services of type ExternalName lead out of the cluster, which is denied", Rcode::Refused)
        }
        Kind::Pending => Found::Unsupported("the Service has no ClusterIP yet", Rcode::ServerFailure),
    }
}

fn port_named(view: &View, namespace: &str, service: &str, port: &str, protocol: &str) -> Found {
    let (port, protocol) = (port.strip_prefix('_'), protocol.strip_prefix('_'));
    let found = service_named(view, namespace, service);
    let (Some(port), Some("tcp"), Found::Service(service)) = (port, protocol, &found) else { return Found::Nothing };
    let named = service.ports.iter().find(|it| it.is_tcp && it.name == port);
    named.map_or(Found::Nothing, |it| Found::Port(service.clone(), it.port))
}

impl Found {
    /// The Service that will be called next.
    pub(super) fn service(&self) -> Option<&ServiceView> {
        match self {
            Self::Service(service) | Self::Port(service, _) => Some(service),
            _ => None,
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
            Self::Port(service, port) if matches!(query.kind, SRV | ANY) => {
                let full = format!("{}.{}.svc.{CLUSTER_DOMAIN}", service.name, service.namespace);
                let target = full.split('.').map(str::to_owned).collect();
                Reply::of(vec![Record::Service { port: *port, target }])
            }
            Self::Port(..) => Reply::of(Vec::new()),
        }
    }
}

fn addresses(service: &ServiceView, kind: u16) -> Vec<Record> {
    let Kind::Address(address) = service.kind else { return Vec::new() };
    let asked = if address.is_ipv4() { A } else { AAAA };
    if kind == asked || kind == ANY { vec![Record::Address(address)] } else { Vec::new() }
}
