//! The routing table: which rule a request meets. Compiled from routes as pure data, immutable, replaced as a whole.
//!
//! Precedence is the Gateway API's: the most specific hostname first (exact, then the longest wildcard, then none); within
//! it exact paths, longer prefixes, a method, more headers, more query parameters, the older route, the first name, the
//! first rule. A request that meets no rule of a more specific hostname is offered to the less specific ones.

mod compile;
mod filter;
mod matcher;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[cfg(test)]
pub(crate) use compile::Attachment;
pub(crate) use compile::{Facts, Problem, Verdict, compile};
pub(crate) use filter::Filters;
use matcher::{Matcher, Rank};

use crate::backends::BackendKey;

/// All rules by hostname.
#[derive(Debug, Default)]
pub(crate) struct Table {
    exact: HashMap<String, Vec<Entry>>,
    /// By what follows the `*`, with its dot.
    wildcard: HashMap<String, Vec<Entry>>,
    any: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    rank: Rank,
    matcher: Matcher,
    rule: Arc<Rule>,
}

/// What the table says about a request.
pub(crate) enum Found<'a> {
    /// This rule.
    Rule(&'a Arc<Rule>),
    /// The host is served, but by no rule that this request meets.
    NoRule,
    /// Nobody serves the host.
    NoHost,
}

/// What happens to the requests that meet one rule.
#[derive(Debug)]
pub(crate) struct Rule {
    /// `namespace/name` of the route.
    pub(crate) route: String,
    pub(crate) filters: Filters,
    /// For a whole exchange.
    pub(crate) request_timeout: Option<Duration>,
    /// For the answer of one endpoint.
    pub(crate) backend_timeout: Option<Duration>,
    targets: Vec<Target>,
    total: u64,
    /// Coprime to `total`, near its golden section: consecutive turns land far apart and every `total` turns are exact.
    step: u64,
    turn: AtomicU64,
}

#[derive(Debug)]
struct Target {
    /// `None` stands for a reference that cannot be resolved: its share of requests is answered with an error.
    backend: Option<BackendKey>,
    weight: u64,
}

impl Rule {
    /// The backend whose turn it is; `None` if that reference cannot be resolved or the rule has none.
    pub(crate) fn next_backend(&self) -> Option<&BackendKey> {
        if self.total == 0 {
            return None;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.total;
        let mut place = turn * self.step % self.total;
        for target in &self.targets {
            if place < target.weight {
                return target.backend.as_ref();
            }
            place -= target.weight;
        }
        None
    }
}

impl Table {
    /// The rule for a request to `host` (lower case, without port).
    pub(crate) fn find(&self, host: &str, parts: &http::request::Parts) -> Found<'_> {
        let mut seen = false;
        let dots = host.match_indices('.').map(|(at, _)| &host[at..]);
        let wildcards = dots.filter_map(|suffix| self.wildcard.get(suffix));
        let groups =
            self.exact.get(host).into_iter().chain(wildcards).chain(Some(&self.any).filter(|it| !it.is_empty()));
        for entries in groups {
            seen = true;
            if let Some(entry) = entries.iter().find(|it| it.matcher.meets(parts)) {
                return Found::Rule(&entry.rule);
            }
        }
        if seen { Found::NoRule } else { Found::NoHost }
    }

    fn insert(&mut self, hostname: Option<&str>, entry: Entry) {
        match hostname {
            None => self.any.push(entry),
            Some(name) => match name.strip_prefix('*') {
                Some(suffix) => self.wildcard.entry(suffix.into()).or_default().push(entry),
                None => self.exact.entry(name.into()).or_default().push(entry),
            },
        }
    }

    /// Lets every rule begin its turns anywhere, so that frequent changes of the table favour no backend.
    pub(crate) fn shuffle(&self, world: &fairway_clock::World) {
        let mut seed = [0; 8];
        world.entropy.fill(&mut seed);
        let seed = u64::from_le_bytes(seed) >> 1;
        for it in self.exact.values().chain(self.wildcard.values()).flatten().chain(&self.any) {
            it.rule.turn.store(seed, Ordering::Relaxed);
        }
    }

    fn sort(&mut self) {
        let lists = self.exact.values_mut().chain(self.wildcard.values_mut()).chain([&mut self.any]);
        lists.for_each(|it| it.sort_by(|a, b| a.rank.cmp(&b.rank)));
    }

    /// The table in the order in which it is asked, one line per entry.
    #[cfg(test)]
    pub(crate) fn describe(&self) -> Vec<String> {
        let named = |prefix: &'static str, map: &HashMap<String, Vec<Entry>>| {
            let mut names: Vec<_> = map.keys().cloned().collect();
            names.sort_by_key(|it| (std::cmp::Reverse(it.len()), it.clone()));
            names.into_iter().map(move |it| (format!("{prefix}{it}"), it)).collect::<Vec<_>>()
        };
        let mut lines = Vec::new();
        let mut push = |host: &str, entries: &[Entry]| {
            for it in entries {
                let targets = it.rule.targets.iter().map(|t| match &t.backend {
                    Some(key) => format!("{key}*{}", t.weight),
                    None => format!("unresolved*{}", t.weight),
                });
                let targets = targets.collect::<Vec<_>>().join(" ");
                lines.push(format!("{host} {} -> {} [{targets}]", it.matcher, it.rule.route));
            }
        };
        for (shown, key) in named("", &self.exact) {
            push(&shown, &self.exact[&key]);
        }
        for (shown, key) in named("*", &self.wildcard) {
            push(&shown, &self.wildcard[&key]);
        }
        push("any", &self.any);
        lines
    }
}

#[cfg(test)]
mod tests;
