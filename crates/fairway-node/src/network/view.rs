//! The cluster as the network sees it: an immutable picture, drawn anew from the objects whenever one of them changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use fairway_outside::Destinations;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;

use super::egress::ANNOTATION;
use super::policy::Policy;

pub(super) type Labels = BTreeMap<String, String>;

/// What the picture is drawn from.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) services: Vec<Arc<Service>>,
    pub(super) slices: Vec<Arc<EndpointSlice>>,
    pub(super) policies: Vec<Arc<NetworkPolicy>>,
    pub(super) namespaces: Vec<Arc<PartialObjectMeta<Namespace>>>,
    pub(super) pods: Vec<Arc<Pod>>,
}

/// The picture.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Whether all kinds have been read: before that nobody is let through, as a policy may be missing.
    pub(super) complete: bool,
    /// By namespace and name.
    pub(super) services: BTreeMap<(String, String), Arc<ServiceView>>,
    by_address: HashMap<SocketAddr, (Arc<ServiceView>, usize)>,
    /// By namespace.
    pub(super) policies: BTreeMap<String, Vec<Policy>>,
    pub(super) namespaces: BTreeMap<String, Labels>,
    /// By UID: labels and annotations may change while a pod runs.
    pods: HashMap<String, PodView>,
    /// The namespaces of pods, and the TCP ports that their containers declare, by address.
    addresses: HashMap<IpAddr, (String, BTreeSet<u16>)>,
    /// What the pods of a namespace may reach outside, by namespace; one that is not here may reach nothing.
    pub(super) destinations: BTreeMap<String, Arc<Destinations>>,
}

/// One pod.
#[derive(Debug)]
pub(super) struct PodView {
    pub(super) labels: Labels,
    /// What it keeps itself to outside, if it says so.
    pub(super) narrowed: Option<Arc<Destinations>>,
}

/// One Service.
#[derive(Debug)]
pub(super) struct ServiceView {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) ports: Vec<PortView>,
    /// Whether a caller always gets the same endpoint.
    pub(super) sticky: bool,
    /// Who stands behind it, ready or not, by address; known of headless Services only, whose pods are called themselves.
    pub(super) members: Vec<Member>,
}

/// A pod behind a headless Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) address: IpAddr,
    /// Its name below the Service's.
    pub(super) host: String,
    pub(super) state: State,
    /// The TCP ports that the Service names, as this pod has them, and those that the pod itself declares.
    pub(super) ports: BTreeSet<u16>,
}

/// How a Service is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Address(IpAddr),
    Headless,
    External,
    /// It has no address yet.
    Pending,
}

/// One port of a Service.
#[derive(Debug)]
pub(super) struct PortView {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) is_tcp: bool,
    pub(super) endpoints: Vec<EndpointView>,
}

/// One endpoint of a port. Those that take no connections are kept: connections that they have may go on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EndpointView {
    pub(super) address: SocketAddr,
    pub(super) state: State,
}

/// What an endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Ready,
    /// On its way out but serving: used when nobody is ready.
    Leaving,
    Unready,
}

impl PortView {
    /// The endpoints that take new connections.
    pub(super) fn usable(&self) -> Vec<SocketAddr> {
        let of = |state: State| self.endpoints.iter().filter(move |it| it.state == state).map(|it| it.address);
        let ready: Vec<_> = of(State::Ready).collect();
        if ready.is_empty() { of(State::Leaving).collect() } else { ready }
    }
}

impl View {
    /// Draws it.
    pub(super) fn draw(objects: &Objects) -> Self {
        let mut slices: HashMap<(String, String), Vec<&EndpointSlice>> = HashMap::new();
        for slice in &objects.slices {
            if let Some(service) = slice.labels().get("kubernetes.io/service-name") {
                slices.entry((slice.namespace().unwrap_or_default(), service.clone())).or_default().push(slice);
            }
        }
        let mut view = Self { complete: true, ..Self::default() };
        view.addresses = objects.pods.iter().filter_map(|it| declared(it)).collect();
        for service in &objects.services {
            let (namespace, name) = (service.namespace().unwrap_or_default(), service.name_any());
            let of_it = slices.remove(&(namespace.clone(), name.clone())).unwrap_or_default();
            let drawn = ServiceView::draw(namespace, name, service, &of_it, &view.addresses);
            view.add_service(drawn);
        }
        for policy in &objects.policies {
            view.policies.entry(policy.namespace().unwrap_or_default()).or_default().push(Policy::read(policy));
        }
        view.policies.values_mut().for_each(|it| it.sort_by(|a, b| a.name.cmp(&b.name)));
        view.namespaces = objects.namespaces.iter().map(|it| (it.name_any(), it.labels().clone())).collect();
        let mut lists = Lists::default();
        let destinations =
            objects.namespaces.iter().filter_map(|it| Some((it.name_any(), lists.read(it.annotations())?)));
        view.destinations = destinations.collect();
        let pods = objects.pods.iter().map(|it| {
            let narrowed = lists.read(it.annotations());
            (it.uid().unwrap_or_default(), PodView { labels: it.labels().clone(), narrowed })
        });
        view.pods = pods.collect();
        view
    }

    fn add_service(&mut self, service: ServiceView) {
        let service = Arc::new(service);
        for member in &service.members {
            self.addresses.entry(member.address).or_insert_with(|| (service.namespace.clone(), BTreeSet::new()));
        }
        if let Kind::Address(address) = service.kind {
            for (at, port) in service.ports.iter().enumerate().filter(|(_, it)| it.is_tcp) {
                self.by_address.insert(SocketAddr::new(address, port.port), (service.clone(), at));
            }
        }
        self.services.insert((service.namespace.clone(), service.name.clone()), service);
    }

    /// The Service that has this address and port.
    pub(super) fn service_at(&self, address: SocketAddr) -> Option<(&Arc<ServiceView>, &PortView)> {
        let (service, at) = self.by_address.get(&address)?;
        Some((service, &service.ports[*at]))
    }

    /// A Service by its name.
    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<&Arc<ServiceView>> {
        self.services.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// Whether a pod, or who stands for one, has this address.
    pub(super) fn is_of_pod(&self, address: IpAddr) -> bool {
        self.addresses.contains_key(&address)
    }

    /// The TCP ports that the pod of this namespace with this address declares.
    pub(super) fn ports_at(&self, namespace: &str, address: IpAddr) -> Option<&BTreeSet<u16>> {
        self.addresses.get(&address).filter(|it| it.0 == namespace).map(|it| &it.1)
    }

    /// A pod as it is now.
    pub(super) fn pod(&self, uid: &str) -> Option<&PodView> {
        self.pods.get(uid)
    }
}

/// Lists of destinations, each text read once: most namespaces have the same.
#[derive(Default)]
struct Lists<'a>(HashMap<&'a str, Arc<Destinations>>);

impl<'a> Lists<'a> {
    fn read(&mut self, annotations: &'a BTreeMap<String, String>) -> Option<Arc<Destinations>> {
        let text = annotations.get(ANNOTATION)?;
        Some(self.0.entry(text).or_insert_with(|| Arc::new(Destinations::parse(text))).clone())
    }
}

impl ServiceView {
    fn draw(
        namespace: String,
        name: String,
        service: &Service,
        slices: &[&EndpointSlice],
        addresses: &HashMap<IpAddr, (String, BTreeSet<u16>)>,
    ) -> Self {
        let spec = service.spec.clone().unwrap_or_default();
        let kind = match (spec.type_.as_deref(), spec.cluster_ip.as_deref()) {
            (Some("ExternalName"), _) => Kind::External,
            (_, Some("None")) => Kind::Headless,
            (_, address) => address.and_then(|it| it.parse().ok()).map_or(Kind::Pending, Kind::Address),
        };
        let ports = spec.ports.iter().flatten().filter_map(|it| PortView::draw(it, slices)).collect();
        let members = if kind == Kind::Headless { members(slices, addresses) } else { Vec::new() };
        Self { namespace, name, kind, ports, sticky: spec.session_affinity.as_deref() == Some("ClientIP"), members }
    }

    /// The members that are told to who asks for the Service.
    pub(super) fn present(&self) -> impl Iterator<Item = &Member> {
        let any_ready = self.members.iter().any(|it| it.state == State::Ready);
        let wanted = if any_ready { State::Ready } else { State::Leaving };
        self.members.iter().filter(move |it| it.state == wanted)
    }

    /// The addresses on which its callers' sockets stand.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let Kind::Address(address) = self.kind else { return Vec::new() };
        self.ports.iter().filter(|it| it.is_tcp).map(|it| SocketAddr::new(address, it.port)).collect()
    }
}

impl PortView {
    fn draw(port: &ServicePort, slices: &[&EndpointSlice]) -> Option<Self> {
        let name = port.name.clone().unwrap_or_default();
        let mut endpoints: Vec<EndpointView> = slices.iter().flat_map(|it| endpoints_of(it, &name)).collect();
        endpoints.sort();
        // One endpoint may be in two slices for a moment: its best state counts.
        endpoints.dedup_by(|later, first| later.address == first.address);
        let is_tcp = port.protocol.as_deref().unwrap_or("TCP") == "TCP";
        Some(Self { name, port: u16::try_from(port.port).ok()?, is_tcp, endpoints })
    }
}

fn endpoints_of(slice: &EndpointSlice, port: &str) -> Vec<EndpointView> {
    let number = slice.ports.iter().flatten().find(|it| it.name.as_deref().unwrap_or_default() == port);
    let Some(number) = number.and_then(|it| it.port).and_then(|it| u16::try_from(it).ok()) else { return Vec::new() };
    let each = slice.endpoints.iter().filter_map(|endpoint| {
        let address = endpoint.addresses.first()?.parse::<IpAddr>().ok()?;
        Some(EndpointView { address: SocketAddr::new(address, number), state: state_of(endpoint) })
    });
    each.collect()
}

fn state_of(endpoint: &Endpoint) -> State {
    let conditions = endpoint.conditions.clone().unwrap_or_default();
    let ready = conditions.ready.unwrap_or(true);
    let leaving = conditions.serving.unwrap_or(ready) && conditions.terminating.unwrap_or(false);
    match (ready, leaving) {
        (true, _) => State::Ready,
        (false, true) => State::Leaving,
        (false, false) => State::Unready,
    }
}

/// The pods behind a headless Service, each once, whatever the slices that it is in.
fn members(slices: &[&EndpointSlice], addresses: &HashMap<IpAddr, (String, BTreeSet<u16>)>) -> Vec<Member> {
    let mut found: BTreeMap<IpAddr, Member> = BTreeMap::new();
    for slice in slices {
        let tcp = slice.ports.iter().flatten().filter(|it| it.protocol.as_deref().unwrap_or("TCP") == "TCP");
        let ports: BTreeSet<u16> = tcp.filter_map(|it| u16::try_from(it.port?).ok()).collect();
        for endpoint in &slice.endpoints {
            let Some(address) = endpoint.addresses.first().and_then(|it| it.parse::<IpAddr>().ok()) else { continue };
            let state = state_of(endpoint);
            let host = endpoint.hostname.clone().unwrap_or_else(|| host_of(address)).to_ascii_lowercase();
            let known = found.entry(address).or_insert(Member { address, host, state, ports: BTreeSet::new() });
            known.state = known.state.min(state);
            known.ports.extend(&ports);
        }
    }
    for member in found.values_mut() {
        member.ports.extend(addresses.get(&member.address).iter().flat_map(|it| &it.1));
    }
    found.into_values().collect()
}

/// What an address is called where nobody gave it a name.
pub(super) fn host_of(address: IpAddr) -> String {
    address.to_string().replace(['.', ':'], "-")
}

/// The address of a pod, and what it declares.
fn declared(pod: &Pod) -> Option<(IpAddr, (String, BTreeSet<u16>))> {
    let status = pod.status.as_ref()?;
    // The address of a pod that has ended may be another's by now.
    if matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
        return None;
    }
    let address = status.pod_ip.as_ref()?.parse().ok()?;
    let containers = pod.spec.iter().flat_map(|it| &it.containers).flat_map(|it| it.ports.iter().flatten());
    let tcp = containers.filter(|it| it.protocol.as_deref().unwrap_or("TCP") == "TCP");
    let ports = tcp.filter_map(|it| u16::try_from(it.container_port).ok()).collect();
    Some((address, (pod.namespace().unwrap_or_default(), ports)))
}

#[cfg(test)]
mod tests;
