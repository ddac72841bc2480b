//! From routes, listeners and the Services that exist to a table and a verdict on each route.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::filter::Filters;
use super::matcher::{Matcher, Rank};
use super::{Entry, Rule, Table, Target};
use crate::backends::BackendKey;
use crate::gateway::Named;
use crate::route::{BackendRef, GROUP, Listener, ParentRef, Route, RouteMatch, RouteRule, RouteSpec};

/// The heaviest total of one rule's weights; larger ones are scaled down.
const MAX_TOTAL: u64 = 1 << 31;

/// What compiling needs to know besides the routes.
pub(crate) struct Facts<'a> {
    /// The gateway that the table is for.
    pub(crate) gateway: &'a Named,
    /// Our name in the status of routes.
    pub(crate) controller: &'a str,
    /// Its listeners that speak HTTP.
    pub(crate) listeners: &'a [Listener],
    /// Labels of the namespaces, for listeners that select by them.
    pub(crate) namespaces: &'a BTreeMap<String, BTreeMap<String, String>>,
    /// Whether a Service has this port.
    pub(crate) has_port: &'a dyn Fn(&BackendKey) -> bool,
}

/// What became of one route.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) generation: i64,
    /// One per reference to our gateway, in the route's order.
    pub(crate) attachments: Vec<Attachment>,
    /// Why a backend reference does not resolve.
    pub(crate) unresolved: Option<Problem>,
    /// `status.parents` as stored.
    pub(crate) stored: Vec<serde_json::Value>,
}

/// What became of one reference from a route to our gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attachment {
    pub(crate) parent: ParentRef,
    pub(crate) refused: Option<Problem>,
}

/// A reason of the Gateway API and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

fn problem(reason: &'static str, message: impl Into<String>) -> Problem {
    Problem { reason, message: message.into() }
}

/// Compiles all routes. A route that cannot be read harms itself alone.
pub(crate) fn compile(routes: &[Route], facts: &Facts<'_>) -> (Table, Vec<Verdict>) {
    let mut table = Table::default();
    let verdicts = routes.iter().filter_map(|it| attach(it, facts, &mut table)).collect();
    table.sort();
    (table, verdicts)
}

/// Adds one route to the table; `None` if it is no business of ours.
fn attach(route: &Route, facts: &Facts<'_>, table: &mut Table) -> Option<Verdict> {
    let nothing = RouteSpec::default();
    let spec = route.spec.as_ref().unwrap_or(&nothing);
    let ours = |it: &&ParentRef| {
        let namespace = it.namespace.as_deref().unwrap_or(&route.namespace);
        it.group.as_deref().unwrap_or(GROUP) == GROUP
            && it.kind.as_deref().unwrap_or("Gateway") == "Gateway"
            && namespace == facts.gateway.namespace
            && it.name == facts.gateway.name
    };
    let mut verdict = Verdict {
        namespace: route.namespace.clone(),
        name: route.name.clone(),
        generation: route.generation,
        attachments: Vec::new(),
        unresolved: None,
        stored: route.parents.clone(),
    };
    let rules = Rules::read(route, spec, facts);
    verdict.unresolved = rules.unresolved;
    let mut hostnames: Vec<Option<String>> = Vec::new();
    for parent in spec.parent_refs.iter().filter(ours) {
        let names = hostnames_at(parent, route, spec, facts);
        let refused = names.as_ref().err().or(rules.unsupported.as_ref()).cloned();
        hostnames.extend(names.into_iter().flatten());
        verdict.attachments.push(Attachment { parent: parent.clone(), refused });
    }
    let mentioned = || route.parents.iter().any(|it| it["controllerName"] == facts.controller);
    if verdict.attachments.is_empty() {
        // A route that left us loses what we said about it.
        return mentioned().then_some(verdict);
    }
    hostnames.sort();
    hostnames.dedup();
    // A rule left out could let its requests fall through to a weaker one: a route is served whole or not at all.
    let served = if rules.unsupported.is_none() { hostnames.as_slice() } else { &[] };
    for hostname in served {
        rules.entries.iter().for_each(|it| table.insert(hostname.as_deref(), it.clone()));
    }
    Some(verdict)
}

/// The hostnames under which a route is served through the listeners that `parent` means; `None` is any host.
fn hostnames_at(
    parent: &ParentRef,
    route: &Route,
    spec: &RouteSpec,
    facts: &Facts<'_>,
) -> Result<Vec<Option<String>>, Problem> {
    let meant = |it: &&Listener| {
        parent.section_name.as_ref().is_none_or(|name| *name == it.name)
            && parent.port.is_none_or(|port| port == it.port)
    };
    let meant: Vec<&Listener> = facts.listeners.iter().filter(meant).collect();
    if meant.is_empty() {
        let gateway = facts.gateway;
        return Err(problem(
            "NoMatchingParent",
            format!("Gateway {gateway} has no HTTP listener that this reference names"),
        ));
    }
    let open: Vec<_> = meant.into_iter().filter(|it| allows(it, &route.namespace, facts)).collect();
    if open.is_empty() {
        let message =
            format!("no listener of Gateway {} admits routes of namespace {}", facts.gateway, route.namespace);
        return Err(problem("NotAllowedByListeners", message));
    }
    let names: Vec<_> = open.iter().flat_map(|it| intersect(it.hostname.as_deref(), &spec.hostnames)).collect();
    if names.is_empty() {
        return Err(problem("NoMatchingListenerHostname", "no hostname of the route fits a listener's hostname"));
    }
    Ok(names)
}

fn allows(listener: &Listener, namespace: &str, facts: &Facts<'_>) -> bool {
    match listener.allowed_routes.namespaces.from.as_deref().unwrap_or("Same") {
        "All" => true,
        "Same" => namespace == facts.gateway.namespace,
        "Selector" => {
            let labels = facts.namespaces.get(namespace);
            listener.allowed_routes.namespaces.selector.as_ref().is_some_and(|it| selects(it, labels))
        }
        _ => false,
    }
}

/// Whether a label selector holds; one that cannot be read holds for nobody.
fn selects(selector: &serde_json::Value, labels: Option<&BTreeMap<String, String>>) -> bool {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
    let Ok(selector) = serde_json::from_value::<LabelSelector>(selector.clone()) else { return false };
    let Ok(selector) = kube::core::Selector::try_from(selector) else { return false };
    kube::core::SelectorExt::matches(&selector, labels.unwrap_or(&BTreeMap::new()))
}

/// The route's hostnames narrowed to a listener's.
fn intersect(listener: Option<&str>, route: &[String]) -> Vec<Option<String>> {
    let lower = |it: &str| it.to_ascii_lowercase();
    let Some(listener) = listener.filter(|it| !it.is_empty()).map(lower) else {
        let all: Vec<_> = route.iter().map(|it| Some(lower(it))).collect();
        return if all.is_empty() { vec![None] } else { all };
    };
    if route.is_empty() {
        return vec![Some(listener)];
    }
    let narrowed = route.iter().map(|it| lower(it)).filter_map(|name| {
        let under = |wide: &str, narrow: &str| {
            wide.strip_prefix('*').is_some_and(|it| narrow.trim_start_matches('*').ends_with(it))
        };
        match () {
            () if name == listener || under(&listener, &name) => Some(name),
            () if under(&name, &listener) => Some(listener.clone()),
            () => None,
        }
    });
    narrowed.map(Some).collect()
}

/// The rules of a route, compiled once for all its hostnames.
struct Rules {
    entries: Vec<Entry>,
    unsupported: Option<Problem>,
    unresolved: Option<Problem>,
}

impl Rules {
    fn read(route: &Route, spec: &RouteSpec, facts: &Facts<'_>) -> Self {
        let mut rules = Self { entries: Vec::new(), unsupported: None, unresolved: None };
        if let Err(why) = &route.spec {
            rules.unsupported = Some(problem("UnsupportedValue", format!("spec cannot be read: {why}")));
        }
        for (index, rule) in spec.rules.iter().enumerate() {
            match read_rule(route, rule, index, facts) {
                Ok((entries, unresolved)) => {
                    rules.entries.extend(entries);
                    rules.unresolved = rules.unresolved.or(unresolved);
                }
                Err(why) => {
                    let why = problem("UnsupportedValue", format!("spec.rules[{index}]: {why}"));
                    rules.unsupported.get_or_insert(why);
                }
            }
        }
        rules
    }
}

fn read_rule(
    route: &Route,
    from: &RouteRule,
    index: usize,
    facts: &Facts<'_>,
) -> Result<(Vec<Entry>, Option<Problem>), String> {
    let mut unresolved = None;
    let mut targets = Vec::new();
    for reference in &from.backend_refs {
        if !reference.filters.is_empty() {
            return Err("filters of a single backendRef are not supported".into());
        }
        let backend = resolve(route, reference, facts).map_err(|why| unresolved.get_or_insert(why).clone()).ok();
        targets.push(Target { backend, weight: u64::from(reference.weight.unwrap_or(1)) });
    }
    let timeouts = from.timeouts.clone().unwrap_or_default();
    let name = format!("{}/{}", route.namespace, route.name);
    let (total, step) = turns(&mut targets);
    let rule = Arc::new(Rule {
        route: name.clone(),
        filters: Filters::read(&from.filters)?,
        request_timeout: timeouts.request.as_deref().map(duration).transpose()?.flatten(),
        backend_timeout: timeouts.backend_request.as_deref().map(duration).transpose()?.flatten(),
        targets,
        total,
        step,
        turn: AtomicU64::new(0),
    });
    let any = [RouteMatch::default()];
    let matches = if from.matches.is_empty() { &any[..] } else { &from.matches };
    let entry = |(at, it): (usize, &RouteMatch)| {
        let matcher = Matcher::read(it)?;
        let rank: Rank = matcher.rank(&route.created, &name, index, at);
        Ok(Entry { rank, matcher, rule: rule.clone() })
    };
    let entries = matches.iter().enumerate().map(entry).collect::<Result<Vec<_>, String>>()?;
    Ok((entries, unresolved))
}

fn resolve(route: &Route, reference: &BackendRef, facts: &Facts<'_>) -> Result<BackendKey, Problem> {
    let (group, kind) = (reference.group.as_deref().unwrap_or(""), reference.kind.as_deref().unwrap_or("Service"));
    if !group.is_empty() || kind != "Service" {
        return Err(problem(
            "InvalidKind",
            format!("backendRef {}: only Services can be backends, not {kind}", reference.name),
        ));
    }
    if reference.namespace.as_ref().is_some_and(|it| *it != route.namespace) {
        let message = format!(
            "backendRef {}: a Service of another namespace needs a ReferenceGrant, which is not supported",
            reference.name
        );
        return Err(problem("RefNotPermitted", message));
    }
    let Some(port) = reference.port else {
        return Err(problem("BackendNotFound", format!("backendRef {} names no port", reference.name)));
    };
    let key = BackendKey { namespace: route.namespace.clone(), service: reference.name.clone(), port };
    if !(facts.has_port)(&key) {
        let message = format!("there is no Service {}/{} with port {port}", key.namespace, key.service);
        return Err(problem("BackendNotFound", message));
    }
    Ok(key)
}

/// The sum of the weights (scaled down if huge) and the stride that spreads turns over it.
fn turns(targets: &mut [Target]) -> (u64, u64) {
    let sum: u64 = targets.iter().map(|it| it.weight).sum();
    if sum > MAX_TOTAL {
        let scale = sum / MAX_TOTAL + 1;
        targets.iter_mut().filter(|it| it.weight > 0).for_each(|it| it.weight = (it.weight / scale).max(1));
    }
    let total: u64 = targets.iter().map(|it| it.weight).sum();
    let coprime = |step: &u64| gcd(*step, total) == 1;
    // 0.618… of the total, upwards: the golden section repeats itself least.
    let step = (total * 618 / 1000..=total).find(coprime).unwrap_or(1);
    (total, step)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A duration of GEP-2257: up to four parts of at most five digits, units h, m, s, ms. Zero means no limit.
pub(super) fn duration(from: &str) -> Result<Option<Duration>, String> {
    let wrong = || format!("{from:?} is not a duration like 10s, 1m30s or 500ms");
    let mut rest = from;
    let mut sum = Duration::ZERO;
    for part in 0.. {
        let digits = rest.find(|it: char| !it.is_ascii_digit()).ok_or_else(wrong)?;
        if part == 4 || digits == 0 || digits > 5 {
            return Err(wrong());
        }
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.find(|it: char| it.is_ascii_digit()).unwrap_or(rest.len());
        sum += match &rest[..unit] {
            "h" => Duration::from_secs(number * 3600),
            "m" => Duration::from_secs(number * 60),
            "s" => Duration::from_secs(number),
            "ms" => Duration::from_millis(number),
            _ => return Err(wrong()),
        };
        rest = &rest[unit..];
        if rest.is_empty() {
            break;
        }
    }
    Ok(Some(sum).filter(|it| !it.is_zero()))
}
