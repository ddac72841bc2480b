//! How long until what was wished for serves: first deploys, next releases, rollbacks.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fairway_api::v1alpha1::{Component, ComponentSpec, Delivery, DeliverySpec, Environment, Release};
use fairway_clock::{Clock, SystemClock};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

use super::gateway::Browser;
use super::home::Home;
use super::report;
use super::service::Service;
use super::watching::{LOOK, now, until};

const PROJECT: &str = "sandbox";
const NAMESPACE: &str = "sandbox--staging";
/// How many services are deployed, each once, then to a next release and back.
const ROUNDS: usize = 7;
/// How long what is waited for may take.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bench<'a> {
    clock: &'a SystemClock,
    service: &'a Service,
    releases: Api<Release>,
    components: Api<Component>,
    deliveries: Api<Delivery>,
    browser: Browser,
}

/// From the write to the first answer, and to the moment the status says so.
#[derive(Default)]
struct Times {
    answered: Vec<Duration>,
    told: Vec<Duration>,
}

pub(crate) async fn all(home: &Home, service: &Service, clock: &SystemClock) -> Result<()> {
    let client = home.client()?;
    let bench = Bench {
        clock,
        service,
        releases: Api::namespaced(client.clone(), PROJECT),
        components: Api::namespaced(client.clone(), PROJECT),
        deliveries: Api::namespaced(client.clone(), NAMESPACE),
        browser: Browser::new(home.gateway_port()?),
    };
    environment_is_ready(&Api::namespaced(client, PROJECT)).await?;
    let (mut first, mut next, mut back) = (Times::default(), Times::default(), Times::default());
    for round in 0..ROUNDS {
        let name = format!("bench-{round}");
        bench.components.create(&PostParams::default(), &Component::new(&name, ComponentSpec::default())).await?;
        let one = bench.release(&name, "one").await?;
        let two = bench.release(&name, "two").await?;
        bench.deliver(&name, &one, "one", &mut first).await?;
        bench.deliver(&name, &two, "two", &mut next).await?;
        bench.deliver(&name, &one, "one", &mut back).await?;
        bench.deliveries.delete(&name, &DeleteParams::default()).await?;
    }
    first.report("deploy of a built release", "the Delivery's creation");
    next.report("deploy of the next release", "the Delivery's change");
    back.report("rollback", "the Delivery's change back");
    Ok(())
}

impl Times {
    fn report(self, name: &str, from: &str) {
        report::times(name, from, "the gateway's first answer by that release", self.answered);
        report::times(&format!("{name}, told"), from, "`status.current` naming it", self.told);
    }
}

async fn environment_is_ready(environments: &Api<Environment>) -> Result<()> {
    for _ in 0..PATIENCE.as_millis() {
        let it = environments.get_opt("staging").await?;
        let conditions = it.and_then(|it| it.status).map(|it| it.conditions).unwrap_or_default();
        if conditions.iter().any(|it| it.type_ == "Ready" && it.status == "True") {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("the environment did not become ready in {PATIENCE:?}")
}

impl Bench<'_> {
    /// A release that is known, but nowhere delivered.
    async fn release(&self, component: &str, greeting: &str) -> Result<String> {
        let release = self.service.release(component, greeting);
        let name = release.metadata.name.clone().context("a release has a name")?;
        self.releases.create(&PostParams::default(), &release).await?;
        for _ in 0..PATIENCE.as_millis() {
            if self.releases.get(&name).await?.status.is_some_and(|it| it.number.is_some()) {
                return Ok(name);
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("release {name} got no number in {PATIENCE:?}")
    }

    /// Wishes for a release and waits for it, by asking the gateway and by watching the status.
    async fn deliver(&self, name: &str, release: &str, greeting: &str, times: &mut Times) -> Result<()> {
        let from = now(&self.deliveries).await?;
        let started = self.clock.monotonic();
        let since = || self.clock.monotonic().saturating_sub(started);
        let wish = async {
            let spec = DeliverySpec { release_name: release.to_owned(), ..DeliverySpec::default() };
            if greeting == "one" && self.deliveries.get_metadata_opt(name).await?.is_none() {
                self.deliveries.create(&PostParams::default(), &Delivery::new(name, spec)).await?;
            } else {
                let patch = Patch::Merge(json!({ "spec": { "releaseName": release } }));
                self.deliveries.patch(name, &PatchParams::default(), &patch).await?;
            }
            anyhow::Ok(())
        };
        let answered = async {
            while self.browser.greeting(name).await.as_deref() != Some(greeting) {
                ensure!(since() < PATIENCE, "{name} did not answer {greeting:?} in {PATIENCE:?}");
                tokio::time::sleep(LOOK).await;
            }
            Ok(since())
        };
        let told = async {
            let current = |it: &Delivery| it.status.as_ref()?.current.clone();
            until(&self.deliveries, name, &from, |it| current(it).is_some_and(|it| it.release_name == release)).await?;
            Ok(since())
        };
        let ((), answered, told) = tokio::try_join!(wish, answered, told)?;
        times.answered.push(answered);
        times.told.push(told);
        Ok(())
    }
}
