//! Controllers that die after any of their writes: those that come after them end where nobody died.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};

use anyhow::{Result, bail, ensure};
use fairway_api::v1alpha1::Component;
use fairway_store::Store;
use fairway_testkit::administrator;
use kube::Client;
use kube::api::DeleteParams;
use kube::client::Body;
use serde_json::Value;
use tower::Service;

use crate::support::{PROJECT, WEB, World, objects, release, settled_state};

/// The process whose connection ends with its `left`th write.
#[derive(Clone)]
struct Mortal<S> {
    inner: S,
    store: Store,
    left: Arc<AtomicUsize>,
    dead: Arc<AtomicBool>,
}

impl<S> Service<http::Request<Body>> for Mortal<S>
where
    S: Service<http::Request<Body>, Error = std::convert::Infallible> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut it = self.clone();
        Box::pin(async move {
            let gone = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            if it.dead.load(Ordering::SeqCst) {
                return Err(gone());
            }
            let before = it.store.revision();
            let writes = request.method() != http::Method::GET;
            let Ok(answer) = it.inner.call(request).await;
            // A write that changed nothing costs no life. One that did took place; who asked for it never learns of it.
            if writes && it.store.revision() != before {
                let left = it.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                if left.is_ok_and(|left| left > 1) {
                    return Ok(answer);
                }
                it.dead.store(true, Ordering::SeqCst);
                return Err(gone());
            }
            Ok(answer)
        })
    }
}

/// A client that dies after so many writes, and how to see that it did.
fn mortal(world: &World, writes: usize) -> (Client, Arc<AtomicBool>) {
    let dead = Arc::new(AtomicBool::new(false));
    let inner = world.plane.server().service().with_identity(administrator());
    let service = Mortal {
        inner,
        store: world.plane.store().clone(),
        left: Arc::new(AtomicUsize::new(writes)),
        dead: Arc::clone(&dead),
    };
    (Client::new(service, "default"), dead)
}

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
        let (client, dead) = mortal(world, writes);
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
