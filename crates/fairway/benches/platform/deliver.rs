//! How long until what was wished for serves: first deploys, next releases, rollbacks.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use fairway_api::v1alpha1::{Component, ComponentSpec, Delivery, DeliverySpec, Environment, Release};
use fairway_clock::{Clock, SystemClock};
use futures::{StreamExt, TryStreamExt};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::{Value, json};

use super::home::Home;
use super::report;
use super::service::Service;

const PROJECT: &str = "sandbox";
const NAMESPACE: &str = "sandbox--staging";
/// How many services are deployed, each once, then to a next release and back.
const ROUNDS: usize = 7;
/// How often the gateway is asked, and for how long.
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(30);

struct Bench<'a> {
    clock: &'a SystemClock,
    service: Service,
    releases: Api<Release>,
    components: Api<Component>,
    deliveries: Api<Delivery>,
    browser: HttpClient<HttpConnector, Empty<Bytes>>,
    gateway_port: u16,
}

/// From the write to the first answer, and to the moment the status says so.
#[derive(Default)]
struct Times {
    answered: Vec<Duration>,
    told: Vec<Duration>,
}

pub(crate) async fn all(home: &Home, clock: &SystemClock) -> Result<()> {
    let client = home.client()?;
    let bench = Bench {
        clock,
        service: Service::build(home)?,
        releases: Api::namespaced(client.clone(), PROJECT),
        components: Api::namespaced(client.clone(), PROJECT),
        deliveries: Api::namespaced(client.clone(), NAMESPACE),
        browser: HttpClient::builder(TokioExecutor::new()).build_http(),
        gateway_port: home.gateway_port()?,
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
        let from = self.deliveries.list_metadata(&ListParams::default()).await?.metadata.resource_version;
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
            while self.greeting(name).await.as_deref() != Some(greeting) {
                ensure!(since() < PATIENCE, "{name} did not answer {greeting:?} in {PATIENCE:?}");
                tokio::time::sleep(LOOK).await;
            }
            Ok(since())
        };
        let told = async {
            self.current(name, release, &from.unwrap_or_default()).await?;
            Ok(since())
        };
        let ((), answered, told) = tokio::try_join!(wish, answered, told)?;
        times.answered.push(answered);
        times.told.push(told);
        Ok(())
    }

    /// Watches until the status says that this release serves.
    async fn current(&self, name: &str, release: &str, from: &str) -> Result<()> {
        let only = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(60);
        let mut events = self.deliveries.watch(&only, from).await?.boxed();
        while let Some(event) = events.try_next().await? {
            if let WatchEvent::Added(it) | WatchEvent::Modified(it) = event
                && let Some(status) = it.status
                && status.current.as_ref().is_some_and(|it| it.release_name == release)
            {
                return Ok(());
            }
        }
        bail!("{name} did not come to {release} in a minute")
    }

    /// What the service says, if it says anything.
    async fn greeting(&self, name: &str) -> Option<String> {
        let request = http::Request::get(format!("http://127.0.0.1:{}/", self.gateway_port))
            .header(http::header::HOST, format!("{name}.staging.{PROJECT}.localhost"))
            .body(Empty::new())
            .ok()?;
        let response = self.browser.request(request).await.ok()?;
        let bytes = response.into_body().collect().await.ok()?.to_bytes();
        let page: Value = serde_json::from_slice(&bytes).ok()?;
        page["greeting"].as_str().map(str::to_owned)
    }
}
