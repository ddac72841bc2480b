//! Waiting until an object is as it should be: by a watch, so that it is seen as soon as it is so.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fairway_clock::{Clock, SystemClock};
use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::api::{DeleteParams, ListParams, WatchEvent, WatchParams};
use serde::de::DeserializeOwned;

/// How long what is waited for may take, in seconds.
const PATIENCE: u32 = 60;
/// How long one that was removed may take to go.
const GOING: Duration = Duration::from_secs(60);
/// How often what cannot be watched is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(1);

/// Where a watch begins that is to miss nothing from now on.
pub(crate) async fn now<K: Clone + DeserializeOwned + Debug>(api: &Api<K>) -> Result<String> {
    let version = api.list_metadata(&ListParams::default()).await?.metadata.resource_version;
    version.context("a list has a version")
}

/// Watches one object from there on until it is so.
pub(crate) async fn until<K: Clone + DeserializeOwned + Debug>(
    api: &Api<K>,
    name: &str,
    from: &str,
    holds: impl Fn(&K) -> bool,
) -> Result<()> {
    let only = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(PATIENCE);
    let mut events = api.watch(&only, from).await?.boxed();
    while let Some(event) = events.try_next().await? {
        if let WatchEvent::Added(it) | WatchEvent::Modified(it) = event
            && holds(&it)
        {
            return Ok(());
        }
    }
    bail!("{name} did not become what was waited for in {PATIENCE} s")
}

/// Removes an object and waits until it is gone.
pub(crate) async fn remove<K: Clone + DeserializeOwned + Debug>(
    api: &Api<K>,
    name: &str,
    clock: &SystemClock,
) -> Result<()> {
    api.delete(name, &DeleteParams::default()).await?;
    let started = clock.monotonic();
    while api.get_metadata_opt(name).await?.is_some() {
        ensure!(clock.monotonic().saturating_sub(started) < GOING, "{name} did not go in {GOING:?}");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
