//! Resources whose controllers die after any of their writes: a task is done once, and a removal leaves one dump.

use anyhow::{Context as _, Result, ensure};
use fairway_api::v1alpha1::{Resource, ResourceClass, ResourceSpec, TaskState};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::killed::{LIVES, die_until};
use crate::support::{STAGING, World};

const VAULT: &str = "web-vault";

/// A class that is data and nothing else: a server, and a job that makes a dump of it.
pub(crate) fn class() -> Result<ResourceClass> {
    let pod = r#"
        spec:
          containers: [{ name: one, image: "{{ image.reference }}", args: ["WORD"] }]"#;
    let server = format!(
        r#"
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {{ name: "{{{{ resource.name }}}}" }}
    spec:
      serviceName: vault
      selector: {{ matchLabels: {{ fairway.dev/resource: "{{{{ resource.name }}}}", app: server }} }}
      template:
        metadata: {{ labels: {{ app: server }} }}{pod}"#
    );
    let job = format!(
        r#"
    apiVersion: batch/v1
    kind: Job
    metadata: {{ name: "{{{{ resource.name }}}}-dump" }}
    spec:
      template:{}
          restartPolicy: Never"#,
        pod.replace("WORD", "{{ backup.name }}")
    );
    let class = json!({
        "metadata": { "name": "vault" },
        "spec": {
            "type": "vault",
            "versions": [{ "name": "1", "image": format!("shop/vault@sha256:{}", "a".repeat(64)) }],
            "plans": [{ "name": "small", "values": {} }],
            "outputs": [{ "name": "host", "value": "{{ resource.name }}" }],
            "manifests": server,
            "dump": job,
        },
    });
    serde_json::from_value(class).context("the class")
}

/// A world with a vault that can be used, and no controllers.
async fn with_a_vault() -> Result<World> {
    let mut world = World::start().await?;
    world.declared().await?;
    world.make(&world.everywhere(), &class()?).await?;
    let spec = ResourceSpec { class_name: "vault".to_owned(), ..ResourceSpec::default() };
    world.make(&world.api(STAGING), &Resource::new(VAULT, spec)).await?;
    let usable = async || {
        let vault = world.api::<Resource>(STAGING).get(VAULT).await?;
        Ok(vault.status.is_some_and(|it| it.connection.is_some()))
    };
    world.until("the vault can be used", usable).await?;
    if let Some(living) = world.retire() {
        living.stop().await;
    }
    Ok(world)
}

async fn dumps(world: &World) -> Result<Vec<String>> {
    let jobs = world.api::<Job>(STAGING).list(&ListParams::default()).await?.items;
    Ok(jobs.iter().map(ResourceExt::name_any).filter(|it| it.starts_with("web-vault-dump-")).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_of_a_removal_a_resource_leaves_one_dump_and_goes() -> Result<()> {
    for writes in LIVES {
        let world = with_a_vault().await?;
        let api = world.api::<Resource>(STAGING);
        api.delete(VAULT, &DeleteParams::default()).await?;
        // A job that is to dump what is gone never ends here, as it never does anywhere.
        die_until(&world, writes, async || Ok(api.get_opt(VAULT).await?.is_none())).await?;
        let claims = world.api::<PersistentVolumeClaim>(STAGING);
        ensure!(claims.get_opt("web-vault-dumps").await?.is_some(), "its dump is kept");
        let nothing_left = async || {
            let sets = world.api::<StatefulSet>(STAGING).list(&ListParams::default()).await?.items;
            Ok(sets.is_empty() && dumps(&world).await?.is_empty())
        };
        world.until("what it was made of is gone", nothing_left).await?;
        world.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_a_task_is_done_once_and_the_next_one_too() -> Result<()> {
    let world = with_a_vault().await?;
    let api = world.api::<Resource>(STAGING);
    let mut made = Vec::new();
    for writes in LIVES {
        let id = format!("task-{writes}");
        let wish = Patch::Merge(json!({ "spec": { "task": { "id": id, "action": "Backup" } } }));
        api.patch(VAULT, &PatchParams::default(), &wish).await?;
        let done = async || {
            let task = api.get(VAULT).await?.status.and_then(|it| it.task);
            Ok(task.is_some_and(|it| it.id == id && it.state == TaskState::Succeeded))
        };
        die_until(&world, writes, done).await?;
        let jobs = dumps(&world).await?;
        ensure!(jobs.len() == 1 || writes == 1, "those before are pruned: {jobs:?}");
        let task = api.get(VAULT).await?.status.and_then(|it| it.task).context("a task")?;
        ensure!(task.until.is_some() && task.message.is_empty(), "{task:?}");
        ensure!(!made.contains(&jobs) && jobs.len() == 1, "a job of its own: {jobs:?}");
        made.push(jobs);
    }
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_its_class_does_not_know_is_told_so_and_one_that_leads_elsewhere_is_refused() -> Result<()> {
    let mut world = with_a_vault().await?;
    world.revive();
    let api = world.api::<Resource>(STAGING);
    let wish = |id: &str, from: &str| {
        Patch::Merge(json!({ "spec": { "task": { "id": id, "action": "Restore", "from": from } } }))
    };
    api.patch(VAULT, &PatchParams::default(), &wish("one", "a.dump")).await?;
    let told = async || {
        let task = api.get(VAULT).await?.status.and_then(|it| it.task);
        Ok(task.is_some_and(|it| it.state == TaskState::Failed && it.message == "vault restores no dumps"))
    };
    world.until("it is told so", told).await?;
    for from in ["../a.dump", "a/b", "", ".hidden", "a b", "a\nb"] {
        let refused = api.patch(VAULT, &PatchParams::default(), &wish("two", from)).await;
        ensure!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 422), "{from:?}");
    }
    world.stop().await
}
