//! What one pod may reach outside: the list of its namespace, which its own can only narrow.

use std::collections::BTreeSet;

use fairway_outside::Destinations;

use super::ANNOTATION;

/// Destinations that a refusal names.
const SHOWN: usize = 6;

/// What one pod may reach.
#[derive(Debug, Clone, Copy)]
pub(in crate::network) struct Permit<'a> {
    pub(in crate::network) namespace: &'a str,
    /// Nothing: the namespace may reach nothing.
    pub(in crate::network) of_namespace: Option<&'a Destinations>,
    /// Nothing: the pod may reach what its namespace may.
    pub(in crate::network) of_pod: Option<&'a Destinations>,
}

impl Permit<'_> {
    pub(in crate::network) fn has(&self, host: &str, port: u16) -> bool {
        self.of_namespace.is_some_and(|it| it.has(host, port)) && self.of_pod.is_none_or(|it| it.has(host, port))
    }

    /// The ports of a host that it may reach.
    pub(in crate::network) fn ports(&self, host: &str) -> BTreeSet<u16> {
        let mut ports = self.of_namespace.map(|it| it.ports(host)).unwrap_or_default();
        ports.retain(|it| self.of_pod.is_none_or(|narrowed| narrowed.has(host, *it)));
        ports
    }

    /// Why it may not reach a host, at a port or at all, and who can change that.
    pub(in crate::network) fn why_not(&self, host: &str, port: Option<u16>, advice: Option<&str>) -> String {
        let namespace = self.namespace;
        let allows = |it: &Destinations| port.map_or(!it.ports(host).is_empty(), |port| it.has(host, port));
        if self.of_namespace.is_some_and(allows) {
            return format!("the pod's own annotation {ANNOTATION} leaves it out");
        }
        let usual = format!("add host:port to annotation {ANNOTATION} of namespace {namespace}");
        let advice = advice.unwrap_or(&usual);
        let listed = self.of_namespace.filter(|it| !it.is_empty()).map(shown);
        let may = listed.map_or("nothing".to_owned(), |it| it);
        format!("pods of namespace {namespace} may reach {may}; to allow it, {advice}")
    }

    /// What of both lists could not be read, as sentences.
    pub(in crate::network) fn unreadable(&self) -> Vec<String> {
        let lists = [(self.of_namespace, "the namespace"), (self.of_pod, "the pod")];
        let of = |(list, whose): (Option<&Destinations>, &str)| {
            let told = |it: &String| format!("annotation {ANNOTATION} of {whose}: {it}; this entry allows nothing");
            list.into_iter().flat_map(Destinations::unreadable).map(told).collect::<Vec<_>>()
        };
        lists.into_iter().flat_map(of).collect()
    }
}

/// The beginning of a list.
fn shown(list: &Destinations) -> String {
    let all = list.to_string();
    let all: Vec<&str> = all.split(',').collect();
    let first = all[..all.len().min(SHOWN)].join(", ");
    if all.len() > SHOWN { format!("{first} and {} more", all.len() - SHOWN) } else { first }
}

#[cfg(test)]
mod tests;
