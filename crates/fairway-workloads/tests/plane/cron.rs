//! CronJobs.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_clock::ManualClock;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::Cluster;

/// Due every minute; its image says how its Pods end.
fn tick(image: &str, extra: &Value) -> Value {
    let job = json!({ "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": image }] } } });
    let mut cron = json!({
        "metadata": { "name": "tick" }, "spec": { "schedule": "* * * * *", "jobTemplate": { "spec": job } },
    });
    for (key, value) in extra.as_object().into_iter().flatten() {
        cron["spec"][key] = value.clone();
    }
    cron
}

/// A minute goes by, and the controller looks at its clock.
async fn minute(cluster: &Cluster, clock: &ManualClock) -> Result<()> {
    clock.advance(Duration::from_secs(60));
    let touch = Patch::Merge(
        json!({ "metadata": { "annotations": { "touched": format!("{:?}", fairway_clock::Clock::monotonic(clock)) } } }),
    );
    cluster.api::<CronJob>().patch("tick", &PatchParams::default(), &touch).await?;
    Ok(())
}

/// The number in the name of the newest Job.
async fn newest(cluster: &Cluster) -> Result<i64> {
    let names = cluster.names::<Job>().await?;
    Ok(names.iter().filter_map(|it| it.strip_prefix("tick-")?.parse().ok()).max().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_made_each_minute_and_only_the_last_are_kept() -> Result<()> {
    let (mut cluster, clock) = Cluster::timed().await?;
    cluster.revive();
    cluster.make::<CronJob>(tick("exit-0", &json!({ "successfulJobsHistoryLimit": 1 }))).await?;
    let mut last = 0;
    for turn in 0..3 {
        minute(&cluster, &clock).await?;
        cluster.until("the next is there", async || Ok(newest(&cluster).await? > last)).await?;
        last = newest(&cluster).await?;
        let over = async || {
            let jobs = cluster.all::<Job>().await?;
            let status = cluster.api::<CronJob>().get("tick").await?.status.context("a status")?;
            let is_over = jobs.iter().all(|it| it.status.as_ref().is_some_and(|it| it.completion_time.is_some()));
            Ok(jobs.len() == 1 && is_over && status.active.is_none() && status.last_successful_time.is_some())
        };
        cluster.until("it is over, and the one before is gone", over).await.with_context(|| format!("turn {turn}"))?;
    }
    let status = cluster.api::<CronJob>().get("tick").await?.status.context("a status")?;
    assert_eq!(status.last_schedule_time.context("a time")?.0.as_second() / 60, last);
    // One that was over before it was ever seen to run is not spoken of.
    let said =
        async || Ok(cluster.events("SawCompletedJob").await?.iter().all(|it| it.ends_with("condition: Complete")));
    cluster.until("it is said", said).await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_runs_is_kept_alone_or_replaced() -> Result<()> {
    let (mut cluster, clock) = Cluster::timed().await?;
    cluster.revive();
    cluster.make::<CronJob>(tick("runs", &json!({ "concurrencyPolicy": "Forbid" }))).await?;
    minute(&cluster, &clock).await?;
    cluster.until("the first runs", async || Ok(cluster.all::<Job>().await?.len() == 1)).await?;
    let first = newest(&cluster).await?;
    minute(&cluster, &clock).await?;
    let refused = async || Ok(!cluster.events("JobAlreadyActive").await?.is_empty());
    cluster.until("the second has to wait", refused).await?;
    assert_eq!((cluster.all::<Job>().await?.len(), newest(&cluster).await?), (1, first));
    let replace = Patch::Merge(json!({ "spec": { "concurrencyPolicy": "Replace" } }));
    cluster.api::<CronJob>().patch("tick", &PatchParams::default(), &replace).await?;
    let replaced = async || Ok(newest(&cluster).await? > first && cluster.all::<Job>().await?.len() == 1);
    cluster.until("the second stands in", replaced).await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_each_time_is_met_once() -> Result<()> {
    for writes in [1, 2] {
        let (cluster, clock) = Cluster::timed().await?;
        cluster.make::<CronJob>(tick("exit-0", &json!({}))).await?;
        clock.advance(Duration::from_secs(60));
        let over = async || {
            let cron = cluster.api::<CronJob>().get("tick").await?;
            Ok(cron.status.is_some_and(|it| it.last_successful_time.is_some() && it.active.is_none()))
        };
        let deaths = cluster.die_until(writes, "it is over", over).await?;
        ensure!(deaths > 2, "only {deaths} died");
        let jobs = cluster.all::<Job>().await?;
        assert_eq!(jobs.len(), 1, "{:?}", jobs.iter().map(ResourceExt::name_any).collect::<Vec<_>>());
        cluster.stop().await?;
    }
    Ok(())
}
