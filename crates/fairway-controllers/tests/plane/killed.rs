//! Controllers that die after any of their writes: those that come after them end where nobody died.

use std::sync::atomic::Ordering;

use anyhow::{Result, bail, ensure};
use fairway_api::v1alpha1::Component;
use fairway_testkit::mortal;
use kube::api::DeleteParams;
use serde_json::Value;

use crate::support::{PROJECT, WEB, World, objects, release, settled_state};

/// Everything that is asked for, as far as there is a namespace for it; true once it serves.
async fn asked_and_serving(world: &World) -> Result<bool> {
    let wanted = release('1', "hello");
    Ok(world.declare().await?
        && world.wish(&wanted).await?
        && world.is_serving(&fairway_plan::release::name(&wanted)).await?)
}

/// How many writes a life may have: with one, somebody dies after every single write.
pub(crate) const LIVES: [usize; 4] = [1, 2, 3, 7];

/// Lets controllers die after every `writes` writes and rise again, until `done`. Returns how many died.
pub(crate) async fn die_until(world: &World, writes: usize, done: impl AsyncFn() -> Result<bool>) -> Result<usize> {
    for deaths in 0..500 {
        let (client, dead) = mortal(&world.plane, writes);
        let doomed = world.controllers_with(&client);
        let ended = async || Ok(dead.load(Ordering::SeqCst) || done().await?);
        let over = world.until("the controllers die or are done", ended).await;
        doomed.stop().await;
        over?;
        if !dead.load(Ordering::SeqCst) {
            return Ok(deaths);
        }
    }
    bail!("five hundred lives of {writes} writes were not enough")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_the_controllers_end_where_nobody_was_killed() -> Result<()> {
    let world = World::start().await?;
    world.until("it serves", async || asked_and_serving(&world).await).await?;
    world.still().await?;
    let undisturbed = settled_state(&world).await?;
    world.stop().await?;
    for writes in LIVES {
        let mut world = World::empty().await?;
        let deaths = die_until(&world, writes, async || asked_and_serving(&world).await).await?;
        ensure!(deaths * writes > 10, "only {deaths} died after {writes} writes");
        world.revive();
        world.still().await?;
        let state = settled_state(&world).await?;
        let differs = |(key, value): &(&String, &Value)| undisturbed.get(*key) != Some(*value);
        let strange: Vec<_> = state.iter().filter(differs).collect();
        let lost: Vec<_> = undisturbed.keys().filter(|it| !state.contains_key(*it)).collect();
        ensure!(lost.is_empty() && strange.is_empty(), "lives of {writes} writes: {lost:?} lost, {strange:#?}");
        world.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_of_a_removal_nothing_is_left_behind() -> Result<()> {
    let mut world = World::start().await?;
    world.declared().await?;
    let api = world.api::<Component>(PROJECT);
    api.delete(WEB, &DeleteParams::default()).await?;
    let gone = async || Ok(api.get_opt(WEB).await?.is_none());
    world.until("the component is gone", gone).await?;
    world.still().await?;
    let fresh = objects(&world).await?;
    for writes in LIVES {
        world.until("it serves", async || asked_and_serving(&world).await).await?;
        if let Some(living) = world.retire() {
            living.stop().await;
        }
        api.delete(WEB, &DeleteParams::default()).await?;
        die_until(&world, writes, gone).await?;
        world.revive();
        world.until("nothing is left", async || Ok(objects(&world).await? == fresh)).await?;
    }
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controllers_that_are_stopped_before_they_have_seen_anything_end() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    for _ in 0..20 {
        world.controllers_with(&world.client).stop().await;
    }
    world.stop().await
}
