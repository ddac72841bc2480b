//! How fast an API answers: durable creates, lists, reads, and a change told to many watchers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_clock::{Clock, SystemClock};
use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ListParams, PostParams, WatchEvent, WatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::task::JoinSet;

use super::report;

/// How long creates go on, for each number of clients.
const CREATING: Duration = Duration::from_secs(4);
/// How many objects are listed.
const LISTED: usize = 10_000;
const READS: usize = 2_000;
const LISTS: usize = 9;
const WATCHERS: usize = 1_000;
const CHANGES: usize = 9;

/// Every row, of an API reached in this way.
pub(crate) async fn all(way: &str, clients: &[Client], clock: &SystemClock) -> Result<()> {
    for parallel in [1, 8, 64] {
        creates(way, clients, parallel, clock).await?;
    }
    reads(way, clients, clock).await?;
    fan_out(way, clients, clock).await
}

/// A ConfigMap of 1 KB.
fn config_map(namespace: &str, name: &str) -> Vec<u8> {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": namespace }, "data": { "key": "x".repeat(900) },
    })
    .to_string()
    .into_bytes()
}

async fn create(client: &Client, namespace: &str, name: &str) -> Result<()> {
    let request = http::Request::post(format!("/api/v1/namespaces/{namespace}/configmaps"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(config_map(namespace, name))?;
    client.request_text(request).await?;
    Ok(())
}

async fn namespace(client: &Client, name: &str) -> Result<()> {
    let namespace: Namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    Ok(())
}

/// Clients that each create one object after the other.
async fn creates(way: &str, clients: &[Client], parallel: usize, clock: &SystemClock) -> Result<()> {
    let space = format!("creates-{parallel}");
    namespace(&clients[0], &space).await?;
    let start = clock.monotonic();
    let clients: FuturesUnordered<_> = (0..parallel)
        .map(|it| {
            let (client, space) = (clients[it % clients.len()].clone(), &space);
            async move {
                let mut times = Vec::new();
                while clock.monotonic().saturating_sub(start) < CREATING {
                    let begun = clock.monotonic();
                    create(&client, space, &format!("c{it}-{}", times.len())).await?;
                    times.push(clock.monotonic().saturating_sub(begun));
                }
                anyhow::Ok(times)
            }
        })
        .collect();
    let mut times = clients.try_concat().await?;
    let elapsed = clock.monotonic().saturating_sub(start);
    times.sort();
    let per_second = times.len() as u128 * 1000 / elapsed.as_millis().max(1);
    let value = format!("{per_second} per s (p50 {})", report::shown(report::median(&times)));
    let name = format!("durable creates of 1 KB, {parallel:2} clients, {way}");
    report::row(&name, "a client's request", "its answer, object and ledger event on disk", &value);
    Ok(())
}

async fn reads(way: &str, clients: &[Client], clock: &SystemClock) -> Result<()> {
    let (client, space) = (&clients[0], "listed");
    namespace(client, space).await?;
    futures::stream::iter(0..LISTED)
        .map(|it| async move { create(&clients[it % clients.len()], space, &format!("c{it}")).await })
        .buffer_unordered(64)
        .try_collect::<Vec<()>>()
        .await?;
    let path = format!("/api/v1/namespaces/{space}/configmaps");
    let timed = async |path: &str, count: usize, bytes: usize| {
        let mut times = Vec::new();
        for _ in 0..count {
            let begun = clock.monotonic();
            let text = client.request_text(http::Request::get(path).body(vec![])?).await?;
            times.push(clock.monotonic().saturating_sub(begun));
            ensure!(text.len() >= bytes, "{path} has {} bytes", text.len());
        }
        times.sort();
        anyhow::Ok(times)
    };
    let times = timed(&path, LISTS, LISTED * 1000).await?;
    report::times(&format!("list of 10,000 x 1 KB, {way}"), "the request", "the last byte of the answer", times);
    let times = timed(&format!("{path}/c5000"), READS, 1000).await?;
    let value =
        format!("{} (p99 {})", report::shown(report::median(&times)), report::shown(times[times.len() * 99 / 100]));
    report::row(&format!("GET p50, {way}"), "the request", "the answer", &value);
    Ok(())
}

/// From the request that creates an object to the moment the last watcher has it.
async fn fan_out(way: &str, clients: &[Client], clock: &SystemClock) -> Result<()> {
    let space = "watched";
    namespace(&clients[0], space).await?;
    let api = |it: usize| Api::<ConfigMap>::namespaced(clients[it % clients.len()].clone(), space);
    let version = api(0).list_metadata(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
    let (heard, mut hearing) = tokio::sync::mpsc::unbounded_channel();
    let mut watchers = JoinSet::new();
    for it in 0..WATCHERS {
        let mut events = api(it).watch(&WatchParams::default().timeout(120), &version).await?.boxed();
        let heard = heard.clone();
        watchers.spawn(async move {
            while let Ok(Some(WatchEvent::Added(it))) = events.try_next().await {
                if it.name_any().starts_with('w') && heard.send(()).is_err() {
                    return;
                }
            }
        });
    }
    let mut times = Vec::new();
    // The first change finds the watches still being set up.
    for change in 0..=CHANGES {
        let begun = clock.monotonic();
        create(&clients[0], space, &format!("w{change}")).await?;
        for _ in 0..WATCHERS {
            tokio::time::timeout(Duration::from_secs(30), hearing.recv()).await?.context("watch")?;
        }
        times.push(clock.monotonic().saturating_sub(begun));
    }
    times.remove(0);
    let to = "the last of 1,000 watchers having it";
    report::times(&format!("watch fan-out to 1,000, {way}"), "the request that creates an object", to, times);
    watchers.shutdown().await;
    Ok(())
}
