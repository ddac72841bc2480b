//! What passed through: per route the requests by status class and how long they took, kept in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Upper bounds of the latency buckets in milliseconds; one more bucket takes what is slower.
pub const BUCKETS_MS: [u64; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 30_000];

/// What one route has seen since the gateway started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteMetrics {
    /// `namespace/name`; empty for requests that met no route.
    pub route: String,
    /// Requests that ended.
    pub requests: u64,
    /// Answers of the classes 1xx to 5xx.
    pub by_class: [u64; 5],
    /// Answers that took at most as long as the bound of [`BUCKETS_MS`], not cumulated; the last one takes the rest.
    pub latency: [u64; BUCKETS_MS.len() + 1],
    /// Sum of all durations in microseconds, from the end of the request's header to the end of the answer.
    pub total_us: u64,
    /// Answers that broke off before their end.
    pub aborted: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    by_class: [AtomicU64; 5],
    latency: [AtomicU64; BUCKETS_MS.len() + 1],
    total_us: AtomicU64,
    aborted: AtomicU64,
}

impl Counters {
    pub(crate) fn count(&self, status: http::StatusCode, took: Duration, complete: bool) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.by_class[class].fetch_add(1, Ordering::Relaxed);
        let millis = took.as_millis();
        let bucket = BUCKETS_MS.iter().position(|it| millis < u128::from(*it)).unwrap_or(BUCKETS_MS.len());
        self.latency[bucket].fetch_add(1, Ordering::Relaxed);
        self.total_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.aborted.fetch_add(u64::from(!complete), Ordering::Relaxed);
    }

    fn read(&self, route: &str) -> RouteMetrics {
        let by_class = std::array::from_fn(|it| self.by_class[it].load(Ordering::Relaxed));
        RouteMetrics {
            route: route.to_owned(),
            requests: by_class.iter().sum(),
            by_class,
            latency: std::array::from_fn(|it| self.latency[it].load(Ordering::Relaxed)),
            total_us: self.total_us.load(Ordering::Relaxed),
            aborted: self.aborted.load(Ordering::Relaxed),
        }
    }
}

/// The counters of all routes.
#[derive(Default)]
pub(crate) struct Metrics {
    routes: RwLock<BTreeMap<String, Arc<Counters>>>,
}

impl Metrics {
    /// The counters of a route (`""` for requests that met none).
    pub(crate) fn of(&self, route: &str) -> Arc<Counters> {
        if let Some(known) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route) {
            return known.clone();
        }
        self.routes.write().unwrap_or_else(PoisonError::into_inner).entry(route.to_owned()).or_default().clone()
    }

    /// Forgets routes that are gone.
    pub(crate) fn retain(&self, stays: impl Fn(&str) -> bool) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.retain(|name, _| name.is_empty() || stays(name));
    }

    pub(crate) fn snapshot(&self) -> Vec<RouteMetrics> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.iter().map(|(name, it)| it.read(name)).collect()
    }
}

#[cfg(test)]
mod tests;
