//! The rows of Tables: what `kubectl get` prints, one function per kind, in the order of that kind's columns.

mod cluster;
mod duration;
mod network;
mod pod;
mod workloads;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tree::{entries, items, text};
use crate::Resource;

pub use duration::human_duration;

const NONE: &str = "<none>";
const UNKNOWN: &str = "<unknown>";
const UNSET: &str = "<unset>";

/// The cells of one object, one for each column of its resource.
pub(super) fn cells(resource: &Resource, object: &Value, now: Timestamp) -> Vec<Value> {
    let row = Row { object, now };
    let mut cells = vec![json!(row.name())];
    cells.extend(match &*resource.storage {
        "core/configmaps" => vec![json!(row.keys("/data") + row.keys("/binaryData")), row.age()],
        "core/endpoints" => network::endpoints(&row),
        "core/events" => return cluster::event(&row),
        "core/namespaces" => vec![row.or("/status/phase", ""), row.age()],
        "core/nodes" => cluster::node(&row),
        "core/persistentvolumeclaims" => cluster::claim(&row),
        "core/persistentvolumes" => cluster::volume(&row),
        "core/pods" => pod::pod(&row),
        "core/podtemplates" => workloads::pod_template(&row),
        "core/replicationcontrollers" | "apps/replicasets" => workloads::replica_set(&row),
        "core/resourcequotas" => cluster::quota(&row),
        "core/secrets" => vec![row.or("/type", ""), json!(row.keys("/data")), row.age()],
        "core/serviceaccounts" => vec![json!(row.items("/secrets").len()), row.age()],
        "core/services" => network::service(&row),
        "apps/controllerrevisions" => workloads::controller_revision(&row),
        "apps/daemonsets" => workloads::daemon_set(&row),
        "apps/deployments" => workloads::deployment(&row),
        "apps/statefulsets" => workloads::stateful_set(&row),
        "autoscaling/horizontalpodautoscalers" => workloads::autoscaler(&row),
        "batch/cronjobs" => workloads::cron_job(&row),
        "batch/jobs" => workloads::job(&row),
        "coordination.k8s.io/leases" => vec![row.or("/spec/holderIdentity", ""), row.age()],
        "discovery.k8s.io/endpointslices" => network::endpoint_slice(&row),
        "networking.k8s.io/ingressclasses" => network::ingress_class(&row),
        "networking.k8s.io/ingresses" => network::ingress(&row),
        "networking.k8s.io/networkpolicies" => vec![json!(selector(row.at("/spec/podSelector"))), row.age()],
        "policy/poddisruptionbudgets" => cluster::disruption_budget(&row),
        "rbac.authorization.k8s.io/clusterrolebindings" | "rbac.authorization.k8s.io/rolebindings" => {
            cluster::binding(&row)
        }
        "scheduling.k8s.io/priorityclasses" => vec![
            row.at("/value").clone(),
            json!(row.at("/globalDefault") == true),
            row.age(),
            row.or("/preemptionPolicy", ""),
        ],
        "storage.k8s.io/storageclasses" => cluster::storage_class(&row),
        // Roles, CustomResourceDefinitions, LimitRanges: when it was made.
        _ if resource.columns.len() == 2 => vec![row.at("/metadata/creationTimestamp").clone()],
        _ => Vec::new(),
    });
    cells
}

/// An object, and when it is looked at.
struct Row<'a> {
    object: &'a Value,
    now: Timestamp,
}

impl<'a> Row<'a> {
    /// What stands at a JSON pointer; `null` if nothing.
    fn at(&self, pointer: &str) -> &'a Value {
        self.object.pointer(pointer).unwrap_or(&Value::Null)
    }

    fn name(&self) -> &'a str {
        text(self.at("/metadata/name"))
    }

    fn items(&self, pointer: &str) -> &'a [Value] {
        items(self.at(pointer))
    }

    /// How many entries a map has.
    fn keys(&self, pointer: &str) -> usize {
        entries(self.at(pointer)).count()
    }

    /// A number; 0 where none is given.
    fn count(&self, pointer: &str) -> i64 {
        self.at(pointer).as_i64().unwrap_or(0)
    }

    /// A text, or something else where it is missing or empty.
    fn or(&self, pointer: &str, other: &str) -> Value {
        match text(self.at(pointer)) {
            "" => json!(other),
            given => json!(given),
        }
    }

    /// How long the object has been there.
    fn age(&self) -> Value {
        json!(self.since(self.at("/metadata/creationTimestamp")))
    }

    /// How long ago a time was.
    fn since(&self, time: &Value) -> String {
        match text(time).parse::<Timestamp>() {
            Ok(time) => human_duration(self.now.as_second() - time.as_second()),
            Err(_) => UNKNOWN.to_owned(),
        }
    }
}

/// Names and images of a list of containers, as two cells.
fn containers(list: &[Value]) -> [Value; 2] {
    let joined = |field: &str| list.iter().map(|it| text(&it[field])).collect::<Vec<_>>().join(",");
    [json!(joined("name")), json!(joined("image"))]
}

/// `a=b,c=d`.
fn pairs(map: &Value) -> String {
    let all: Vec<String> = entries(map).map(|(key, value)| format!("{key}={}", text(value))).collect();
    if all.is_empty() { NONE.to_owned() } else { all.join(",") }
}

/// A label selector as kubectl writes it.
fn selector(selector: &Value) -> String {
    let mut all: Vec<String> =
        entries(&selector["matchLabels"]).map(|(key, value)| format!("{key}={}", text(value))).collect();
    for it in items(&selector["matchExpressions"]) {
        let key = text(&it["key"]);
        let values = items(&it["values"]).iter().map(text).collect::<Vec<_>>().join(",");
        all.push(match text(&it["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    all.sort();
    if all.is_empty() { NONE.to_owned() } else { all.join(",") }
}

/// A list joined by commas, or `<none>`.
fn joined(list: impl IntoIterator<Item = String>) -> Value {
    let all: Vec<String> = list.into_iter().collect();
    if all.is_empty() { json!(NONE) } else { json!(all.join(",")) }
}

#[cfg(test)]
mod tests;
