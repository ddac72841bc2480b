//! The Service `default/kubernetes`, which every cluster has: the first address of the range, and where this server
//! listens behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use fairway_store::{Expect, Key};
use serde_json::{Value, json};

use super::Shared;
use crate::object::{self, meta_mut};
use crate::pipeline::{self, Kept, Origin};
use crate::{AuditNote, Identity};

const NAMESPACE: &str = "default";
const NAME: &str = "kubernetes";

/// Makes or mends the Service and its EndpointSlice. Whoever changes them meanwhile wins until the next start.
pub(super) async fn publish(shared: Arc<Shared>, listens: SocketAddr) {
    let wanted = [
        ("core/services", "services", "Service", service(&shared, listens)),
        ("discovery.k8s.io/endpointslices", "endpointslices", "EndpointSlice", endpoints(listens)),
    ];
    for (storage, resource, kind, mut object) in wanted {
        let key = Key::new(storage, NAMESPACE, NAME);
        let live = shared.store.get(&key);
        let kept = live.as_ref().map(|it| object::parse(&it.value));
        meta_mut(&mut object).insert("uid".to_owned(), uid(&shared, kept.as_ref()));
        meta_mut(&mut object).insert("creationTimestamp".to_owned(), born(&shared, kept.as_ref()));
        if kept.is_some_and(|it| same(&it, &object)) {
            continue;
        }
        let verb = if live.is_some() { "update" } else { "create" };
        let expect = live.map_or(Expect::Absent, |it| Expect::At(it.revision));
        let origin = Origin { note: note(&shared, verb, resource, kind) };
        if let Err(error) = pipeline::commit_puts(&shared, vec![(key, expect, Kept::plain(&object))], origin).await {
            tracing::warn!(%error, "the {kind} {NAMESPACE}/{NAME} was not written");
        }
    }
}

fn service(shared: &Shared, listens: SocketAddr) -> Value {
    let address = shared.service_range.first().to_string();
    json!({
        "metadata": {
            "name": NAME, "namespace": NAMESPACE, "labels": { "component": "apiserver", "provider": "kubernetes" },
        },
        "spec": {
            "clusterIP": address, "clusterIPs": [address], "type": "ClusterIP", "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": listens.port() }],
        },
        "status": { "loadBalancer": {} },
    })
}

fn endpoints(listens: SocketAddr) -> Value {
    json!({
        "metadata": { "name": NAME, "namespace": NAMESPACE, "labels": { "kubernetes.io/service-name": NAME } },
        "addressType": if listens.is_ipv4() { "IPv4" } else { "IPv6" },
        "endpoints": [{ "addresses": [listens.ip().to_string()], "conditions": { "ready": true } }],
        "ports": [{ "name": "https", "port": listens.port(), "protocol": "TCP" }],
    })
}

fn uid(shared: &Shared, live: Option<&Value>) -> Value {
    live.map_or_else(|| shared.world.entropy.uuid().into(), |it| it["metadata"]["uid"].clone())
}

fn born(shared: &Shared, live: Option<&Value>) -> Value {
    let now = || pipeline::now_text(shared.world.clock.now()).into();
    live.map_or_else(now, |it| it["metadata"]["creationTimestamp"].clone())
}

/// What others noted in the metadata stays.
fn same(live: &Value, wanted: &Value) -> bool {
    ["spec", "endpoints", "ports", "addressType"].iter().all(|it| live[it] == wanted[it])
}

fn note(shared: &Shared, verb: &str, resource: &str, kind: &str) -> AuditNote {
    AuditNote {
        identity: Identity { user: "system:apiserver".to_owned(), ..Identity::default() },
        verb: verb.into(),
        group: if kind == "Service" { "".into() } else { "discovery.k8s.io".into() },
        version: "v1".into(),
        resource: resource.into(),
        subresource: "".into(),
        kind: kind.into(),
        namespace: NAMESPACE.into(),
        name: NAME.into(),
        user_agent: "".into(),
        field_manager: "".into(),
        in_process: true,
        refused: None,
        entered: None,
        at: shared.world.clock.now(),
    }
}
