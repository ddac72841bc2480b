//! Jobs.

use anyhow::{Result, ensure};
use k8s_openapi::api::batch::v1::{Job, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::{Cluster, phase};

/// A Job whose image says how its Pods end.
pub(crate) fn once(image: &str, extra: &Value) -> Value {
    let mut job = json!({
        "metadata": { "name": "once" },
        "spec": { "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": image }] } } },
    });
    for (key, value) in extra.as_object().into_iter().flatten() {
        job["spec"][key] = value.clone();
    }
    job
}

async fn status(cluster: &Cluster) -> Result<JobStatus> {
    Ok(cluster.api::<Job>().get("once").await?.status.unwrap_or_default())
}

/// The reason for which a condition holds.
async fn reason(cluster: &Cluster, kind: &str) -> Result<Option<String>> {
    let conditions = status(cluster).await?.conditions.unwrap_or_default();
    Ok(conditions.into_iter().find(|it| it.type_ == kind && it.status == "True").and_then(|it| it.reason))
}

async fn ends(cluster: &Cluster, kind: &str, wanted: &str) -> Result<()> {
    let what = format!("{kind} for {wanted}");
    cluster.until(&what, async || Ok(reason(cluster, kind).await?.as_deref() == Some(wanted))).await
}

/// Ended well, failed.
async fn counts(cluster: &Cluster) -> Result<(i32, i32)> {
    let it = status(cluster).await?;
    let rest = it.uncounted_terminated_pods.unwrap_or_default();
    assert_eq!((it.active, rest.succeeded, rest.failed), (None, None, None));
    Ok((it.succeeded.unwrap_or(0), it.failed.unwrap_or(0)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_twice_and_then_succeeds_is_complete() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.make::<Job>(once("fails-2", &json!({}))).await?;
    ends(&cluster, "Complete", "CompletionsReached").await?;
    assert_eq!(reason(&cluster, "SuccessCriteriaMet").await?.as_deref(), Some("CompletionsReached"));
    assert_eq!(counts(&cluster).await?, (1, 2));
    let it = status(&cluster).await?;
    assert!(it.start_time.is_some() && it.completion_time.is_some());
    // Its Pods stay, named after it, and nothing holds them.
    let pods = cluster.all::<Pod>().await?;
    assert_eq!(pods.len(), 3);
    for pod in pods {
        assert!(pod.name_any().starts_with("once-") && pod.finalizers().is_empty(), "{pod:?}");
        assert_eq!(pod.labels()["batch.kubernetes.io/job-name"], "once");
    }
    let completed = async || Ok(cluster.events("Completed").await? == ["Job completed"]);
    cluster.until("it is said", completed).await?;
    cluster.api::<Job>().delete("once", &DeleteParams::background()).await?;
    cluster.until("its pods go with it", async || Ok(cluster.names::<Pod>().await?.is_empty())).await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_fails_at_its_limit_its_deadline_and_its_policy() -> Result<()> {
    let rules = json!([{ "action": "FailJob", "onExitCodes": { "operator": "In", "values": [42] } }]);
    for (image, extra, why, failed) in [
        ("exit-3", json!({ "backoffLimit": 1 }), "BackoffLimitExceeded", 2),
        ("runs", json!({ "activeDeadlineSeconds": 1 }), "DeadlineExceeded", 1),
        ("exit-42", json!({ "podFailurePolicy": { "rules": rules } }), "PodFailurePolicy", 1),
        (
            "runs",
            json!({ "backoffLimitPerIndex": 1, "completionMode": "Indexed", "completions": 1 }),
            "NotSupported",
            0,
        ),
    ] {
        let cluster = Cluster::start().await?;
        cluster.make::<Job>(once(image, &extra)).await?;
        ends(&cluster, "Failed", why).await?;
        assert_eq!(reason(&cluster, "FailureTarget").await?.as_deref(), Some(why));
        assert_eq!(counts(&cluster).await?, (0, failed), "{why}");
        let said = async || Ok(cluster.events(why).await?.len() == 1);
        cluster.until("it is said", said).await?;
        cluster.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_suspended_resumed_and_gone_while_it_runs() -> Result<()> {
    let cluster = Cluster::start().await?;
    let suspend = async |it: bool| {
        let patch = Patch::Merge(json!({ "spec": { "suspend": it } }));
        cluster.api::<Job>().patch("once", &PatchParams::default(), &patch).await
    };
    cluster.make::<Job>(once("runs", &json!({ "parallelism": 2, "completions": 2, "suspend": true }))).await?;
    ends(&cluster, "Suspended", "JobSuspended").await?;
    assert!(cluster.all::<Pod>().await?.is_empty() && status(&cluster).await?.start_time.is_none());
    suspend(false).await?;
    let running = async || Ok(cluster.all::<Pod>().await?.iter().filter(|it| phase(it) == "Running").count() == 2);
    cluster.until("two run", running).await?;
    suspend(true).await?;
    cluster.until("none is left", async || Ok(cluster.all::<Pod>().await?.is_empty())).await?;
    ends(&cluster, "Suspended", "JobSuspended").await?;
    assert_eq!(status(&cluster).await?.failed, None, "nobody failed");
    suspend(false).await?;
    cluster.until("two run again", running).await?;
    // Foreground: the Job goes last, and lets its Pods go before.
    cluster.api::<Job>().delete("once", &DeleteParams::foreground()).await?;
    let gone = async || Ok(cluster.all::<Job>().await?.is_empty() && cluster.all::<Pod>().await?.is_empty());
    cluster.until("all is gone", gone).await?;
    cluster.make::<Job>(once("exit-0", &json!({ "ttlSecondsAfterFinished": 0 }))).await?;
    cluster.until("it went when it was over", gone).await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_indexed_job_has_a_pod_for_each_number() -> Result<()> {
    let cluster = Cluster::start().await?;
    let indexed = json!({ "completionMode": "Indexed", "completions": 3, "parallelism": 2 });
    cluster.make::<Job>(once("fails-1", &indexed)).await?;
    ends(&cluster, "Complete", "CompletionsReached").await?;
    assert_eq!(counts(&cluster).await?, (3, 1));
    assert_eq!(status(&cluster).await?.completed_indexes.as_deref(), Some("0-2"));
    let mut done: Vec<String> = Vec::new();
    for pod in cluster.all::<Pod>().await?.iter().filter(|it| phase(it) == "Succeeded") {
        let index = &pod.annotations()["batch.kubernetes.io/job-completion-index"];
        let spec = pod.spec.as_ref().expect("a spec");
        assert!(pod.name_any().starts_with(&format!("once-{index}-")));
        assert_eq!(spec.hostname.as_deref(), Some(format!("once-{index}").as_str()));
        assert_eq!(spec.containers[0].env.as_ref().expect("variables")[0].name, "JOB_COMPLETION_INDEX");
        done.push(index.clone());
    }
    done.sort();
    assert_eq!(done, ["0", "1", "2"]);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_each_pod_counts_once() -> Result<()> {
    for writes in [1, 2, 5] {
        let cluster = Cluster::empty().await?;
        cluster.make::<Job>(once("fails-1", &json!({ "parallelism": 2, "completions": 3 }))).await?;
        let complete = async || Ok(reason(&cluster, "Complete").await?.is_some());
        let deaths = cluster.die_until(writes, "it is complete", complete).await?;
        ensure!(deaths * writes > 8, "only {deaths} died after {writes} writes");
        let pods = cluster.all::<Pod>().await?;
        let ended = |wanted: &str| i32::try_from(pods.iter().filter(|it| phase(it) == wanted).count()).unwrap_or(-1);
        assert_eq!(counts(&cluster).await?, (ended("Succeeded"), ended("Failed")));
        assert!((3..5).contains(&ended("Succeeded")), "{writes} writes");
        cluster.stop().await?;
    }
    Ok(())
}
