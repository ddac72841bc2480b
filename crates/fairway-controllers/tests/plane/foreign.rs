//! What is not ours is told apart, refused, and left as it is.

use anyhow::{Context, Result};
use fairway_api::v1alpha1::{Delivery, Environment, Project};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::support::{PROJECT, STAGING, WEB, World, environment, project, release, team};

async fn make_namespace(world: &World, name: &str) -> Result<Namespace> {
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
    Ok(world.everywhere::<Namespace>().create(&PostParams::default(), &namespace).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_that_is_not_ours_is_refused_until_it_is_handed_over() -> Result<()> {
    let world = World::start().await?;
    let before = make_namespace(&world, "legacy").await?;
    world.make(&world.everywhere(), &team()).await?;
    world.make(&world.everywhere(), &project("legacy")).await?;
    let ready = async || -> Result<String> {
        let status = world.everywhere::<Project>().get("legacy").await?.status.unwrap_or_default();
        Ok(status.conditions.iter().find(|it| it.type_ == "Ready").map(|it| it.reason.clone()).unwrap_or_default())
    };
    world.until("the namespace is taken", async || Ok(ready().await? == "NamespaceTaken")).await?;
    let namespaces = world.everywhere::<Namespace>();
    assert_eq!(namespaces.get("legacy").await?.labels(), before.labels());
    let summary = world.everywhere::<Project>().get("legacy").await?.status.context("a status")?.explanation.summary;
    assert!(summary.contains("fairway.dev/owner=Project/legacy"), "it says the way out: {summary}");

    let mark = json!({ "metadata": { "annotations": { "fairway.dev/owner": "Project/legacy" } } });
    namespaces.patch("legacy", &PatchParams::default(), &Patch::Merge(mark)).await?;
    world.until("it is in force", async || Ok(ready().await? == "NamespaceInForce")).await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_takes_no_namespace_of_others_and_deletes_none() -> Result<()> {
    let world = World::start().await?;
    world.make(&world.everywhere(), &team()).await?;
    world.make(&world.everywhere(), &project(PROJECT)).await?;
    let theirs = make_namespace(&world, STAGING).await?;
    let api: Api<Environment> = world.api(PROJECT);
    world.until("it is made", async || world.make(&api, &environment("staging")).await).await?;
    let taken = async || {
        let status = api.get("staging").await?.status.unwrap_or_default();
        Ok(status.conditions.iter().any(|it| it.type_ == "Ready" && it.reason == "NamespaceTaken"))
    };
    world.until("the namespace is taken", taken).await?;
    api.delete("staging", &DeleteParams::default()).await?;
    world.until("it is gone", async || Ok(api.get_opt("staging").await?.is_none())).await?;
    let after = world.everywhere::<Namespace>().get(STAGING).await?;
    assert_eq!((after.uid(), after.metadata.deletion_timestamp), (theirs.uid(), None));
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_not_ours_is_refused_and_untouched() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    let services = world.api::<Service>(STAGING);
    let theirs = json!({ "metadata": { "name": WEB }, "spec": { "ports": [{ "port": 1234 }] } });
    let theirs = services.create(&PostParams::default(), &serde_json::from_value(theirs)?).await?;
    let wanted = release('1', "hello");
    world.wish(&wanted).await?;
    world.until("the service is taken", async || Ok(world.said().await?.0 == "ObjectTaken")).await?;
    assert!(world.said().await?.1.starts_with("Service/web exists in shop--staging and belongs to somebody else"));
    assert_eq!(services.get(WEB).await?.resource_version(), theirs.resource_version());
    let maps = world.api::<ConfigMap>(STAGING).list(&ListParams::default().labels("fairway.dev/component")).await?;
    assert!(maps.items.is_empty(), "nothing was applied by halves");
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_very_object_that_was_applied_is_pruned() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    let (one, two) = (release('1', "hello"), release('2', "good day"));
    world.wish(&one).await?;
    world.serves(&one).await?;
    world.still().await?;
    let maps = world.api::<ConfigMap>(STAGING);
    let all = maps.list(&ListParams::default().labels("fairway.dev/component")).await?.items;
    let name = all.first().context("the settings")?.name_any();
    // Somebody deletes the settings and makes an object of the same name.
    maps.delete(&name, &DeleteParams::default()).await?;
    let theirs = json!({ "metadata": { "name": name }, "data": { "THEIRS": "yes" } });
    let theirs = maps.create(&PostParams::default(), &serde_json::from_value(theirs)?).await?;
    world.wish(&two).await?;
    world.serves(&two).await?;
    world.still().await?;
    let after = maps.get(&name).await.context("their object is still there")?;
    assert_eq!((after.uid(), after.resource_version()), (theirs.uid(), theirs.resource_version()));
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_was_deleted_is_made_again_unless_somebody_else_did() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    let wanted = release('1', "hello");
    world.wish(&wanted).await?;
    world.serves(&wanted).await?;
    let services = world.api::<Service>(STAGING);
    let restart = async |word: &str| {
        let patch = Patch::Merge(json!({ "spec": { "restart": word } }));
        world.api::<Delivery>(STAGING).patch(WEB, &PatchParams::default(), &patch).await
    };
    services.delete(WEB, &DeleteParams::default()).await?;
    restart("one").await?;
    world.until("it is made again", async || Ok(services.get_opt(WEB).await?.is_some())).await?;
    world.serves(&wanted).await?;

    let theirs = json!({ "metadata": { "name": WEB }, "spec": { "ports": [{ "port": 1234 }] } });
    let theirs: Service = serde_json::from_value(theirs)?;
    // A pass under way may be quicker than somebody else: then again.
    let replaced = async || {
        services.delete(WEB, &DeleteParams::default()).await?;
        Ok(services.create(&PostParams::default(), &theirs).await.is_ok())
    };
    world.until("somebody else makes one", replaced).await?;
    let theirs = services.get(WEB).await?;
    restart("two").await?;
    world.until("the service is taken", async || Ok(world.said().await?.0 == "ObjectTaken")).await?;
    assert_eq!(services.get(WEB).await?.resource_version(), theirs.resource_version());
    world.stop().await
}
