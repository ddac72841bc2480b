//! ResourceQuotas: refused in the words of a real API server, never exceeded however many ask at once, and counted.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use std::time::Duration;

use fairway_testkit::TestPlane;
use futures::future::join_all;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, ResourceQuota};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, watcher};
use serde_json::{Value, json};

fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn pod(name: &str, cpu: Option<&str>) -> Pod {
    let resources = cpu.map_or(json!({}), |cpu| json!({ "requests": { "cpu": cpu } }));
    of(json!({
        "metadata": { "name": name },
        "spec": { "containers": [{ "name": "web", "image": "i", "resources": resources }] },
    }))
}

struct Scene {
    plane: TestPlane,
    pods: Api<Pod>,
    quotas: Api<ResourceQuota>,
}

impl Scene {
    async fn with(hard: Value) -> Self {
        let plane = TestPlane::start().await.unwrap();
        let scene = Self {
            pods: Api::namespaced(plane.client(), "default"),
            quotas: Api::namespaced(plane.client(), "default"),
            plane,
        };
        let quota = json!({ "metadata": { "name": "compute" }, "spec": { "hard": hard } });
        scene.quotas.create(&PostParams::default(), &of(quota)).await.unwrap();
        scene
    }

    async fn make(&self, name: &str, cpu: Option<&str>) -> Result<(), String> {
        match self.pods.create(&PostParams::default(), &pod(name, cpu)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => {
                assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
                Err(status.message)
            }
            Err(other) => Err(other.to_string()),
        }
    }

    /// Waits until the quota says that so much is used.
    async fn used(&self, wanted: Value) {
        let seen = async {
            let mut news = watcher(self.quotas.clone(), watcher::Config::default()).boxed();
            loop {
                let quota = self.quotas.get("compute").await.unwrap();
                if quota.status.is_some_and(|it| json!(it.used) == wanted) {
                    return;
                }
                news.try_next().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the quota is counted");
    }
}

#[tokio::test]
async fn what_is_beyond_a_quota_is_refused_in_known_words() {
    let scene = Scene::with(json!({ "pods": "2", "requests.cpu": "500m" })).await;
    scene.used(json!({ "pods": "0", "requests.cpu": "0" })).await;
    scene.make("one", Some("300m")).await.unwrap();
    let expected = "pods \"big\" is forbidden: exceeded quota: compute, requested: requests.cpu=300m, used: requests.cpu=300m, limited: requests.cpu=500m";
    assert_eq!(scene.make("big", Some("300m")).await.unwrap_err(), expected);
    let unsaid = "pods \"quiet\" is forbidden: failed quota: compute: must specify requests.cpu for: web";
    assert_eq!(scene.make("quiet", None).await.unwrap_err(), unsaid);
    scene.make("two", Some("100m")).await.unwrap();
    scene.used(json!({ "pods": "2", "requests.cpu": "400m" })).await;
    let expected =
        "pods \"three\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=2, limited: pods=2";
    assert_eq!(scene.make("three", Some("100m")).await.unwrap_err(), expected);

    // What is over or gone uses nothing.
    let over = Patch::Merge(json!({ "status": { "phase": "Succeeded" } }));
    scene.pods.patch_status("one", &PatchParams::default(), &over).await.unwrap();
    scene.used(json!({ "pods": "1", "requests.cpu": "100m" })).await;
    scene.make("three", Some("100m")).await.unwrap();
    scene.pods.delete("two", &DeleteParams::default().grace_period(0)).await.unwrap();
    scene.used(json!({ "pods": "1", "requests.cpu": "100m" })).await;
    scene.plane.stop().await;
}

#[tokio::test]
async fn many_who_ask_at_once_get_no_more_than_there_is() {
    let scene = Scene::with(json!({ "pods": "5", "count/configmaps": "100" })).await;
    let names: Vec<String> = (0..20).map(|it| format!("p{it}")).collect();
    let made = join_all(names.iter().map(|it| scene.make(it, None))).await;
    assert_eq!(made.iter().filter(|it| it.is_ok()).count(), 5, "{made:?}");
    let map: ConfigMap = of(json!({ "metadata": { "name": "free" } }));
    let maps: Api<ConfigMap> = Api::namespaced(scene.plane.client(), "default");
    maps.create(&PostParams::default(), &map).await.unwrap();
    scene.plane.stop().await;
}
