//! How long it takes until a database can be used: server, database, logins and connection, on an image that is there.

use anyhow::Result;
use fairway_api::conditions::{READY, is_true};
use fairway_api::v1alpha1::{DeletionPolicy, Resource, ResourceSpec};
use fairway_clock::{Clock, SystemClock};
use kube::Api;
use kube::api::PostParams;

use super::home::Home;
use super::watching::{now, remove, until};
use super::{bases, report};

/// How many databases are made, one after the other.
const ROUNDS: usize = 5;

pub(crate) async fn all(home: &Home, clock: &SystemClock) -> Result<()> {
    // Made before: how long that takes is a row of its own.
    if let Err(why) = bases::command(home, "build", "postgres-15", clock).await {
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

fn database(name: &str) -> Resource {
    let deletion_policy = DeletionPolicy::Discard;
    Resource::new(name, ResourceSpec { class_name: "postgres".to_owned(), deletion_policy, ..ResourceSpec::default() })
}
