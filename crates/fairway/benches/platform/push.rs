//! How long until a push is what runs: a pipeline of one step that does nothing, a release, a delivery.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fairway_api::v1alpha1::{Component, PipelineRun};
use fairway_clock::{Clock, SystemClock};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Client, ResourceExt};

use super::gateway::Browser;
use super::git::{Clone, Push};
use super::home::Home;
use super::service::Service;
use super::watching::{LOOK, now, until};
use super::{create, plain, report};

const NAME: &str = "pushed";
/// How many pushes are measured. The one before them is the service's first delivery.
const ROUNDS: usize = 7;
const PATIENCE: Duration = Duration::from_secs(60);
/// The step says when it runs.
const PIPELINE: &str = "apiVersion: fairway.dev/v1alpha1
kind: Pipeline
steps:
  - name: only
    toolchain: rust
    network: []
    run: date +%s.%N
refs:
  - { match: main, release: true, deliverTo: [staging] }
";

struct Bench<'a> {
    clock: &'a SystemClock,
    client: Client,
    clone: Clone,
    runs: Api<PipelineRun>,
    deployments: Api<Deployment>,
    browser: Browser,
}

/// From the push on.
#[derive(Default)]
struct Times {
    taken: Vec<Duration>,
    begun: Vec<Duration>,
    applied: Vec<Duration>,
    answered: Vec<Duration>,
}

pub(crate) async fn all(home: &Home, service: &Service, clock: &SystemClock) -> Result<()> {
    let client = home.client()?;
    let components: Api<Component> = Api::namespaced(client.clone(), "sandbox");
    create::create(&components, NAME).await?;
    let bench = Bench {
        clock,
        clone: Clone::of(home, NAME)?,
        runs: Api::namespaced(client.clone(), "sandbox"),
        deployments: Api::namespaced(client.clone(), "sandbox--staging"),
        browser: Browser::new(home.gateway_port()?),
        client,
    };
    let mut times = Times::default();
    for round in 0..=ROUNDS {
        let greeting = format!("push {round}");
        let push = bench.clone.commit(&[
            (".fairway/pipeline.yaml", PIPELINE.to_owned()),
            ("score.yaml", service.score_of(NAME)),
            ("config/default.yaml", format!("GREETING: {greeting}\n")),
        ])?;
        if round == 0 {
            bench.push(&push, &greeting, &mut Times::default()).await?;
        } else {
            bench.push(&push, &greeting, &mut times).await?;
        }
    }
    components.delete(NAME, &DeleteParams::default()).await?;
    times.report();
    Ok(())
}

impl Times {
    fn report(self) {
        let from = "the request that pushes one commit";
        report::times("push taken", from, "the answer that it is on the disk and in the ledger", self.taken);
        report::times("push to first step", from, "the first step's command running", self.begun);
        report::times(
            "push to applied",
            from,
            "its release in the Deployment, after a step that does nothing",
            self.applied,
        );
        report::times("push to URL", from, "the gateway's first answer by that commit", self.answered);
    }
}

impl Bench<'_> {
    async fn push(&self, push: &Push, greeting: &str, times: &mut Times) -> Result<()> {
        let from = now(&self.deployments).await?;
        let before = self.deployments.get_opt(NAME).await?.and_then(|it| it.metadata.generation).unwrap_or(0);
        let (at, started) = (self.clock.now(), self.clock.monotonic());
        let since = || self.clock.monotonic().saturating_sub(started);
        let taken = async {
            self.clone.send(&self.client, push).await?;
            anyhow::Ok(since())
        };
        let applied = async {
            let changed = |it: &Deployment| it.metadata.generation.is_some_and(|it| it > before);
            until(&self.deployments, NAME, &from, changed).await?;
            Ok(since())
        };
        let answered = async {
            while self.browser.greeting(NAME).await.as_deref() != Some(greeting) {
                ensure!(since() < PATIENCE, "{NAME} did not answer {greeting:?} in {PATIENCE:?}");
                tokio::time::sleep(LOOK).await;
            }
            Ok(since())
        };
        let (taken, applied, answered) = tokio::try_join!(taken, applied, answered)?;
        times.taken.push(taken);
        times.applied.push(applied);
        times.answered.push(answered);
        let began = self.stamp(&self.ended(&push.commit).await?).await?;
        times.begun.push(began.duration_since(at).try_into().context("the step ran before it was pushed")?);
        Ok(())
    }

    /// The run of a commit, when it is over.
    async fn ended(&self, commit: &str) -> Result<String> {
        for _ in 0..PATIENCE.as_millis() {
            let runs = self.runs.list(&ListParams::default()).await?;
            let over = |it: &&PipelineRun| it.status.as_ref().is_some_and(|it| it.completion_time.is_some());
            if let Some(run) = runs.items.iter().filter(|it| it.spec.commit == commit).find(over) {
                return Ok(run.name_any());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("the run of {commit} did not end in {PATIENCE:?}")
    }

    /// When its step ran, as the step says.
    async fn stamp(&self, run: &str) -> Result<Timestamp> {
        let path = format!("/hub/v1/projects/sandbox/runs/{run}/steps/only/log");
        let said = self.client.request_text(http::Request::get(path).body(vec![])?).await?;
        plain::stamp(said.trim()).with_context(|| format!("the step said {said:?}"))
    }
}
