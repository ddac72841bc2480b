//! The life of a Delivery, from first to last.

use anyhow::{Context, Result};
use fairway_api::v1alpha1::{Component, Delivery, Release};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::support::{PROJECT, STAGING, WEB, World, objects, release};

/// The image, the settings and the number of instances that run.
async fn running(world: &World) -> Result<(String, String, i32)> {
    let deployment = world.api::<Deployment>(STAGING).get(WEB).await?;
    let spec = deployment.spec.context("a spec")?;
    let container = spec.template.spec.context("a pod")?.containers.remove(0);
    let config = container.env_from.and_then(|it| it.into_iter().next()).and_then(|it| it.config_map_ref);
    let config = config.context("settings")?.name;
    let data = world.api::<ConfigMap>(STAGING).get(&config).await?.data.unwrap_or_default();
    Ok((container.image.unwrap_or_default(), data["GREETING"].clone(), spec.replicas.unwrap_or(0)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_is_delivered_updated_scaled_rolled_back_and_leaves_nothing_behind() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    let _ = world.still().await?;
    let mut fresh = objects(&world).await?;
    fresh.retain(|it| !it.starts_with("Component"));

    let (one, two) = (release('1', "hello"), release('2', "good day"));
    world.wish(&one).await?;
    world.serves(&one).await?;
    let first = running(&world).await?;
    assert_eq!((first.0.ends_with(&"1".repeat(64)), first.1.as_str(), first.2), (true, "hello", 1));
    let status = world.delivery().await?.status.context("a status")?;
    assert_eq!(status.current.as_ref().map(|it| (it.version.as_str(), it.number)), Some(("v0.1.0", 1)));
    assert_eq!(status.url.as_deref(), Some("http://web.staging.shop.localhost:8080"));

    world.wish(&two).await?;
    world.serves(&two).await?;
    assert_eq!(running(&world).await?.1, "good day");

    let scale = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
    world.api::<Delivery>(STAGING).patch_scale(WEB, &PatchParams::default(), &scale).await?;
    world.until("three serve", async || Ok(world.said().await?.1.contains("serves with 3 of 3"))).await?;
    assert!(world.is_serving(&fairway_plan::release::name(&two)).await?, "scaling keeps the release");

    world.wish(&one).await?;
    world.serves(&one).await?;
    assert_eq!(running(&world).await?, (first.0, first.1, 3), "image and settings are those of before");
    let status = world.delivery().await?.status.context("a status")?;
    assert_eq!(status.previous.map(|it| it.version).as_deref(), Some("v0.1.1"));
    let maps = world.api::<ConfigMap>(STAGING).list(&ListParams::default().labels("fairway.dev/component")).await?;
    assert_eq!(maps.items.len(), 1, "settings of versions that serve no more are pruned");

    world.api::<Component>(PROJECT).delete(WEB, &DeleteParams::default()).await?;
    world.until("only what was there before is left", async || Ok(objects(&world).await? == fresh)).await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_never_becomes_ready_is_taken_back_and_the_last_good_one_goes_on() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    let (good, bad, next) = (release('1', "hello"), release('b', "oops"), release('3', "better"));
    world.wish(&good).await?;
    world.serves(&good).await?;
    world.wish(&bad).await?;
    let refused = async || Ok(world.said().await?.0 == "HealthCheckFailed");
    world.until("the second version is refused", refused).await?;
    let (_, summary) = world.said().await?;
    assert!(summary.starts_with("v0.1.1 was refused by its health check"), "{summary}");
    assert!(summary.contains("container web exited with code 7"), "{summary}");
    assert!(summary.ends_with("v0.1.0 goes on serving"), "{summary}");
    let (image, greeting, _) = running(&world).await?;
    assert_eq!((image.ends_with(&"1".repeat(64)), greeting.as_str()), (true, "hello"));
    let bad_release = world.api::<Release>(PROJECT).get(&fairway_plan::release::name(&bad)).await?;
    assert!(bad_release.status.context("a status")?.proven_in.is_empty(), "it proved itself nowhere");

    // The newest wish pre-empts, and what the failed one left behind goes.
    world.wish(&next).await?;
    world.serves(&next).await?;
    let maps = world.api::<ConfigMap>(STAGING).list(&ListParams::default().labels("fairway.dev/component")).await?;
    assert_eq!(maps.items.len(), 1);
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_set_of_controllers_finds_nothing_to_write() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    let one = release('1', "hello");
    world.wish(&one).await?;
    world.serves(&one).await?;
    let settled = world.still().await?;
    let second = world.controllers_with(&world.client);
    assert_eq!(world.still().await?, settled, "looking again writes nothing");
    second.stop().await;
    world.stop().await
}
