//! A controller beside whose objects lies one that cannot be read.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test program")]

use std::convert::Infallible;
use std::sync::Arc;

use fairway_controller::{Controllers, Failure, Kit, Next, among, concerns, controller, list, related, run};
use fairway_testkit::TestPlane;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher;
use kube::{CustomResource, ResourceExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

/// What the server takes anything for, and this program only a number.
#[derive(CustomResource, Debug, Clone, Serialize, Deserialize)]
#[kube(group = "example.com", version = "v1", kind = "Widget", namespaced, schema = "disabled")]
struct WidgetSpec {
    size: i32,
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
struct Never(#[from] Infallible);

impl Failure for Never {
    fn reason(&self) -> &'static str {
        "Never"
    }
}

async fn define(plane: &TestPlane) {
    let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let definition: CustomResourceDefinition = serde_json::from_value(json!({
        "metadata": { "name": "widgets.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": "widgets", "singular": "widget", "kind": "Widget" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": open } }],
        },
    }))
    .unwrap();
    Api::all(plane.client()).create(&PostParams::default(), &definition).await.unwrap();
}

/// Makes a widget as soon as the kind is served.
async fn widget(plane: &TestPlane, name: &str, size: serde_json::Value) {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Widget"));
    let api: Api<DynamicObject> = Api::namespaced_with(plane.client(), "default", &resource);
    let object = serde_json::from_value(json!({
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": name }, "spec": { "size": size },
    }));
    let object: DynamicObject = object.unwrap();
    while let Err(error) = api.create(&PostParams::default(), &object).await {
        assert!(matches!(&error, kube::Error::Api(it) if it.code == 404), "{error}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_read_stops_no_watch_and_no_list() {
    let plane = TestPlane::start().await.unwrap();
    define(&plane).await;
    widget(&plane, "poison", json!("very large")).await;
    widget(&plane, "before", json!(1)).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let kit = Kit::new(plane.client(), plane.world().clone(), "test-controller");
    let controller = controller::<ConfigMap>(&kit.client, watcher::Config::default());
    let own = controller.store();
    let of_widget = move |widget: Widget| among(&own, |it| it.name_any() == format!("for-{}", widget.name_any()));
    let controller = controller.watches(related(&kit.client), watcher::Config::default(), concerns(of_widget));
    let mut controllers = Controllers::default();
    controllers.spawn(move |stop| {
        run(controller, kit, stop, move |map: Arc<ConfigMap>| {
            tell.send(map.name_any()).unwrap();
            async { Ok::<_, Never>(Next::Settled) }
        })
    });
    let maps: Api<ConfigMap> = Api::namespaced(plane.client(), "default");
    let map = serde_json::from_value(json!({ "metadata": { "name": "for-after" } })).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    assert_eq!(told.recv().await.unwrap(), "for-after");
    widget(&plane, "after", json!(2)).await;
    assert_eq!(told.recv().await.unwrap(), "for-after", "it is looked at again because of its widget");
    let read = list::<Widget>(&plane.client(), "default", &ListParams::default()).await.unwrap();
    assert_eq!(read.iter().map(|it| it.spec.size).collect::<Vec<_>>(), [2, 1]);
    controllers.stop().await;
    plane.stop().await;
}
