//! How fast a plane answers, over HTTPS and in-process: creates, lists, reads, and a change told to many watchers.

#![expect(clippy::print_stdout, reason = "the figures are what it is started for")]

use std::time::{Duration, Instant};

use fairway_testkit::TestPlane;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

fn config_map(name: &str) -> ConfigMap {
    let value = json!({ "metadata": { "name": name }, "data": { "key": "x".repeat(900) } });
    serde_json::from_value(value).expect("a ConfigMap")
}

async fn remote(path: &std::path::Path) -> anyhow::Result<Client> {
    let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
async fn creates(label: &str, clients: &[Client], parallel: usize, count: usize) -> anyhow::Result<()> {
    let start = Instant::now();
    let made = futures::stream::iter(0..count)
        .map(|it| {
            let api: Api<ConfigMap> = Api::namespaced(clients[it % clients.len()].clone(), "default");
            let name = format!("{label}-{parallel}-{it}");
            async move { api.create(&PostParams::default(), &config_map(&name)).await }
        })
        .buffer_unordered(parallel)
        .try_fold(0, |sum, _| async move { Ok(sum + 1) })
        .await?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{label:10} creates at {parallel:3}: {:8.0} per second ({made})", f64::from(made) / seconds);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
async fn reads(label: &str, client: &Client) -> anyhow::Result<()> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let mut times = Vec::new();
    for _ in 0..500 {
        let start = Instant::now();
        client
            .request_text(http::Request::get("/api/v1/namespaces/default/configmaps/inside-1-1").body(vec![])?)
            .await?;
        times.push(start.elapsed());
    }
    times.sort();
    println!("{label:10} GET p50: {:?}, p99: {:?}", times[250], times[495]);
    let count = api.list_metadata(&ListParams::default()).await?.items.len();
    for _ in 0..3 {
        let start = Instant::now();
        let text =
            client.request_text(http::Request::get("/api/v1/namespaces/default/configmaps").body(vec![])?).await?;
        println!("{label:10} list of {count}: {:?} ({} bytes)", start.elapsed(), text.len());
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
async fn fan_out(label: &str, clients: &[Client], watchers: usize) -> anyhow::Result<()> {
    let api = |it: usize| Api::<ConfigMap>::namespaced(clients[it % clients.len()].clone(), "kube-public");
    let version = api(0).list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
    let mut streams = Vec::new();
    for it in 0..watchers {
        streams.push(api(it).watch(&WatchParams::default().timeout(60), &version).await?.boxed());
    }
    for round in 0..5 {
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        let mut back = Vec::new();
        for mut stream in std::mem::take(&mut streams) {
            tasks.spawn(async move {
                let event = stream.try_next().await;
                (matches!(event, Ok(Some(WatchEvent::Added(_)))), start.elapsed(), stream)
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let sent = start.elapsed();
        api(0).create(&PostParams::default(), &config_map(&format!("{label}-{watchers}-{round}"))).await?;
        let (made, mut last) = (start.elapsed().saturating_sub(sent), Duration::ZERO);
        while let Some(it) = tasks.join_next().await {
            let (told, at, stream) = it?;
            anyhow::ensure!(told, "a watcher was told something else");
            last = last.max(at);
            back.push(stream);
        }
        println!(
            "{label:10} {watchers} watchers: create {made:?}, the last has it after {:?}",
            last.saturating_sub(sent)
        );
        streams = back;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let plane = TestPlane::guarded().await?;
    let (_, kubeconfig) = plane.serve().await?;
    let inside = [plane.client()];
    let mut outside = Vec::new();
    for _ in 0..4 {
        outside.push(remote(&kubeconfig).await?);
    }
    let scale: usize = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(1);
    for (parallel, count) in [(1, 300), (8, 1000), (64, 4000)] {
        creates("inside", &inside, parallel, count * scale).await?;
        creates("https", &outside, parallel, count * scale).await?;
    }
    reads("inside", &inside[0]).await?;
    reads("https", &outside[0]).await?;
    fan_out("inside", &inside, 1000).await?;
    fan_out("https", &outside, 1000).await?;
    plane.stop().await;
    Ok(())
}
