//! The cluster's objects as last heard of, and what follows from a change of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::runtime::watcher::Event;

use super::NamespaceLabels;
use crate::backends::BackendKey;
use crate::gateway::Named;
use crate::proxy::Proxy;
use crate::route::{self, Listener, Route};
use crate::table::{Facts, Verdict, compile};

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// One event of one watch.
#[expect(clippy::large_enum_variant, reason = "each is taken in at once, none is kept")]
pub(crate) enum Change {
    Route(Event<DynamicObject>),
    Gateway(Event<DynamicObject>),
    Service(Event<Service>),
    Slice(Event<EndpointSlice>),
    Namespace(Labels),
}

/// One event of the namespaces' watch.
pub(crate) enum Labels {
    One((String, BTreeMap<String, String>)),
    Listed((String, BTreeMap<String, String>)),
    Gone(String),
    Start,
    End,
}

/// Namespace and name.
type Id = (String, String);

fn id(object: &impl ResourceExt) -> Id {
    (object.namespace().unwrap_or_default(), object.name_any())
}

/// All objects of one kind.
struct Kept<T> {
    objects: BTreeMap<Id, Arc<T>>,
    listing: BTreeMap<Id, Arc<T>>,
    listed: bool,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), listing: BTreeMap::new(), listed: false }
    }
}

impl<T> Kept<T> {
    /// Takes an event in; calls `touched` with what was and what is for each object that may have changed.
    fn apply<K: ResourceExt>(
        &mut self,
        event: Event<K>,
        read: impl Fn(K) -> T,
        mut touched: impl FnMut(&Id, Option<&T>, Option<&T>),
    ) {
        match event {
            Event::Apply(object) => {
                let id = id(&object);
                let now = Arc::new(read(object));
                let before = self.objects.insert(id.clone(), now.clone());
                touched(&id, before.as_deref(), Some(&now));
            }
            Event::Delete(object) => {
                let id = id(&object);
                let before = self.objects.remove(&id);
                touched(&id, before.as_deref(), None);
            }
            Event::Init => self.listing.clear(),
            Event::InitApply(object) => {
                self.listing.insert(id(&object), Arc::new(read(object)));
            }
            Event::InitDone => {
                let before = std::mem::replace(&mut self.objects, std::mem::take(&mut self.listing));
                self.listed = true;
                for (id, was) in &before {
                    touched(id, Some(was), self.objects.get(id).map(AsRef::as_ref));
                }
                for (id, now) in self.objects.iter().filter(|(id, _)| !before.contains_key(id)) {
                    touched(id, None, Some(now));
                }
            }
        }
    }

    fn in_namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Arc<T>> {
        let from = (namespace.to_owned(), String::new());
        self.objects.range(from..).take_while(move |((it, _), _)| it == namespace).map(|(_, it)| it)
    }
}

/// All objects that matter, and what has to be done anew.
pub(crate) struct Cluster {
    gateway: Named,
    controller: String,
    routes: Kept<Route>,
    gateways: Kept<DynamicObject>,
    services: Kept<Service>,
    slices: Kept<EndpointSlice>,
    namespaces: NamespaceLabels,
    listing: NamespaceLabels,
    namespaces_listed: bool,
    stale_services: BTreeSet<Id>,
    stale_table: bool,
    stale_verdicts: bool,
}

impl Cluster {
    pub(crate) fn new(gateway: Named, controller: String) -> Self {
        Self {
            gateway,
            controller,
            routes: Kept::default(),
            gateways: Kept::default(),
            services: Kept::default(),
            slices: Kept::default(),
            namespaces: BTreeMap::new(),
            listing: BTreeMap::new(),
            namespaces_listed: false,
            stale_services: BTreeSet::new(),
            stale_table: true,
            stale_verdicts: true,
        }
    }

    /// Takes a change in and notes what follows.
    pub(crate) fn apply(&mut self, change: Change) {
        let (table, verdicts, services) = (&mut self.stale_table, &mut self.stale_verdicts, &mut self.stale_services);
        match change {
            Change::Route(event) => self.routes.apply(
                event,
                |it| Route::read(&it),
                |_, was, now| {
                    *verdicts = true;
                    // Our own write of a status is no reason to begin all turns anew.
                    let same =
                        was.zip(now).is_some_and(|(was, now)| was.generation == now.generation && now.generation > 0);
                    *table |= !same;
                },
            ),
            Change::Gateway(event) => self.gateways.apply(event, |it| it, |_, _, _| *table = true),
            Change::Service(event) => self.services.apply(
                event,
                |it| it,
                |id, was, now| {
                    services.insert(id.clone());
                    let ports =
                        |it: Option<&Service>| it.and_then(|it| it.spec.as_ref()).and_then(|it| it.ports.clone());
                    *table |= was.is_some() != now.is_some() || ports(was) != ports(now);
                },
            ),
            Change::Slice(event) => self.slices.apply(
                event,
                |it| it,
                |_, was, now| {
                    services.extend(was.into_iter().chain(now).filter_map(service_of));
                },
            ),
            Change::Namespace(event) => {
                *table |= !matches!(event, Labels::Start | Labels::Listed(_));
                self.apply_labels(event);
            }
        }
    }

    /// Namespaces are known and there are none.
    #[cfg(test)]
    pub(crate) fn no_namespaces(&mut self) {
        self.apply_labels(Labels::End);
    }

    fn apply_labels(&mut self, event: Labels) {
        match event {
            Labels::One((name, labels)) => drop(self.namespaces.insert(name, labels)),
            Labels::Listed((name, labels)) => drop(self.listing.insert(name, labels)),
            Labels::Gone(name) => drop(self.namespaces.remove(&name)),
            Labels::Start => self.listing.clear(),
            Labels::End => {
                self.namespaces = std::mem::take(&mut self.listing);
                self.namespaces_listed = true;
            }
        }
    }

    /// Puts what changed into effect; verdicts come back when routes have to hear of it.
    pub(crate) fn publish(&mut self, proxy: &Proxy) -> Option<Vec<Verdict>> {
        // Half a picture would take endpoints from running services.
        if !(self.services.listed && self.slices.listed) {
            return None;
        }
        for (namespace, name) in std::mem::take(&mut self.stale_services) {
            let service = self.services.objects.get(&(namespace.clone(), name.clone()));
            let of_it = |it: &&Arc<EndpointSlice>| service_of(it).is_some_and(|(_, service)| service == name);
            let slices: Vec<_> = self.slices.in_namespace(&namespace).filter(of_it).cloned().collect();
            proxy.backends.update(&namespace, &name, service.map(AsRef::as_ref), &slices);
        }
        let complete = self.routes.listed && self.gateways.listed && self.namespaces_listed;
        if !complete || !(self.stale_table || self.stale_verdicts) {
            return None;
        }
        let replace = std::mem::take(&mut self.stale_table);
        self.stale_verdicts = false;
        let (table, verdicts) = self.compile();
        if replace {
            table.shuffle(&proxy.world);
            proxy.replace_table(table);
            let known = |name: &str| {
                name.split_once('/').is_some_and(|(a, b)| self.routes.objects.contains_key(&(a.into(), b.into())))
            };
            proxy.metrics.retain(known);
        }
        proxy.ready.store(true, Ordering::Release);
        Some(verdicts)
    }

    fn compile(&self) -> (crate::table::Table, Vec<Verdict>) {
        let routes: Vec<Route> = self.routes.objects.values().map(|it| (**it).clone()).collect();
        let has_port = |key: &BackendKey| {
            let service = self.services.objects.get(&(key.namespace.clone(), key.service.clone()));
            let ports = service.and_then(|it| it.spec.as_ref()).and_then(|it| it.ports.as_deref()).unwrap_or_default();
            ports.iter().any(|it| it.port == i32::from(key.port))
        };
        let listeners = self.listeners();
        let facts = Facts {
            gateway: &self.gateway,
            controller: &self.controller,
            listeners: &listeners,
            namespaces: &self.namespaces,
            has_port: &has_port,
        };
        compile(&routes, &facts)
    }

    /// The listeners of our Gateway; none if there is no such object.
    fn listeners(&self) -> Vec<Listener> {
        let Some(object) = self.gateways.objects.get(&(self.gateway.namespace.clone(), self.gateway.name.clone()))
        else {
            tracing::warn!(gateway = %self.gateway, "there is no such Gateway object: no route is served");
            return Vec::new();
        };
        route::listeners(object).unwrap_or_else(|why| {
            tracing::warn!(gateway = %self.gateway, error = %why, "its listeners cannot be read: no route is served");
            Vec::new()
        })
    }
}

fn service_of(slice: &EndpointSlice) -> Option<Id> {
    let service = slice.metadata.labels.as_ref()?.get(SERVICE_NAME)?;
    Some((slice.namespace().unwrap_or_default(), service.clone()))
}

#[cfg(test)]
mod tests;
