//! How long until a service has its repository.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use fairway_api::v1alpha1::{Component, ComponentSpec, ComponentTemplate};
use fairway_clock::{Clock, SystemClock};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt};

use super::home::{self, Home};
use super::watching::{now, remove, until};
use super::{git, report};

/// How many services are made in each way.
const ROUNDS: usize = 7;

/// A component of the template that comes with the platform.
pub(crate) fn component(name: &str) -> Component {
    of_template(name, ComponentTemplate { name: "rust-service".to_owned(), ..ComponentTemplate::default() })
}

/// One with a database of its own.
fn with_database(name: &str) -> Component {
    let parameters = [("database".to_owned(), "postgres".into())].into_iter().collect();
    of_template(name, ComponentTemplate { name: "python-service".to_owned(), parameters, version: None })
}

fn of_template(name: &str, template: ComponentTemplate) -> Component {
    Component::new(name, ComponentSpec { template: Some(template), ..ComponentSpec::default() })
}

/// Makes a service, and waits until its repository is there.
pub(crate) async fn create(components: &Api<Component>, name: &str) -> Result<()> {
    make(components, name, &component(name)).await
}

async fn make(components: &Api<Component>, name: &str, component: &Component) -> Result<()> {
    let from = now(components).await?;
    let has_repository = |it: &Component| it.status.as_ref().is_some_and(|it| it.repository.is_some());
    let made = async { Ok(components.create(&PostParams::default(), component).await.map(|_| ())?) };
    tokio::try_join!(made, until(components, name, &from, has_repository)).map(|_| ())
}

pub(crate) async fn all(home: &Home, clock: &SystemClock) -> Result<()> {
    let client = home.client()?;
    let components: Api<Component> = Api::namespaced(client.clone(), "sandbox");
    let (mut written, mut with_databases, mut commanded) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let of_both = [
            ("written", component as fn(&str) -> Component, &mut written),
            ("stored", with_database, &mut with_databases),
        ];
        for (kind, component, times) in of_both {
            let name = format!("{kind}-{round}");
            let started = clock.monotonic();
            make(&components, &name, &component(&name)).await?;
            find(&components, &name).await?;
            times.push(clock.monotonic().saturating_sub(started));
            check_and_remove(&client, &components, &name, clock).await?;
        }

        let name = format!("commanded-{round}");
        let started = clock.monotonic();
        command(home, &name).await?;
        commanded.push(clock.monotonic().saturating_sub(started));
        check_and_remove(&client, &components, &name, clock).await?;
    }
    let to = "its repository on the disk, and named in the list of components";
    report::times("create-service", "the component's creation", to, written);
    report::times("create-service with database", "the component's creation", to, with_databases);
    report::times("create-service, the command", "starting `platform create-service`", "its end", commanded);
    Ok(())
}

/// Finds it with its repository among all.
async fn find(components: &Api<Component>, name: &str) -> Result<()> {
    let all = components.list(&ListParams::default()).await?;
    let found = all.items.iter().find(|it| it.name_any() == name).context("it is not in the list")?;
    ensure!(found.status.as_ref().is_some_and(|it| it.repository.is_some()), "{name} has no repository");
    Ok(())
}

async fn command(home: &Home, name: &str) -> Result<()> {
    let mut command = Command::new(home::program());
    command.args(["create-service", "--name", name, "--language=rust"]);
    command.env("FAIRWAY_HOME", home.path("home")).current_dir(home.path("")).stdin(Stdio::null());
    let output = tokio::process::Command::from(command).output().await.context("start the command")?;
    ensure!(output.status.success(), "create-service: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Looks whether the repository is served, and removes the service: its first run is not to stand in the way of others.
async fn check_and_remove(client: &Client, components: &Api<Component>, name: &str, clock: &SystemClock) -> Result<()> {
    git::serves(client, name).await?;
    remove(components, name, clock).await
}
