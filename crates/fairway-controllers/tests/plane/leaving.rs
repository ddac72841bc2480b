//! What is being removed says what it waits for.

use anyhow::Result;
use fairway_api::v1alpha1::{Component, Delivery, Environment, Project};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::{PROJECT, STAGING, WEB, World, release};

fn said<K: serde::Serialize>(found: Option<K>) -> Result<(String, String)> {
    let tree = serde_json::to_value(found)?;
    let conditions = tree["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.into_iter().find(|it| it["type"] == "Ready").unwrap_or_default();
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    Ok((text(&ready["reason"]), text(&tree["status"]["summary"])))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_removed_says_what_goes_first() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    let wanted = release('1', "hello");
    world.wish(&wanted).await?;
    world.serves(&wanted).await?;
    // Somebody outside holds something of each.
    let held = json!({ "metadata": { "finalizers": ["example.com/held"] } });
    let hold = PatchParams::default();
    world
        .api::<Delivery>(STAGING)
        .patch(
            WEB,
            &hold,
            &Patch::Json::<()>(serde_json::from_value(json!([
                { "op": "add", "path": "/metadata/finalizers/-", "value": "example.com/held" },
            ]))?),
        )
        .await?;
    let mut map = ConfigMap::default();
    map.metadata.name = Some("held".to_owned());
    let maps = world.api::<ConfigMap>(STAGING);
    maps.create(&PostParams::default(), &map).await?;
    maps.patch("held", &hold, &Patch::Merge(&held)).await?;

    world.api::<Component>(PROJECT).delete(WEB, &DeleteParams::default()).await?;
    let expected = ("Deleting".to_owned(), "it is being removed; what runs of it goes first: staging".to_owned());
    let component = async || Ok(said(world.api::<Component>(PROJECT).get_opt(WEB).await?)? == expected);
    world.until("the component says so", component).await?;

    world.everywhere::<Project>().delete(PROJECT, &DeleteParams::default()).await?;
    let project = async || {
        let (reason, summary) = said(world.everywhere::<Project>().get_opt(PROJECT).await?)?;
        Ok(reason == "Deleting"
            && summary.starts_with("it is being removed; its environments go first: ")
            && summary.contains("staging"))
    };
    world.until("the project says so", project).await?;
    let expected = format!("it is being removed; namespace {STAGING} with all in it goes first");
    let environment = async || Ok(said(world.api::<Environment>(PROJECT).get_opt("staging").await?)?.1 == expected);
    world.until("the environment says so", environment).await?;

    let free = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    maps.patch("held", &hold, &free).await?;
    world.api::<Delivery>(STAGING).patch(WEB, &hold, &free).await?;
    let gone = async || {
        let namespace = world.everywhere::<Namespace>().get_opt(STAGING).await?;
        Ok(namespace.is_none() && world.everywhere::<Project>().get_opt(PROJECT).await?.is_none())
    };
    world.until("all of it is gone", gone).await?;
    world.stop().await
}
