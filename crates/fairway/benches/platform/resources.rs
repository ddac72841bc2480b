//! How long it takes until a database can be used: server, database, logins and connection, on an image that is there.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_api::conditions::{READY, is_true};
use fairway_api::v1alpha1::{DeletionPolicy, Resource, ResourceSpec};
use fairway_clock::{Clock, SystemClock};
use kube::Api;
use kube::api::{DeleteParams, PostParams};

use super::home::{self, Home};
use super::report;
use super::watching::{LOOK, now, until};

/// How many databases are made, one after the other.
const ROUNDS: usize = 5;
/// How long one that was removed may take to go.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn all(home: &Home, clock: &SystemClock) -> Result<()> {
    if let Err(why) = image(home).await {
        println!("not measured: resource ready: {why:#}");
        return Ok(());
    }
    let resources: Api<Resource> = Api::namespaced(home.client()?, "sandbox--staging");
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let name = format!("bench-db-{round}");
        let from = now(&resources).await?;
        let started = clock.monotonic();
        resources.create(&PostParams::default(), &database(&name)).await?;
        let ready = |it: &Resource| it.status.as_ref().is_some_and(|it| is_true(&it.conditions, READY));
        until(&resources, &name, &from, ready).await?;
        times.push(clock.monotonic().saturating_sub(started));
        remove(&resources, &name, clock).await?;
    }
    report::times("resource ready, postgres", "the resource's creation", "its connection can be used", times);
    Ok(())
}

/// Made before: how long that takes is a row of its own.
async fn image(home: &Home) -> Result<()> {
    let mut command = Command::new(home::program());
    command.args(["base", "build", "postgres-15"]).env("FAIRWAY_HOME", home.path("home")).stdin(Stdio::null());
    let output = tokio::process::Command::from(command).output().await.context("start the command")?;
    ensure!(output.status.success(), "base build: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn database(name: &str) -> Resource {
    let deletion_policy = DeletionPolicy::Discard;
    Resource::new(name, ResourceSpec { class_name: "postgres".to_owned(), deletion_policy, ..ResourceSpec::default() })
}

async fn remove(resources: &Api<Resource>, name: &str, clock: &SystemClock) -> Result<()> {
    resources.delete(name, &DeleteParams::default()).await?;
    let started = clock.monotonic();
    while resources.get_metadata_opt(name).await?.is_some() {
        ensure!(clock.monotonic().saturating_sub(started) < PATIENCE, "{name} did not go in {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
