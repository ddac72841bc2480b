//! Which endpoints stand behind each port of each Service, and which one a request gets.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::endpoint::{Endpoint, EndpointKey};

/// One port of one Service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BackendKey {
    pub(crate) namespace: String,
    pub(crate) service: String,
    pub(crate) port: u16,
}

impl std::fmt::Display for BackendKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}:{}", self.namespace, self.service, self.port)
    }
}

/// The endpoints of `port` of `service` that take new requests: the ready ones, or, when there is none, those that are
/// on their way out but still serve. Sorted, each once.
pub(crate) fn select(service: &Service, port: u16, slices: &[Arc<EndpointSlice>]) -> Vec<EndpointKey> {
    let ports = service.spec.as_ref().and_then(|it| it.ports.as_deref()).unwrap_or_default();
    let Some(wanted) = ports.iter().find(|it| it.port == i32::from(port)) else { return Vec::new() };
    let name = wanted.name.as_deref().unwrap_or_default();
    let (mut ready, mut leaving) = (Vec::new(), Vec::new());
    for slice in slices.iter().filter(|it| it.address_type != "FQDN") {
        let number = slice.ports.iter().flatten().find(|it| it.name.as_deref().unwrap_or_default() == name);
        let Some(number) = number.and_then(|it| it.port).and_then(|it| u16::try_from(it).ok()) else { continue };
        for endpoint in &slice.endpoints {
            let conditions = endpoint.conditions.clone().unwrap_or_default();
            let is_ready = conditions.ready.unwrap_or(true);
            let still_serves = conditions.serving.unwrap_or(is_ready) && conditions.terminating.unwrap_or(false);
            let into = match (is_ready, still_serves) {
                (true, _) => &mut ready,
                (false, true) => &mut leaving,
                (false, false) => continue,
            };
            // Addresses of one endpoint are alternatives: consumers use the first.
            let address = endpoint.addresses.first().and_then(|it| it.parse::<IpAddr>().ok());
            let target = endpoint.target_ref.as_ref().and_then(|it| it.uid.clone());
            into.extend(address.map(|it| EndpointKey { address: SocketAddr::new(it, number), target }));
        }
    }
    let mut chosen = if ready.is_empty() { leaving } else { ready };
    chosen.sort();
    chosen.dedup();
    chosen
}

/// The endpoints of one backend.
#[derive(Debug, Default)]
pub(crate) struct EndpointSet {
    endpoints: Vec<Arc<Endpoint>>,
    next: AtomicUsize,
}

impl EndpointSet {
    /// The set for `keys`, keeping the endpoints that stay and retiring those that leave.
    fn renew(old: Option<&EndpointSet>, keys: Vec<EndpointKey>) -> Self {
        let before = old.map(|it| it.endpoints.as_slice()).unwrap_or_default();
        for gone in before.iter().filter(|it| !keys.contains(&it.key)) {
            gone.retire();
        }
        let next = old.map(|it| it.next.load(Ordering::Relaxed)).unwrap_or_default();
        let endpoints = keys.into_iter().map(|key| match before.iter().find(|it| it.key == key) {
            Some(same) => {
                same.revive();
                same.clone()
            }
            None => Arc::new(Endpoint::new(key)),
        });
        Self { endpoints: endpoints.collect(), next: AtomicUsize::new(next) }
    }

    /// The next endpoint in turn, or the one after it if that has fewer requests on their way. Those in `tried` are left
    /// out, those that could not be reached a moment ago come last.
    pub(crate) fn pick(&self, tried: &[EndpointKey], now: Duration) -> Option<Arc<Endpoint>> {
        let count = self.endpoints.len();
        let start = if count == 0 { return None } else { self.next.fetch_add(1, Ordering::Relaxed) };
        let in_turn = || (0..count).map(|it| &self.endpoints[start.wrapping_add(it) % count]);
        let mut good = in_turn().filter(|it| !it.is_suspect(now) && !tried.contains(&it.key));
        match (good.next(), good.next()) {
            (Some(first), Some(second)) if second.in_flight() < first.in_flight() => Some(second.clone()),
            (Some(first), _) => Some(first.clone()),
            (None, _) => in_turn().find(|it| !tried.contains(&it.key)).cloned(),
        }
    }

    #[cfg(test)]
    pub(crate) fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }
}

type Sets = HashMap<BackendKey, Arc<EndpointSet>>;

/// All backends; readers take a snapshot, the watch replaces what changed.
#[derive(Default)]
pub(crate) struct Backends {
    sets: RwLock<Arc<Sets>>,
}

impl Backends {
    /// The endpoints of a backend; `None` if there is no such Service or port.
    pub(crate) fn get(&self, key: &BackendKey) -> Option<Arc<EndpointSet>> {
        self.sets.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Makes the backends of one Service what `service` and `slices` say; no Service, no backends.
    pub(crate) fn update(&self, namespace: &str, name: &str, service: Option<&Service>, slices: &[Arc<EndpointSlice>]) {
        let ports = service.and_then(|it| it.spec.as_ref()).and_then(|it| it.ports.as_deref()).unwrap_or_default();
        let wanted: BTreeMap<u16, Vec<EndpointKey>> = ports
            .iter()
            .filter_map(|it| u16::try_from(it.port).ok())
            .filter_map(|port| Some((port, select(service?, port, slices))))
            .collect();
        let mut guard = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        let mut sets = (**guard).clone();
        let is_of_this = |key: &BackendKey| key.namespace == namespace && key.service == name;
        sets.retain(|key, set| {
            let stays = !is_of_this(key) || wanted.contains_key(&key.port);
            if !stays {
                EndpointSet::renew(Some(set), Vec::new());
            }
            stays
        });
        for (port, keys) in wanted {
            let key = BackendKey { namespace: namespace.into(), service: name.into(), port };
            let set = EndpointSet::renew(sets.get(&key).map(AsRef::as_ref), keys);
            sets.insert(key, Arc::new(set));
        }
        *guard = Arc::new(sets);
    }
}

#[cfg(test)]
mod tests;
