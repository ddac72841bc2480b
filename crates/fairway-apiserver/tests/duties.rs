//! What the server does beside storing objects: it tells the journal, forgets old events, passes logs on.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fairway_apiserver::{ApiError, AuditNote, Identity, LogOptions, PodRef, PodStreams};
use fairway_clock::{ManualClock, SystemEntropy, World};
use fairway_store::{Entry, Journal, JournalError};
use fairway_testkit::{Notes, Setup, TestPlane};
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, LogParams, PostParams};
use kube::runtime::watcher;
use serde_json::{Value, json};

fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn the_journal_learns_who_wrote_what_and_never_a_value() {
    let notes = Notes::default();
    let setup = Setup { journal: Box::new(notes.clone()), guarded: true, ..Setup::default() };
    let plane = TestPlane::with(setup).await.unwrap();
    let secret = json!({ "metadata": { "name": "s" }, "stringData": { "password": "canary-7f3" } });
    let secrets: Api<Secret> = Api::namespaced(plane.client(), "default");
    let parameters = PostParams { field_manager: Some("me".into()), ..PostParams::default() };
    secrets.create(&parameters, &of(secret.clone())).await.unwrap();
    let somebody = Identity { user: "somebody".into(), ..Identity::default() };
    let theirs: Api<Secret> = Api::namespaced(plane.client_as(somebody), "default");
    let refused = theirs.create(&PostParams::default(), &of(secret.clone())).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(it) if it.code == 403));
    assert!(theirs.list(&kube::api::ListParams::default()).await.is_err());
    let doubled = secrets.create(&PostParams::default(), &of(secret)).await.unwrap_err();
    let notes = notes.all();
    let about: Vec<&AuditNote> = notes.iter().filter(|it| &*it.resource == "secrets").collect();
    assert_eq!(about.len(), 2, "one write and one refusal; reads and conflicts are no changes: {about:?}");
    let (written, refused) = (about[0], about[1]);
    assert_eq!((written.identity.user.as_str(), &*written.verb, &*written.name), ("admin", "create", "s"));
    assert_eq!((&*written.field_manager, written.in_process, &written.refused), ("me", true, &None));
    assert_eq!((refused.identity.user.as_str(), refused.refused.as_ref().unwrap().0), ("somebody", 403));
    let told = format!("{notes:?}{doubled}");
    assert!(!told.contains("canary") && !told.contains("Y2FuYXJ5"), "{told}");
    plane.stop().await;
}

#[tokio::test]
async fn events_are_forgotten_an_hour_after_they_last_happened() {
    let clock = Arc::new(ManualClock::new("2026-01-02T03:00:00Z".parse().unwrap()));
    let setup = || {
        let world = World { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        Setup { world, ..Setup::default() }
    };
    let plane = TestPlane::with(setup()).await.unwrap();
    let event = |name: &str, last: &str| {
        of::<Event>(json!({
            "metadata": { "name": name }, "involvedObject": { "kind": "Pod", "name": "p", "namespace": "default" },
            "reason": "Started", "type": "Normal", "lastTimestamp": last,
        }))
    };
    let api: Api<Event> = Api::namespaced(plane.client(), "default");
    api.create(&PostParams::default(), &event("old", "2026-01-02T03:00:00Z")).await.unwrap();
    api.create(&PostParams::default(), &event("again", "2026-01-02T04:00:00Z")).await.unwrap();
    clock.advance(Duration::from_secs(3700));
    // Old ones are looked for at the start too.
    let plane = plane.restart(setup()).await.unwrap();
    let api: Api<Event> = Api::namespaced(plane.client(), "default");
    let gone = watcher::watch_object(api.clone(), "old");
    futures::pin_mut!(gone);
    while gone.next().await.unwrap().unwrap().is_some() {}
    assert!(api.get_opt("again").await.unwrap().is_some());
    plane.stop().await;
}

/// Says what it was asked for.
struct Echo;

#[async_trait]
impl PodStreams for Echo {
    async fn log(&self, pod: PodRef, options: LogOptions) -> Result<BoxStream<'static, io::Result<Bytes>>, ApiError> {
        let line = format!("{}/{} {} tail={:?}\n", pod.namespace, pod.name, pod.container, options.tail_lines);
        Ok(futures::stream::iter([Ok(Bytes::from(line)), Ok(Bytes::from("second\n"))]).boxed())
    }
}

#[tokio::test]
async fn a_log_is_passed_on_from_whoever_runs_the_pod() {
    let plane = TestPlane::with(Setup { pod_streams: Arc::new(Echo), ..Setup::default() }).await.unwrap();
    let api: Api<Pod> = Api::namespaced(plane.client(), "default");
    let pod = |name: &str, node: Option<&str>, containers: &[&str]| {
        let containers: Vec<Value> =
            containers.iter().map(|it| json!({ "name": it, "image": "example.test/c:1" })).collect();
        of::<Pod>(json!({ "metadata": { "name": name }, "spec": { "nodeName": node, "containers": containers } }))
    };
    api.create(&PostParams::default(), &pod("one", Some("n"), &["c"])).await.unwrap();
    api.create(&PostParams::default(), &pod("two", Some("n"), &["c", "d"])).await.unwrap();
    api.create(&PostParams::default(), &pod("unplaced", None, &["c"])).await.unwrap();
    let tail = LogParams { tail_lines: Some(5), ..LogParams::default() };
    assert_eq!(api.logs("one", &tail).await.unwrap(), "default/one c tail=Some(5)\nsecond\n");
    let limited = LogParams { limit_bytes: Some(7), ..LogParams::default() };
    assert_eq!(api.logs("one", &limited).await.unwrap(), "default");
    let unnamed = api.logs("two", &LogParams::default()).await.unwrap_err();
    assert!(unnamed.to_string().contains("choose one of: [c d]"), "{unnamed}");
    assert_eq!(api.logs("unplaced", &LogParams::default()).await.unwrap(), "");
    plane.stop().await;
}

#[tokio::test]
async fn the_account_that_pods_run_as_comes_back() {
    let plane = TestPlane::start().await.unwrap();
    let api: Api<ServiceAccount> = Api::namespaced(plane.client(), "default");
    let first = api.get("default").await.unwrap();
    api.delete("default", &DeleteParams::default()).await.unwrap();
    let stream = watcher::watch_object(api, "default");
    futures::pin_mut!(stream);
    while stream.next().await.unwrap().unwrap().is_none_or(|it| it.uid() == first.uid()) {}
    plane.stop().await;
}

#[tokio::test]
async fn a_stopped_server_ends_its_watches() {
    let plane = TestPlane::start().await.unwrap();
    let api: Api<ConfigMap> = Api::namespaced(plane.client(), "default");
    let events = api.watch(&kube::api::WatchParams::default(), "0").await.unwrap();
    plane.stop().await;
    assert_eq!(events.count().await, 0);
}

#[tokio::test]
async fn the_journal_learns_who_is_behind_an_impersonation_also_when_it_is_refused() {
    let notes = Notes::default();
    let setup = Setup { journal: Box::new(notes.clone()), guarded: true, ..Setup::default() };
    let plane = TestPlane::with(setup).await.unwrap();
    let object = || serde_json::to_vec(&json!({ "metadata": { "name": "a" } })).unwrap();
    let request = |user: &str| {
        http::Request::post("/api/v1/namespaces/default/configmaps")
            .header("content-type", "application/json")
            .header("impersonate-user", user)
            .header("impersonate-group", "system:masters")
            .body(object())
            .unwrap()
    };
    plane.client().request_text(request("jane")).await.unwrap();
    let somebody = Identity { user: "somebody".into(), ..Identity::default() };
    plane.client_as(somebody).request_text(request("root")).await.unwrap_err();
    let notes = notes.all();
    let written = notes.iter().find(|it| &*it.resource == "configmaps").unwrap();
    assert_eq!((written.identity.user.as_str(), written.identity.impersonator.as_deref()), ("jane", Some("admin")));
    let refused = notes.iter().find(|it| &*it.verb == "impersonate").unwrap();
    assert_eq!((refused.identity.user.as_str(), &*refused.resource, &*refused.name), ("somebody", "users", "root"));
    assert_eq!(refused.refused.as_ref().unwrap().0, 403);
    plane.stop().await;
}

/// A journal that holds up every write once it is told to.
#[derive(Clone, Default)]
struct Stuck(Arc<(Mutex<bool>, std::sync::Condvar)>);

impl Stuck {
    fn hold(&self, held: bool) {
        *self.0.0.lock().unwrap() = held;
        self.0.1.notify_all();
    }
}

impl Journal for Stuck {
    fn prepare(&mut self, _: &rusqlite::Transaction<'_>) -> Result<(), JournalError> {
        Ok(())
    }

    fn record(&mut self, _: &rusqlite::Transaction<'_>, _: &[Entry<'_>]) -> Result<(), JournalError> {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |held| *held).unwrap());
        Ok(())
    }

    fn settled(&mut self, _: bool) {}
}

#[tokio::test]
async fn a_write_that_takes_too_long_is_given_up_and_still_done_as_a_whole() {
    let stuck = Stuck::default();
    let setup = Setup { journal: Box::new(stuck.clone()), ..Setup::default() };
    let plane = TestPlane::with(setup).await.unwrap();
    stuck.hold(true);
    let request = http::Request::post("/api/v1/namespaces/default/configmaps?timeout=50ms")
        .header("content-type", "application/json")
        .body(br#"{"metadata":{"name":"late"}}"#.to_vec())
        .unwrap();
    let error = plane.client().request_text(request).await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(it) if it.code == 504 && it.reason == "Timeout"), "{error:?}");
    let maps: Api<ConfigMap> = Api::namespaced(plane.client(), "default");
    assert!(maps.get_opt("late").await.unwrap().is_none(), "reads go on, and see nothing of it");
    stuck.hold(false);
    let mut seen = std::pin::pin!(watcher::watch_object(maps, "late"));
    while !matches!(seen.next().await, Some(Ok(Some(_)))) {}
    plane.stop().await;
}

#[tokio::test]
async fn every_cluster_has_a_service_that_leads_to_its_server() {
    let plane = TestPlane::start().await.unwrap();
    let services: Api<Service> = Api::namespaced(plane.client(), "default");
    let slices: Api<EndpointSlice> = Api::namespaced(plane.client(), "default");
    let mut uid = None;
    // The second time as after a restart on another port.
    for _ in 0..2 {
        let (address, _) = plane.serve().await.unwrap();
        let mut seen = std::pin::pin!(watcher::watch_object(slices.clone(), "kubernetes"));
        let slice = loop {
            let slice = seen.next().await.unwrap().unwrap();
            if let Some(slice) = slice
                && slice.ports.as_ref().unwrap()[0].port == Some(i32::from(address.port()))
            {
                break slice;
            }
        };
        assert_eq!(slice.endpoints[0].addresses, [address.ip().to_string()]);
        let service = services.get("kubernetes").await.unwrap();
        let spec = service.spec.clone().unwrap();
        assert_eq!(spec.cluster_ip.as_deref(), Some("10.96.0.1"));
        let ports: Vec<i32> = spec.ports.unwrap().iter().map(|it| it.port).collect();
        assert_eq!(ports, [443]);
        assert!(uid.is_none() || uid == service.uid(), "it is the same Service");
        uid = service.uid();
    }
    plane.stop().await;
}
