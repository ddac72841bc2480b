//! How long it takes to be told why a service is not as wanted: its new version was refused, and is gone.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_api::v1alpha1::{Component, ComponentSpec, Delivery, DeliverySpec, Release};
use fairway_clock::{Clock, SystemClock};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::process::Command;

use super::home::{Home, program};
use super::report;
use super::service::Service;

const NAME: &str = "bench-why";
const ROUNDS: usize = 7;
const LOOK: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn all(home: &Home, service: &Service, clock: &SystemClock) -> Result<()> {
    let client = home.client()?;
    let components: Api<Component> = Api::namespaced(client.clone(), "sandbox");
    let releases: Api<Release> = Api::namespaced(client.clone(), "sandbox");
    let deliveries: Api<Delivery> = Api::namespaced(client, "sandbox--staging");
    components.create(&PostParams::default(), &Component::new(NAME, ComponentSpec::default())).await?;
    let good = service.release(NAME, "one");
    let mut bad = service.release(NAME, "two").spec;
    bad.workload["containers"]["web"]["readinessProbe"]["httpGet"]["path"] = json!("/helthz");
    bad.workload["annotations"]["fairway.dev/ready-within"] = json!("2s");
    let bad = Release::new(&fairway_plan::release::name(&bad), bad);
    for it in [&good, &bad] {
        releases.create(&PostParams::default(), it).await?;
    }
    let name_of = |it: &Release| it.metadata.name.clone().unwrap_or_default();
    let spec = DeliverySpec { release_name: name_of(&good), ..DeliverySpec::default() };
    deliveries.create(&PostParams::default(), &Delivery::new(NAME, spec)).await?;
    until(&deliveries, clock, "Ready", &name_of(&good)).await?;
    let wish = Patch::Merge(json!({ "spec": { "releaseName": name_of(&bad) } }));
    deliveries.patch(NAME, &PatchParams::default(), &wish).await?;
    until(&deliveries, clock, "Stalled", &name_of(&bad)).await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = clock.monotonic();
        let asked = Command::new(program())
            .args(["why", NAME, "--env=staging", "-o", "json"])
            .env("FAIRWAY_HOME", home.path("home"))
            .output()
            .await
            .context("start platform why")?;
        times.push(clock.monotonic().saturating_sub(started));
        let said: Value = serde_json::from_slice(&asked.stdout).context("read the cause")?;
        ensure!(said["kind"] == "WrongProbePath", "the cause is another: {said:#}");
    }
    report::times("why", "starting `platform why`", "its end, the cause of a refused version told", times);
    deliveries.delete(NAME, &DeleteParams::default()).await?;
    Ok(())
}

/// Waits until a condition of the Delivery of this release is true.
async fn until(deliveries: &Api<Delivery>, clock: &SystemClock, kind: &str, release: &str) -> Result<()> {
    let started = clock.monotonic();
    loop {
        let it = deliveries.get(NAME).await?;
        let status = it.status.unwrap_or_default();
        let seen = status.observed_generation == it.metadata.generation && it.spec.release_name == release;
        if seen && fairway_api::conditions::is_true(&status.conditions, kind) {
            return Ok(());
        }
        let waited = clock.monotonic().saturating_sub(started);
        ensure!(waited < PATIENCE, "{NAME} is not {kind} after {PATIENCE:?}: {}", status.explanation.summary);
        tokio::time::sleep(LOOK).await;
    }
}
