//! Migrations of one Release while those of another are at work: one Job at a time.

use anyhow::{Result, ensure};
use fairway_api::names::LABEL_MIGRATION;
use fairway_api::v1alpha1::{Migration, MigrationKind, ReleaseMigrations, ReleaseSpec};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::resources::class;
use crate::support::{STAGING, WEB, World, release};

/// A Release whose migration is this command.
fn migrating(image: char, command: &str) -> ReleaseSpec {
    let mut spec = release(image, command);
    spec.workload.insert("resources".to_owned(), json!({ "vault": { "type": "vault" } }));
    let kind = MigrationKind::Compatible;
    let digest = format!("sha256:{}", "0".repeat(64));
    spec.migrations = Some(ReleaseMigrations {
        resource: "vault".to_owned(),
        container: WEB.to_owned(),
        command: vec![command.to_owned()],
        steps: vec![Migration { id: "1".to_owned(), name: "init".to_owned(), digest, kind }],
        within: None,
    });
    spec
}

async fn jobs(world: &World) -> Result<Vec<String>> {
    let of_migrations = ListParams::default().labels(LABEL_MIGRATION);
    let jobs = world.api::<Job>(STAGING).list(&of_migrations).await?.items;
    Ok(jobs.iter().map(ResourceExt::name_any).collect())
}

async fn pods(world: &World) -> Result<Vec<Pod>> {
    Ok(world.api::<Pod>(STAGING).list(&ListParams::default().labels(LABEL_MIGRATION)).await?.items)
}

/// A world in which the migration of a Release is this command, and its Pod is there; with the name of the Job.
async fn at_work(command: &str, phase: Option<&str>) -> Result<(World, String)> {
    let world = World::start().await?;
    world.declared().await?;
    world.make(&world.everywhere(), &class()?).await?;
    let first = migrating('1', command);
    world.until("it is wished for", async || world.wish(&first).await).await?;
    let is_there = |it: &Pod| {
        let said = it.status.as_ref().and_then(|it| it.phase.as_deref());
        phase.is_none_or(|it| said == Some(it))
    };
    world.until("its job has a pod", async || Ok(pods(&world).await?.iter().any(is_there))).await?;
    let jobs = jobs(&world).await?;
    ensure!(jobs.len() == 1, "{jobs:?}");
    Ok((world, jobs[0].clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_an_earlier_release_that_is_at_work_is_waited_for_by_its_name() -> Result<()> {
    let (world, first) = at_work("never-ends", Some("Running")).await?;
    let second = migrating('2', "quick");
    world.until("another is wished for", async || world.wish(&second).await).await?;
    let waits = format!("migration 1 waits for job {first} of an earlier try, which is still at work");
    let says = async || {
        Ok(world.said().await? == ("Migrating".to_owned(), waits.clone() + " and is ended after 3900 s at the latest"))
    };
    world.until("it says what it waits for", says).await?;
    world.still().await?;
    ensure!(jobs(&world).await? == [first.clone()], "no other one has begun");

    deleted_while_its_pod_goes_on(&world, &first).await?;
    world.serves(&second).await?;
    let delivery = world.delivery().await?;
    let schema = delivery.status.and_then(|it| it.schema).unwrap_or_default();
    ensure!(schema.applied.len() == 1 && schema.job.is_none(), "{schema:?}");
    world.stop().await
}

/// Somebody deletes the Job that is at work. Its Pod goes on for a while, as far as anybody knows, and is waited for.
async fn deleted_while_its_pod_goes_on(world: &World, job: &str) -> Result<()> {
    let pod = pods(world).await?.remove(0).name_any();
    let api = world.api::<Pod>(STAGING);
    let finalizers = |it: Option<&str>| Patch::Merge(json!({ "metadata": { "finalizers": it.map(|it| [it]) } }));
    api.patch(&pod, &PatchParams::default(), &finalizers(Some("example.org/held"))).await?;
    world.api::<Job>(STAGING).delete(job, &DeleteParams::default()).await?;
    world.until("its job is gone", async || Ok(jobs(world).await?.is_empty())).await?;
    let waits = format!("migration 1 waits for job {job} of an earlier try, which is still at work");
    world.until("it waits for the pod", async || Ok(world.said().await?.1 == waits)).await?;
    ensure!(jobs(world).await?.is_empty(), "no other one has begun");
    api.patch(&pod, &PatchParams::default(), &finalizers(None)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wanted_job_itself_begins_anew_only_when_its_pod_is_gone() -> Result<()> {
    let (world, first) = at_work("never-ends", Some("Running")).await?;
    let before = pods(&world).await?.remove(0).name_any();
    deleted_while_its_pod_goes_on(&world, &first).await?;
    world.until("it is there again", async || Ok(jobs(&world).await? == [first.clone()])).await?;
    ensure!(world.api::<Pod>(STAGING).get_opt(&before).await?.is_none(), "its pod was gone before");
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ended_keeps_nobody_waiting_and_goes_with_the_next_that_ends_well() -> Result<()> {
    let (world, first) = at_work("never-ends", Some("Running")).await?;
    let pod = pods(&world).await?.remove(0);
    let failed = json!({ "status": { "phase": "Failed", "containerStatuses": [{
        "name": "migrate", "image": "", "imageID": "", "ready": false, "restartCount": 0,
        "state": { "running": null, "terminated": { "exitCode": 1, "message": "{\"failed\":\"1\",\"why\":\"no table\"}" } },
    }] } });
    world.api::<Pod>(STAGING).patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(failed)).await?;
    let told =
        async || Ok(world.said().await? == ("MigrationFailed".to_owned(), "migration 1 failed: no table".to_owned()));
    world.until("it says why it failed", told).await?;
    world.still().await?;
    ensure!(jobs(&world).await? == [first.clone()], "it is not tried again by itself");
    gives_way(&world, &first).await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_program_never_began_is_taken_back() -> Result<()> {
    let (world, first) = at_work("never-begins", None).await?;
    gives_way(&world, &first).await?;
    world.stop().await
}

/// Another Release is served, and of the Jobs only its own is left.
async fn gives_way(world: &World, first: &str) -> Result<()> {
    let second = migrating('2', "quick");
    world.until("another is wished for", async || world.wish(&second).await).await?;
    world.serves(&second).await?;
    let left = jobs(world).await?;
    ensure!(left.len() == 1 && left[0] != first, "{left:?}");
    Ok(())
}
