//! What kubectl waits for and shows of all this. Where there is no kubectl nothing is shown, and the test says so.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use fairway_testkit::kubectl::{programs, say_skipped};
use k8s_openapi::api::apps::v1::StatefulSet;

use crate::support::Cluster;

/// A command, and what it must print.
type Line = (&'static str, &'static [&'static str]);

/// Runs one command, while the Pods get on.
async fn run(cluster: &Cluster, program: &PathBuf, config: &PathBuf, line: &'static str) -> Result<Output> {
    let mut command = Command::new(program);
    command.args(line.split_whitespace());
    let home = cluster.plane.folder();
    command.env_clear().env("KUBECONFIG", config).env("HOME", home).env("PATH", "/usr/bin:/bin");
    let running = tokio::task::spawn_blocking(move || command.output());
    cluster.until(line, async || Ok(running.is_finished())).await?;
    running.await?.context("run kubectl")
}

async fn play(cluster: &Cluster, scene: &[Line]) -> Result<()> {
    let Some(program) = programs().pop() else {
        say_skipped("what kubectl shows of workloads");
        return Ok(());
    };
    let (_, config) = cluster.plane.serve().await?;
    for (line, expected) in scene {
        let output = run(cluster, &program, &config, line).await?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if !output.status.success() || !expected.iter().all(|it| text.contains(it)) {
            bail!("{line} does not say {expected:?} but:\n{text}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_waits_for_jobs_and_makes_them_of_cron_jobs() -> Result<()> {
    let cluster = Cluster::start().await?;
    play(
        &cluster,
        &[
            ("create job once --image=exit-0", &["job.batch/once created"]),
            ("wait --for=condition=complete job/once --timeout=30s", &["job.batch/once condition met"]),
            ("get jobs", &["once", "Complete", "1/1"]),
            (
                "describe job once",
                &["Completions:      1", "Job completed", "0 Active (0 Ready) / 1 Succeeded / 0 Failed"],
            ),
            ("create cronjob tick --image=exit-0 --schedule=@yearly", &["cronjob.batch/tick created"]),
            ("get cronjobs", &["tick", "@yearly", "False"]),
            ("create job now --from=cronjob/tick", &["job.batch/now created"]),
            ("wait --for=condition=complete job/now --timeout=30s", &["job.batch/now condition met"]),
            ("create job never --image=exit-4", &["job.batch/never created"]),
            ("patch job never -p {\"spec\":{\"backoffLimit\":0}}", &["patched"]),
            ("wait --for=condition=failed job/never --timeout=30s", &["job.batch/never condition met"]),
            ("get jobs never", &["Failed", "0/1"]),
            ("delete job once now never", &["job.batch \"once\" deleted"]),
        ],
    )
    .await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_follows_the_rollout_of_a_stateful_set_and_takes_it_back() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.make::<StatefulSet>(crate::stateful::db(&serde_json::json!({ "replicas": 2 }))).await?;
    play(
        &cluster,
        &[
            ("rollout status sts/db --timeout=30s", &["partitioned roll out complete: 2 new pods have been updated"]),
            ("get sts", &["db", "2/2"]),
            ("set image sts/db c=a:2", &["statefulset.apps/db image updated"]),
            ("rollout status sts/db --timeout=30s", &["partitioned roll out complete: 2 new pods have been updated"]),
            ("get pods -o jsonpath={.items[*].spec.containers[0].image}", &["a:2 a:2"]),
            ("rollout history sts/db", &["REVISION", "1 ", "2 "]),
            ("rollout undo sts/db", &["statefulset.apps/db rolled back"]),
            ("rollout status sts/db --timeout=30s", &["partitioned roll out complete: 2 new pods have been updated"]),
            ("get pods -o jsonpath={.items[*].spec.containers[0].image}", &["a:1 a:1"]),
            ("scale sts db --replicas=1", &["statefulset.apps/db scaled"]),
            ("wait --for=delete pod/db-1 --timeout=30s", &[]),
            ("get controllerrevisions", &["statefulset.apps/db"]),
            ("describe sts db", &["1 desired | 1 total", "create Pod db-1 in StatefulSet db successful"]),
            ("rollout restart sts/db", &["statefulset.apps/db restarted"]),
            ("rollout status sts/db --timeout=30s", &["partitioned roll out complete: 1 new pods have been updated"]),
        ],
    )
    .await?;
    cluster.stop().await
}
