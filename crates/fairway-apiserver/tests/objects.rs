//! Objects through a real client: made, read, listed, watched, changed, deleted.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use fairway_testkit::TestPlane;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;

async fn plane() -> (TestPlane, Client) {
    let plane = TestPlane::start().await.unwrap();
    let client = plane.client();
    (plane, client)
}

fn config_map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "labels": { "value": value } }, "data": { "key": value },
    }))
    .unwrap()
}

async fn make(client: &Client, name: &str, value: &str) -> ConfigMap {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    api.create(&PostParams::default(), &config_map(name, value)).await.unwrap()
}

#[tokio::test]
async fn an_object_lives_from_create_to_delete() {
    let (plane, client) = plane().await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let made = make(&client, "one", "a").await;
    assert!(made.uid().is_some() && made.resource_version().is_some() && made.creation_timestamp().is_some());
    let mut read = api.get("one").await.unwrap();
    assert_eq!(read, made);
    read.data.get_or_insert_default().insert("key".into(), "b".into());
    let replaced = api.replace("one", &PostParams::default(), &read).await.unwrap();
    assert_ne!(replaced.resource_version(), made.resource_version());
    let stale = api.replace("one", &PostParams::default(), &made).await.unwrap_err();
    assert!(matches!(stale, kube::Error::Api(it) if it.code == 409 && it.message.contains("has been modified")));
    let patch = Patch::Merge(json!({ "data": { "more": "c" } }));
    let patched = api.patch("one", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data.unwrap().len(), 2);
    api.delete("one", &DeleteParams::default()).await.unwrap();
    assert!(api.get_opt("one").await.unwrap().is_none());
    plane.stop().await;
}

#[tokio::test]
async fn a_write_that_changes_nothing_keeps_the_revision_and_tells_nobody() {
    let (plane, client) = plane().await;
    let made = make(&client, "one", "a").await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let before = plane.store().revision();
    let again = api.replace("one", &PostParams::default(), &made).await.unwrap();
    assert_eq!(again.resource_version(), made.resource_version());
    assert_eq!(plane.store().revision(), before);
    plane.stop().await;
}

#[tokio::test]
async fn a_list_is_paged_at_the_revision_of_its_first_page() {
    let (plane, client) = plane().await;
    for name in ["a", "b", "c", "d", "e"] {
        make(&client, name, "x").await;
    }
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let first = api.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.metadata.remaining_item_count, Some(3));
    api.delete("d", &DeleteParams::default()).await.unwrap();
    let token = first.metadata.continue_.unwrap();
    let rest = api.list(&ListParams::default().continue_token(&token)).await.unwrap();
    let names: Vec<String> = rest.items.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["c", "d", "e"]);
    assert_eq!(rest.metadata.resource_version, first.metadata.resource_version);
    plane.stop().await;
}

#[tokio::test]
async fn a_watch_from_a_list_tells_every_change_once_and_in_order() {
    let (plane, client) = plane().await;
    make(&client, "old", "a").await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let list = api.list(&ListParams::default()).await.unwrap();
    let version = list.metadata.resource_version.unwrap();
    let events = api.watch(&WatchParams::default(), &version).await.unwrap();
    make(&client, "new", "a").await;
    api.patch("new", &PatchParams::default(), &Patch::Merge(json!({ "data": { "key": "b" } }))).await.unwrap();
    api.delete("old", &DeleteParams::default()).await.unwrap();
    let seen: Vec<String> = events.take(3).map_ok(|it| told(&it)).try_collect().await.unwrap();
    assert_eq!(seen, ["added new", "modified new", "deleted old"]);
    plane.stop().await;
}

fn told(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Added(it) => format!("added {}", it.name_any()),
        WatchEvent::Modified(it) => format!("modified {}", it.name_any()),
        WatchEvent::Deleted(it) => format!("deleted {}", it.name_any()),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(it) => format!("error {}", it.code),
    }
}

#[tokio::test]
async fn an_object_that_leaves_a_selector_is_told_as_deleted_with_what_it_was() {
    let (plane, client) = plane().await;
    let made = make(&client, "one", "in").await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let parameters = WatchParams::default().labels("value=in");
    let mut events = api.watch(&parameters, &made.resource_version().unwrap()).await.unwrap().boxed();
    let label = |it: &str| Patch::Merge(json!({ "metadata": { "labels": { "value": it } } }));
    let left = api.patch("one", &PatchParams::default(), &label("out")).await.unwrap();
    api.patch("one", &PatchParams::default(), &label("in")).await.unwrap();
    let WatchEvent::Deleted(gone) = events.try_next().await.unwrap().unwrap() else { panic!("it left") };
    assert_eq!(gone.labels()["value"], "in");
    assert_eq!(gone.resource_version(), left.resource_version());
    let back = events.try_next().await.unwrap().unwrap();
    assert_eq!(told(&back), "added one");
    plane.stop().await;
}

#[tokio::test]
async fn finalizers_hold_an_object_until_the_last_is_removed() {
    let (plane, client) = plane().await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let mut object = config_map("held", "a");
    object.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    api.create(&PostParams::default(), &object).await.unwrap();
    for _ in 0..2 {
        let held = api.delete("held", &DeleteParams::default()).await.unwrap().left().unwrap();
        assert!(held.metadata.deletion_timestamp.is_some());
    }
    let more = Patch::Merge(json!({ "metadata": { "finalizers": ["example.com/hold", "example.com/more"] } }));
    let refused = api.patch("held", &PatchParams::default(), &more).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(it) if it.code == 422));
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    api.patch("held", &PatchParams::default(), &none).await.unwrap();
    assert!(api.get_opt("held").await.unwrap().is_none());
    plane.stop().await;
}

#[tokio::test]
async fn nothing_is_made_in_a_namespace_that_is_not_there() {
    let (plane, client) = plane().await;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "nowhere");
    let refused = api.create(&PostParams::default(), &config_map("one", "a")).await.unwrap_err();
    assert!(
        matches!(refused, kube::Error::Api(it) if it.code == 404 && it.message == "namespaces \"nowhere\" not found")
    );
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let first: Vec<String> =
        namespaces.list(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any).collect();
    assert_eq!(first, ["default", "kube-node-lease", "kube-public", "kube-system"]);
    plane.stop().await;
}

#[tokio::test]
async fn a_name_is_generated_where_only_its_base_is_given() {
    let (plane, client) = plane().await;
    let api: Api<Pod> = Api::namespaced(client.clone(), "default");
    let pod = json!({
        "metadata": { "generateName": "worker-" },
        "spec": { "containers": [{ "name": "c", "image": "example.test/c:1" }] },
    });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let made = api.create(&PostParams::default(), &pod).await.unwrap();
    assert!(made.name_any().starts_with("worker-") && made.name_any().len() == "worker-".len() + 5);
    plane.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_who_make_the_same_object_at_once_one_does() {
    let (plane, client) = plane().await;
    let mut makers = tokio::task::JoinSet::new();
    for number in 0..100 {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
        let wanted: ConfigMap = serde_json::from_value(json!({
            "metadata": { "name": "one" }, "data": { "by": number.to_string() },
        }))
        .unwrap();
        makers.spawn(async move { maps.create(&PostParams::default(), &wanted).await });
    }
    let answers = makers.join_all().await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    let taken = |it: &kube::Error| matches!(it, kube::Error::Api(it) if it.code == 409 && it.reason == "AlreadyExists");
    assert!(refused.iter().all(|it| it.as_ref().is_err_and(taken)));
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    assert_eq!(maps.get("one").await.unwrap().data, made.into_iter().next().unwrap().unwrap().data);
    plane.stop().await;
}
