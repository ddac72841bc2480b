use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{Gateway, Limits, TcpDial};

async fn gateway() -> Gateway {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Gateway::serve(listener, Arc::new(TcpDial), fairway_clock::World::system(), Limits::default()).unwrap()
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn route(generation: i64, parents: Value) -> DynamicObject {
    object(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "namespace": "shop", "name": "web", "generation": generation },
        "spec": { "parentRefs": [{ "name": "edge", "namespace": "infra" }], "rules": [{ "backendRefs": [{ "name": "web", "port": 80 }] }] },
        "status": { "parents": parents },
    }))
}

fn service(port: u16) -> Service {
    object(json!({ "metadata": { "namespace": "shop", "name": "web" }, "spec": { "ports": [{ "port": port }] } }))
}

fn slice(name: &str, address: &str) -> EndpointSlice {
    object(json!({
        "metadata": { "namespace": "shop", "name": name, "labels": { "kubernetes.io/service-name": "web" } },
        "addressType": "IPv4", "endpoints": [{ "addresses": [address] }], "ports": [{ "port": 8080 }],
    }))
}

fn edge() -> DynamicObject {
    object(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": { "namespace": "infra", "name": "edge" },
        "spec": { "listeners": [{ "name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": { "namespaces": { "from": "All" } } }] },
    }))
}

fn listed<T>(objects: Vec<T>) -> Vec<Event<T>> {
    [Event::Init].into_iter().chain(objects.into_iter().map(Event::InitApply)).chain([Event::InitDone]).collect()
}

fn list<T>(cluster: &mut Cluster, change: impl Fn(Event<T>) -> Change, objects: Vec<T>) {
    for event in listed(objects) {
        cluster.apply(change(event));
    }
}

fn cluster() -> Cluster {
    Cluster::new(Named { namespace: "infra".into(), name: "edge".into() }, "example.com/gateway".into())
}

/// Everything listed once.
fn full() -> Cluster {
    let mut it = cluster();
    list(&mut it, Change::Route, vec![route(1, json!([]))]);
    list(&mut it, Change::Gateway, vec![edge()]);
    list(&mut it, Change::Service, vec![service(80)]);
    list(&mut it, Change::Slice, vec![slice("web-a", "10.0.0.1")]);
    it.apply(Change::Namespace(Labels::Start));
    it.apply(Change::Namespace(Labels::End));
    it
}

fn addresses(gateway: &Gateway) -> Vec<String> {
    let key = BackendKey { namespace: "shop".into(), service: "web".into(), port: 80 };
    let set = gateway.proxy().backends.get(&key);
    set.map(|it| it.endpoints().iter().map(|it| it.key.address.to_string()).collect()).unwrap_or_default()
}

fn lines(gateway: &Gateway) -> Vec<String> {
    gateway.proxy().table.read().unwrap().describe()
}

#[tokio::test]
async fn nothing_is_served_from_half_a_picture() {
    let gateway = gateway().await;
    let mut it = cluster();
    assert_eq!(it.publish(gateway.proxy()), None);
    list(&mut it, Change::Service, vec![service(80)]);
    assert_eq!(it.publish(gateway.proxy()), None);
    assert!(!gateway.is_ready());
    let mut it = full();
    let verdicts = it.publish(gateway.proxy()).unwrap();
    assert!(gateway.is_ready());
    assert_eq!(verdicts.len(), 1);
    assert_eq!(lines(&gateway), ["any /* -> shop/web [shop/web:80*1]"]);
    assert_eq!(addresses(&gateway), ["10.0.0.1:8080"]);
    assert_eq!(it.publish(gateway.proxy()), None, "nothing new, nothing done");
    gateway.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn endpoints_follow_their_slices_and_leave_the_table_alone() {
    let gateway = gateway().await;
    let mut it = full();
    it.publish(gateway.proxy());
    let before = gateway.proxy().table.read().unwrap().clone();
    let steps: Vec<(Event<EndpointSlice>, &[&str])> = vec![
        (Event::Apply(slice("web-b", "10.0.0.2")), &["10.0.0.1:8080", "10.0.0.2:8080"]),
        (Event::Apply(slice("web-a", "10.0.0.3")), &["10.0.0.2:8080", "10.0.0.3:8080"]),
        (Event::Delete(slice("web-b", "10.0.0.2")), &["10.0.0.3:8080"]),
    ];
    for (event, expected) in steps {
        it.apply(Change::Slice(event));
        assert_eq!(it.publish(gateway.proxy()), None, "routes have nothing to hear");
        assert_eq!(addresses(&gateway), expected);
    }
    list(&mut it, Change::Slice, vec![slice("web-z", "10.0.0.9")]);
    it.publish(gateway.proxy());
    assert_eq!(addresses(&gateway), ["10.0.0.9:8080"], "a new list replaces what it does not name");
    assert!(Arc::ptr_eq(&before, &gateway.proxy().table.read().unwrap()));
    gateway.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn our_own_status_is_heard_without_a_new_table() {
    let gateway = gateway().await;
    let mut it = full();
    it.publish(gateway.proxy());
    let before = gateway.proxy().table.read().unwrap().clone();
    it.apply(Change::Route(Event::Apply(route(1, json!([{ "controllerName": "example.com/gateway" }])))));
    let verdicts = it.publish(gateway.proxy()).unwrap();
    assert_eq!(verdicts[0].stored.len(), 1);
    assert!(Arc::ptr_eq(&before, &gateway.proxy().table.read().unwrap()));
    it.apply(Change::Route(Event::Apply(route(2, json!([])))));
    assert!(it.publish(gateway.proxy()).is_some());
    assert!(!Arc::ptr_eq(&before, &gateway.proxy().table.read().unwrap()));
    gateway.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_service_that_changes_its_ports_or_goes_is_felt_at_once() {
    let gateway = gateway().await;
    let mut it = full();
    it.publish(gateway.proxy());
    it.apply(Change::Service(Event::Apply(service(81))));
    let verdicts = it.publish(gateway.proxy()).unwrap();
    assert_eq!(verdicts[0].unresolved.as_ref().map(|it| it.reason), Some("BackendNotFound"));
    assert_eq!(lines(&gateway), ["any /* -> shop/web [unresolved*1]"]);
    it.apply(Change::Service(Event::Apply(service(80))));
    it.publish(gateway.proxy());
    assert_eq!(addresses(&gateway), ["10.0.0.1:8080"]);
    it.apply(Change::Gateway(Event::Delete(edge())));
    let verdicts = it.publish(gateway.proxy()).unwrap();
    assert_eq!(verdicts[0].attachments[0].refused.as_ref().map(|it| it.reason), Some("NoMatchingParent"));
    assert_eq!(lines(&gateway), [""; 0]);
    gateway.stop(Duration::ZERO).await;
}
