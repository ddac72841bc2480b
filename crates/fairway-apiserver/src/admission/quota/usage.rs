//! What one object uses of what quotas limit. Pure.

use std::collections::{BTreeMap, BTreeSet};

use fairway_schema::quantity::Quantity;
use serde_json::Value;

use crate::object::text_at;
use crate::registry::Served;

const PODS: &str = "core/pods";
const CLAIMS: &str = "core/persistentvolumeclaims";
/// What is asked for and limited by containers.
const COMPUTE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// Kinds of the core group that are counted by their own name too.
const BY_NAME: [&str; 7] =
    ["pods", "configmaps", "secrets", "services", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas"];

/// Amounts by what they are of: `pods`, `requests.cpu`, `count/deployments.apps`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Usage(BTreeMap<String, Quantity>);

impl FromIterator<(String, Quantity)> for Usage {
    fn from_iter<T: IntoIterator<Item = (String, Quantity)>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Usage {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Quantity)> {
        self.0.iter().map(|(what, amount)| (what.as_str(), amount))
    }

    pub(crate) fn amount(&self, what: &str) -> Quantity {
        self.0.get(what).copied().unwrap_or(Quantity::from_units(0))
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, amount) in other.iter() {
            let sum = self.amount(what).plus(*amount);
            self.0.insert(what.to_owned(), sum);
        }
    }

    /// Only what another has too.
    pub(crate) fn only(mut self, other: &Self) -> Self {
        self.0.retain(|what, _| other.0.contains_key(what));
        self
    }

    /// `pods=1,requests.cpu=100m`.
    pub(crate) fn shown(&self, only: &[&str]) -> String {
        let shown: Vec<String> = only.iter().map(|it| format!("{it}={}", self.amount(it))).collect();
        shown.join(",")
    }

    fn put(&mut self, what: impl Into<String>, amount: Quantity) {
        self.0.insert(what.into(), amount);
    }
}

/// What a quota allows at most.
pub(crate) fn limits(quota: &Value) -> Usage {
    let hard = quota.pointer("/spec/hard").and_then(Value::as_object).into_iter().flatten();
    hard.filter_map(|(what, amount)| Some((what.clone(), quantity(amount)?))).collect()
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// Whether objects of a resource count for any of these.
pub(crate) fn counted(served: &Served, hard: &Usage) -> bool {
    let by_name = served.group.is_empty() && BY_NAME.contains(&&*served.plural);
    let compute = |what: &str| {
        let what = what.strip_prefix("requests.").or(what.strip_prefix("limits.")).unwrap_or(what);
        COMPUTE.contains(&what)
    };
    hard.iter().any(|(what, _)| {
        what == count_of(served)
            || (by_name && what == &*served.plural)
            || (&*served.storage == PODS && compute(what))
            || (&*served.storage == CLAIMS && what == "requests.storage")
    })
}

fn count_of(served: &Served) -> String {
    let (plural, group) = (&served.plural, &served.group);
    if group.is_empty() { format!("count/{plural}") } else { format!("count/{plural}.{group}") }
}

/// What an object uses, held against one quota.
pub(crate) fn of(served: &Served, object: &Value, quota: &Value) -> Usage {
    let mut usage = Usage::default();
    if !in_scope(served, object, quota) {
        return usage;
    }
    let one = Quantity::from_units(1);
    usage.put(count_of(served), one);
    match &*served.storage {
        PODS if is_over(object) => {}
        PODS => {
            usage.put("pods", one);
            for what in COMPUTE {
                for kind in ["requests", "limits"] {
                    let amount = of_pod(object, kind, what);
                    if !amount.is_zero() {
                        usage.put(format!("{kind}.{what}"), amount);
                        if kind == "requests" {
                            usage.put(what, amount);
                        }
                    }
                }
            }
        }
        CLAIMS => {
            usage.put("persistentvolumeclaims", one);
            usage.0.extend(
                object
                    .pointer("/spec/resources/requests/storage")
                    .and_then(quantity)
                    .map(|it| ("requests.storage".to_owned(), it)),
            );
        }
        _ if served.group.is_empty() && BY_NAME.contains(&&*served.plural) => usage.put(&*served.plural, one),
        _ => {}
    }
    usage
}

/// What a pod's containers together ask for: all that run at once, or the init container that asks for more.
fn of_pod(pod: &Value, kind: &str, what: &str) -> Quantity {
    let zero = Quantity::from_units(0);
    let each = |containers: &str| -> Vec<(bool, Quantity)> {
        let all = pod.pointer(&format!("/spec/{containers}")).and_then(Value::as_array).into_iter().flatten();
        all.map(|it| {
            let amount = it.pointer(&format!("/resources/{kind}/{what}")).and_then(quantity);
            (text_at(it, "/restartPolicy") == "Always", amount.unwrap_or(zero))
        })
        .collect()
    };
    let mut beside = zero;
    let mut most = zero;
    for (stays, amount) in each("initContainers") {
        if stays {
            beside = beside.plus(amount);
            most = most.max(beside);
        } else {
            most = most.max(beside.plus(amount));
        }
    }
    let together = each("containers").into_iter().fold(beside, |sum, (_, amount)| sum.plus(amount));
    let overhead = pod.pointer(&format!("/spec/overhead/{what}")).and_then(quantity).unwrap_or(zero);
    together.max(most).plus(overhead)
}

fn is_over(pod: &Value) -> bool {
    matches!(text_at(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Containers that do not say how much they want of what a quota limits: `limits.cpu for: web`.
pub(crate) fn unsaid(served: &Served, pod: &Value, quota: &Value, hard: &Usage) -> String {
    if &*served.storage != PODS || !in_scope(served, pod, quota) {
        return String::new();
    }
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (what, _) in hard.iter() {
        let (kind, of) = what.split_once('.').unwrap_or(("requests", what));
        if !COMPUTE.contains(&of) || of == "ephemeral-storage" || !matches!(kind, "requests" | "limits") {
            continue;
        }
        for list in ["/spec/containers", "/spec/initContainers"] {
            for container in pod.pointer(list).and_then(Value::as_array).into_iter().flatten() {
                if container.pointer(&format!("/resources/{kind}/{of}")).is_none() {
                    missing.entry(what).or_default().insert(text_at(container, "/name"));
                }
            }
        }
    }
    let each = missing
        .iter()
        .map(|(what, names)| format!("{what} for: {}", names.iter().copied().collect::<Vec<_>>().join(",")));
    each.collect::<Vec<_>>().join("; ")
}

/// Whether a quota speaks of this object. One that chooses by priority class speaks of none: there are none here.
fn in_scope(served: &Served, object: &Value, quota: &Value) -> bool {
    let scopes = quota.pointer("/spec/scopes").and_then(Value::as_array);
    let selected = quota.pointer("/spec/scopeSelector/matchExpressions").and_then(Value::as_array);
    let named = selected.into_iter().flatten().map(|it| text_at(it, "/scopeName"));
    let mut all = scopes.into_iter().flatten().filter_map(Value::as_str).chain(named).peekable();
    if all.peek().is_none() {
        return true;
    }
    let ends = object.pointer("/spec/activeDeadlineSeconds").is_some_and(|it| !it.is_null());
    let asks_nothing = || {
        ["cpu", "memory"]
            .iter()
            .all(|what| ["requests", "limits"].iter().all(|kind| of_pod(object, kind, what).is_zero()))
    };
    &*served.storage == PODS
        && all.all(|it| match it {
            "Terminating" => ends,
            "NotTerminating" => !ends,
            "BestEffort" => asks_nothing(),
            "NotBestEffort" => !asks_nothing(),
            _ => false,
        })
}

#[cfg(test)]
mod tests;
