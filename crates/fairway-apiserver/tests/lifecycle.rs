//! What happens to objects because of other objects: namespaces, owners, definitions.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use fairway_testkit::TestPlane;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, Service, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
    PropagationPolicy,
};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

async fn plane() -> (TestPlane, Client) {
    let plane = TestPlane::start().await.unwrap();
    let client = plane.client();
    (plane, client)
}

fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

async fn make_config_map(client: &Client, namespace: &str, metadata: Value) -> ConfigMap {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    api.create(&PostParams::default(), &of(json!({ "metadata": metadata }))).await.unwrap()
}

/// Waits until an object is gone.
async fn gone<K>(api: &Api<K>, name: &str)
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let stream = watcher::watch_object(api.clone(), name);
    futures::pin_mut!(stream);
    while stream.try_next().await.unwrap().unwrap().is_some() {}
}

fn owned_by(owner: &ConfigMap, blocking: bool) -> Value {
    json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": owner.name_any(), "uid": owner.uid(),
        "blockOwnerDeletion": blocking,
    }])
}

#[tokio::test]
async fn trap_18_a_namespace_ends_with_everything_in_it_and_takes_nothing_new_meanwhile() {
    let (plane, client) = plane().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &of(json!({ "metadata": { "name": "short" } }))).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "short");
    assert!(accounts.get_opt("default").await.unwrap().is_some(), "a namespace is born with its account");
    make_config_map(&client, "short", json!({ "name": "a" })).await;
    make_config_map(&client, "short", json!({ "name": "held", "finalizers": ["example.com/hold"] })).await;
    let deleted = namespaces.delete("short", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(deleted.status.unwrap().phase.as_deref(), Some("Terminating"));
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "short");
    gone(&api, "a").await;
    let late = api.create(&PostParams::default(), &of(json!({ "metadata": { "name": "late" } }))).await.unwrap_err();
    let kube::Error::Api(late) = late else { panic!("{late}") };
    assert_eq!(late.code, 403);
    assert_eq!(late.details.unwrap().causes[0].reason, "NamespaceTerminating");
    assert!(namespaces.get_opt("short").await.unwrap().is_some());
    let free = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    api.patch("held", &PatchParams::default(), &free).await.unwrap();
    gone(&namespaces, "short").await;
    plane.stop().await;
}

#[tokio::test]
async fn the_namespaces_a_cluster_needs_cannot_be_deleted() {
    let (plane, client) = plane().await;
    let namespaces: Api<Namespace> = Api::all(client);
    for name in ["default", "kube-system", "kube-public"] {
        let refused = namespaces.delete(name, &DeleteParams::default()).await.unwrap_err();
        assert!(matches!(refused, kube::Error::Api(it) if it.code == 403));
    }
    plane.stop().await;
}

#[tokio::test]
async fn nothing_outlives_the_namespace_it_was_made_in_while_that_was_deleted() {
    let (plane, client) = plane().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for round in 0..10 {
        let name = format!("race-{round}");
        namespaces.create(&PostParams::default(), &of(json!({ "metadata": { "name": name } }))).await.unwrap();
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &name);
        let makers = (0..16).map(|it| {
            let api = api.clone();
            async move {
                let object = of(json!({ "metadata": { "name": format!("c{it}") } }));
                let _ = api.create(&PostParams::default(), &object).await;
            }
        });
        let background = DeleteParams::default();
        let delete = namespaces.delete(&name, &background);
        let (_, deleted) = futures::join!(futures::future::join_all(makers), delete);
        deleted.unwrap();
        gone(&namespaces, &name).await;
        assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 0);
    }
    plane.stop().await;
}

#[tokio::test]
async fn trap_17_dependents_go_after_their_owner() {
    let (plane, client) = plane().await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let owner = make_config_map(&client, "default", json!({ "name": "owner" })).await;
    let child = json!({ "name": "child", "ownerReferences": owned_by(&owner, false) });
    let child = make_config_map(&client, "default", child).await;
    let grandchild = json!({ "name": "grandchild", "ownerReferences": owned_by(&child, false) });
    make_config_map(&client, "default", grandchild).await;
    api.delete("owner", &DeleteParams::default()).await.unwrap();
    gone(&api, "child").await;
    gone(&api, "grandchild").await;
    plane.stop().await;
}

#[tokio::test]
async fn a_dependent_made_for_an_owner_that_is_not_there_goes() {
    let (plane, client) = plane().await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let owner = make_config_map(&client, "default", json!({ "name": "owner" })).await;
    api.delete("owner", &DeleteParams::default()).await.unwrap();
    // Another object of that name is another owner.
    make_config_map(&client, "default", json!({ "name": "owner" })).await;
    make_config_map(&client, "default", json!({ "name": "late", "ownerReferences": owned_by(&owner, false) })).await;
    gone(&api, "late").await;
    plane.stop().await;
}

#[tokio::test]
async fn an_owner_deleted_in_the_foreground_goes_last() {
    let (plane, client) = plane().await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let owner = make_config_map(&client, "default", json!({ "name": "owner" })).await;
    let references = owned_by(&owner, true);
    let child = json!({ "name": "child", "ownerReferences": references, "finalizers": ["example.com/hold"] });
    make_config_map(&client, "default", child).await;
    let foreground = DeleteParams { propagation_policy: Some(PropagationPolicy::Foreground), ..Default::default() };
    let held = api.delete("owner", &foreground).await.unwrap().left().unwrap();
    assert_eq!(held.finalizers(), ["foregroundDeletion"]);
    let stream = watcher::watch_object(api.clone(), "child");
    futures::pin_mut!(stream);
    while stream.try_next().await.unwrap().unwrap().is_none_or(|it| it.metadata.deletion_timestamp.is_none()) {}
    assert!(api.get_opt("owner").await.unwrap().is_some());
    let free = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    api.patch("child", &PatchParams::default(), &free).await.unwrap();
    gone(&api, "owner").await;
    plane.stop().await;
}

#[tokio::test]
async fn orphans_stay_without_their_owner() {
    let (plane, client) = plane().await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let owner = make_config_map(&client, "default", json!({ "name": "owner" })).await;
    make_config_map(&client, "default", json!({ "name": "child", "ownerReferences": owned_by(&owner, false) })).await;
    let orphan = DeleteParams { propagation_policy: Some(PropagationPolicy::Orphan), ..Default::default() };
    api.delete("owner", &orphan).await.unwrap();
    gone(&api, "owner").await;
    assert!(api.get("child").await.unwrap().owner_references().is_empty());
    plane.stop().await;
}

#[tokio::test]
async fn a_running_pod_is_given_time_and_goes_when_its_node_says_so() {
    let (plane, client) = plane().await;
    let api: Api<Pod> = Api::namespaced(client.clone(), "default");
    let spec = json!({ "nodeName": "n", "containers": [{ "name": "c", "image": "example.test/c:1" }] });
    api.create(&PostParams::default(), &of(json!({ "metadata": { "name": "p" }, "spec": spec }))).await.unwrap();
    let held = api.delete("p", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(held.metadata.deletion_grace_period_seconds, Some(30));
    let shorter = api.delete("p", &DeleteParams::default().grace_period(5)).await.unwrap().left().unwrap();
    assert_eq!(shorter.metadata.deletion_grace_period_seconds, Some(5));
    let longer = api.delete("p", &DeleteParams::default().grace_period(60)).await.unwrap().left().unwrap();
    assert_eq!(longer.resource_version(), shorter.resource_version());
    api.delete("p", &DeleteParams::default().grace_period(0)).await.unwrap();
    assert!(api.get_opt("p").await.unwrap().is_none());
    plane.stop().await;
}

#[tokio::test]
async fn every_service_has_an_address_of_its_own() {
    let (plane, client) = plane().await;
    let api: Api<Service> = Api::namespaced(client.clone(), "default");
    let mut addresses = std::collections::BTreeSet::new();
    for it in 0..5 {
        let service = json!({ "metadata": { "name": format!("s{it}") }, "spec": { "ports": [{ "port": 80 }] } });
        let made = api.create(&PostParams::default(), &of(service)).await.unwrap();
        addresses.insert(made.spec.unwrap().cluster_ip.unwrap());
    }
    assert_eq!(addresses.len(), 5);
    assert!(addresses.iter().all(|it| it.starts_with("10.")), "{addresses:?}");
    plane.stop().await;
}

#[tokio::test]
async fn an_event_is_the_same_in_both_of_its_groups() {
    let (plane, client) = plane().await;
    let newer: Api<k8s_openapi::api::events::v1::Event> = Api::namespaced(client.clone(), "default");
    let event = json!({
        "metadata": { "name": "e" }, "regarding": { "kind": "Pod", "name": "p", "namespace": "default" },
        "reason": "Started", "note": "it runs", "type": "Normal", "action": "Start",
        "reportingController": "example.com/node", "reportingInstance": "n", "eventTime": "2026-01-02T03:04:05.000000Z",
    });
    newer.create(&PostParams::default(), &of(event)).await.unwrap();
    let older: Api<Event> = Api::namespaced(client.clone(), "default");
    let selected = older.list(&ListParams::default().fields("involvedObject.name=p")).await.unwrap();
    assert_eq!(selected.items[0].message.as_deref(), Some("it runs"));
    assert_eq!(newer.get("e").await.unwrap().note.as_deref(), Some("it runs"));
    plane.stop().await;
}

fn definition() -> CustomResourceDefinition {
    of(json!({
        "metadata": { "name": "boats.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": "boats", "kind": "Boat", "singular": "boat" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {
                    "status": {},
                    "scale": { "specReplicasPath": ".spec.crew", "statusReplicasPath": ".status.crew" },
                },
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": { "type": "object", "properties": {
                        "crew": { "type": "integer", "minimum": 0, "default": 2 },
                        "sail": { "type": "string" },
                    } },
                    "status": { "type": "object", "properties": { "crew": { "type": "integer" } } },
                } } },
            }],
        },
    }))
}

fn boats(client: &Client) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("example.com", "v1", "Boat"), "boats");
    Api::namespaced_with(client.clone(), "default", &resource)
}

fn boat(name: &str, spec: Value) -> DynamicObject {
    of(json!({ "apiVersion": "example.com/v1", "kind": "Boat", "metadata": { "name": name }, "spec": spec }))
}

#[tokio::test]
async fn trap_13_a_custom_resource_is_served_as_soon_as_its_definition_is_made() {
    let (plane, client) = plane().await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &definition()).await.unwrap();
    let api = boats(&client);
    let made = api.create(&PostParams::default(), &boat("a", json!({ "sail": "red", "keel": 1 }))).await.unwrap();
    assert_eq!(made.data["spec"], json!({ "sail": "red", "crew": 2 }), "defaulted and pruned");
    let refused = api.create(&PostParams::default(), &boat("b", json!({ "crew": -1 }))).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(it) if it.code == 422 && it.message.contains("spec.crew")));
    let groups = client.list_api_groups().await.unwrap();
    assert!(groups.groups.iter().any(|it| it.name == "example.com"));
    let five = Patch::Merge(json!({ "spec": { "replicas": 5 } }));
    let scaled = api.patch_scale("a", &PatchParams::default(), &five).await.unwrap();
    assert_eq!(scaled.spec.unwrap().replicas, Some(5));
    assert_eq!(api.get("a").await.unwrap().data["spec"]["crew"], 5);
    definitions.delete("boats.example.com", &DeleteParams::default()).await.unwrap();
    gone(&definitions, "boats.example.com").await;
    assert!(matches!(api.list(&ListParams::default()).await.unwrap_err(), kube::Error::Api(it) if it.code == 404));
    plane.stop().await;
}

#[tokio::test]
async fn a_new_default_is_seen_in_objects_that_were_made_before_it() {
    let (plane, client) = plane().await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &definition()).await.unwrap();
    let api = boats(&client);
    api.create(&PostParams::default(), &boat("a", json!({}))).await.unwrap();
    let add = json!([{
        "op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/sail/default",
        "value": "white",
    }]);
    let patch = Patch::<()>::Json(serde_json::from_value(add).unwrap());
    definitions.patch("boats.example.com", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(api.get("a").await.unwrap().data["spec"]["sail"], "white");
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items[0].data["spec"]["sail"], "white");
    plane.stop().await;
}

#[tokio::test]
async fn trap_10_status_and_spec_do_not_touch_each_other() {
    let (plane, client) = plane().await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &definition()).await.unwrap();
    let api = boats(&client);
    let made = api.create(&PostParams::default(), &boat("a", json!({ "crew": 1 }))).await.unwrap();
    assert_eq!(made.metadata.generation, Some(1));
    let both =
        Patch::Merge(json!({ "spec": { "crew": 7 }, "status": { "crew": 7 }, "metadata": { "labels": { "a": "b" } } }));
    let status = api.patch_status("a", &PatchParams::default(), &both).await.unwrap();
    assert_eq!((&status.data["spec"]["crew"], &status.data["status"]["crew"]), (&json!(1), &json!(7)));
    assert!(status.metadata.labels.is_none() && status.metadata.generation == Some(1));
    let other = Patch::Merge(json!({ "spec": { "crew": 3 }, "status": { "crew": 9 } }));
    let main = api.patch("a", &PatchParams::default(), &other).await.unwrap();
    assert_eq!((&main.data["spec"]["crew"], &main.data["status"]["crew"]), (&json!(3), &json!(7)));
    assert_eq!(main.metadata.generation, Some(2));
    plane.stop().await;
}

#[tokio::test]
async fn trap_8_applying_owns_fields_and_conflicts_name_their_owner() {
    let (plane, client) = plane().await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let object = |value: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "k": value } });
    let one = PatchParams::apply("one");
    let made = api.patch("a", &one, &Patch::Apply(object("1"))).await.unwrap();
    let again = api.patch("a", &one, &Patch::Apply(object("1"))).await.unwrap();
    assert_eq!(again.resource_version(), made.resource_version(), "the same apply changes nothing");
    let conflict = api.patch("a", &PatchParams::apply("two"), &Patch::Apply(object("2"))).await.unwrap_err();
    let kube::Error::Api(conflict) = conflict else { panic!("{conflict}") };
    assert_eq!((conflict.code, conflict.details.unwrap().causes[0].field.as_str()), (409, ".data.k"));
    assert!(conflict.message.contains("conflict with \"one\""), "{}", conflict.message);
    let forced = api.patch("a", &PatchParams::apply("two").force(), &Patch::Apply(object("2"))).await.unwrap();
    assert_eq!(forced.data.unwrap()["k"], "2");
    let empty = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
    let dropped = api.patch("a", &PatchParams::apply("two"), &Patch::Apply(empty)).await.unwrap();
    assert!(dropped.data.is_none_or(|it| it.is_empty()));
    plane.stop().await;
}

#[tokio::test]
async fn a_streaming_list_ends_its_first_part_with_a_marked_bookmark() {
    let (plane, client) = plane().await;
    make_config_map(&client, "default", json!({ "name": "a" })).await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let config = watcher::Config::default().streaming_lists();
    let stream = watcher(api, config).default_backoff();
    futures::pin_mut!(stream);
    let mut seen = Vec::new();
    loop {
        match stream.try_next().await.unwrap().unwrap() {
            watcher::Event::InitApply(it) => seen.push(it.name_any()),
            watcher::Event::InitDone => break,
            _ => {}
        }
    }
    assert_eq!(seen, ["a"]);
    plane.stop().await;
}

#[tokio::test]
async fn an_eviction_deletes_the_pod_it_is_meant_for() {
    let (plane, client) = plane().await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let pod = json!({ "metadata": { "name": "p" }, "spec": { "containers": [{ "name": "c", "image": "i" }] } });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    // The client spells the options otherwise than the API does, so this is said by hand.
    let another = json!({ "metadata": { "name": "p" }, "deleteOptions": { "preconditions": { "uid": "another" } } });
    let request = http::Request::post("/api/v1/namespaces/default/pods/p/eviction")
        .header("content-type", "application/json")
        .body(another.to_string().into_bytes())
        .unwrap();
    let refused = client.request_text(request).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(it) if it.code == 409));
    pods.evict("p", &kube::api::EvictParams::default()).await.unwrap();
    assert!(pods.get_opt("p").await.unwrap().is_none(), "nothing runs it, so it goes at once");
    plane.stop().await;
}
