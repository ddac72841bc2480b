//! Branches and those who push to them: what may be delivered in whose name, and what goes with a branch.

use anyhow::{Context as _, Result, ensure};
use fairway_api::v1alpha1::{Delivery, PipelineRun, PipelineRunSpec, PipelineTrigger, Release, StepState};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::pipelines::{ends, hosted, look, nothing_is_left, run_of, summary};
use crate::support::{PROJECT, STAGING, WEB, World};

/// Lets a user write Deliveries in staging.
async fn may_deliver(world: &World, user: &str) -> Result<()> {
    let group = "rbac.authorization.k8s.io";
    let role = json!({
        "metadata": { "name": "deliverer", "namespace": STAGING },
        "rules": [{ "apiGroups": ["fairway.dev"], "resources": ["deliveries"], "verbs": ["create", "patch"] }],
    });
    let binding = json!({
        "metadata": { "name": "deliverer", "namespace": STAGING },
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "deliverer" },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
    });
    for (kind, object) in [("Role", role), ("RoleBinding", binding)] {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let api: Api<DynamicObject> = Api::namespaced_with(world.client.clone(), STAGING, &resource);
        let object: DynamicObject = serde_json::from_value(object)?;
        api.create(&PostParams::default(), &object).await.with_context(|| format!("make the {kind}"))?;
    }
    Ok(())
}

async fn wanted(world: &World) -> Result<Option<String>> {
    Ok(world.api::<Delivery>(STAGING).get_opt(WEB).await?.map(|it| it.spec.release_name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_pusher_may_not_deliver_by_hand_no_pipeline_delivers_for_them() -> Result<()> {
    let world = World::guarded().await?;
    let clone = hosted(&world).await?;
    let first = clone.git(&["rev-parse", "HEAD"])?;
    let refused = ends(&world, &first, "DeliveryForbidden").await?;
    let said = "release v0.1.0 is made, and not delivered to staging: \
                local:1, who pushed it, may not create deliveries in namespace shop--staging";
    ensure!(summary(&refused) == said, "{}", summary(&refused));
    let status = refused.status.clone().unwrap_or_default();
    let release = status.release_name.context("a release")?;
    world.api::<Release>(PROJECT).get(&release).await.context("the release is made")?;
    ensure!(status.delivered_to.is_empty() && wanted(&world).await?.is_none());
    nothing_is_left(&world).await?;

    // Ada may, and Git knows that it was she who pushed.
    may_deliver(&world, "Ada").await?;
    let hers = clone.push("main", &[("program", Some("good 2"))])?;
    look(&world).await?;
    let run = ends(&world, &hers, "Succeeded").await?;
    let second = run.status.and_then(|it| it.release_name).context("a release")?;
    world.until("it serves", async || world.is_serving(&second).await).await?;

    // A run of the older commit is nobody's way around that, whoever it says has pushed it.
    let spec = PipelineRunSpec {
        trigger: PipelineTrigger::Rerun,
        number: 9,
        pushed_by: Some("Ada".to_owned()),
        ..refused.spec.clone()
    };
    let api = world.api::<PipelineRun>(PROJECT);
    api.create(&PostParams::default(), &PipelineRun::new("again", spec)).await?;
    let over = async || Ok(api.get("again").await?.status.is_some_and(|it| it.completion_time.is_some()));
    world.until("it is done again", over).await?;
    let said = summary(&api.get("again").await?);
    ensure!(said.contains(&format!("main is at {} by now", &hers[..10])), "{said}");
    ensure!(wanted(&world).await? == Some(second), "what was delivered stays");
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_branch_takes_its_run_with_it_and_no_other() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    let first = clone.git(&["rev-parse", "HEAD"])?;
    ends(&world, &first, "Succeeded").await?;
    let mut runs = Vec::new();
    for (branch, word) in [("work", "1"), ("other", "2")] {
        let commit = clone.push(branch, &[("hold", Some(word))])?;
        look(&world).await?;
        let running =
            async || Ok(run_of(&world, &commit).await?.is_some_and(|it| summary(&it).contains("test is running")));
        world.until("the step runs", running).await?;
        runs.push(commit);
    }
    clone.git(&["push", "--quiet", "origin", ":refs/heads/work"])?;
    look(&world).await?;
    let stopped = ends(&world, &runs[0], "Cancelled").await?;
    ensure!(summary(&stopped) == "its branch was removed", "{}", summary(&stopped));
    let still = run_of(&world, &runs[1]).await?.context("the other branch's run")?;
    ensure!(still.status.as_ref().is_some_and(|it| it.completion_time.is_none()), "another branch is not concerned");
    clone.git(&["push", "--quiet", "origin", ":refs/heads/other"])?;
    look(&world).await?;
    ends(&world, &runs[1], "Cancelled").await?;
    nothing_is_left(&world).await?;
    world.still().await?;
    world.stop().await
}

/// The claims that the Pods of a run mount.
async fn mounted(world: &World, run: &PipelineRun) -> Result<Vec<String>> {
    let its = ListParams::default().labels(&format!("fairway.dev/run={}", run.name_any()));
    let pods = world.api::<Pod>(PROJECT).list(&its).await?.items;
    let volumes = pods.into_iter().filter_map(|it| it.spec?.volumes).flatten();
    let mut claims: Vec<String> = volumes.filter_map(|it| Some(it.persistent_volume_claim?.claim_name)).collect();
    claims.retain(|it| !it.ends_with("-workspace"));
    Ok(claims)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_run_of_a_branch_leaves_in_its_cache_never_comes_into_a_release() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    ends(&world, &clone.git(&["rev-parse", "HEAD"])?, "Succeeded").await?;
    for (branch, cache) in [("work", "pipeline-cache-branches"), ("main", "pipeline-cache")] {
        let commit = clone.push(branch, &[("hold", Some(branch))])?;
        look(&world).await?;
        let mounts = async || {
            let Some(run) = run_of(&world, &commit).await? else { return Ok(false) };
            Ok(mounted(&world, &run).await? == [cache])
        };
        world.until(&format!("a step of {branch} uses {cache}"), mounts).await?;
    }
    // What succeeded on the branch is done again for the release.
    let ready = clone.push("work", &[("hold", None), ("program", Some("good 2"))])?;
    look(&world).await?;
    ends(&world, &ready, "Succeeded").await?;
    clone.git(&["push", "--quiet", "origin", "HEAD:refs/heads/main"])?;
    look(&world).await?;
    let merged = async || {
        let runs = world.api::<PipelineRun>(PROJECT).list(&ListParams::default()).await?.items;
        let of_main = runs.into_iter().find(|it| it.spec.commit == ready && it.spec.r#ref == "refs/heads/main");
        let Some(status) = of_main.and_then(|it| it.status).filter(|it| it.completion_time.is_some()) else {
            return Ok(false);
        };
        ensure!(status.steps.iter().all(|it| it.state == StepState::Succeeded), "{:?}", status.steps);
        Ok(true)
    };
    world.until("the release is made anew", merged).await?;
    nothing_is_left(&world).await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_is_nearly_full_is_emptied_and_the_run_says_so() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    ends(&world, &clone.git(&["rev-parse", "HEAD"])?, "Succeeded").await?;
    let folder = world.steps.as_ref().context("a node")?.path("claims");
    std::fs::write(folder.join("pipeline-cache/kept"), "of releases")?;
    let fills = "apiVersion: fairway.dev/v1alpha1\nkind: Pipeline\nsteps:\n  - name: fill\n    toolchain: sh\n    \
                 run: head -c 4000 /dev/zero > ../pipeline-cache-branches/junk\n";
    let commit = clone.push("work", &[(".fairway/pipeline.yaml", Some(fills))])?;
    look(&world).await?;
    let run = ends(&world, &commit, "Succeeded").await?;
    let said = "its step succeeded; cache pipeline-cache-branches was nearly full and is empty now";
    ensure!(summary(&run) == said, "{}", summary(&run));
    ensure!(!folder.join("pipeline-cache-branches/junk").exists());
    ensure!(folder.join("pipeline-cache/kept").exists(), "the other cache is not concerned");
    world.still().await?;
    world.stop().await
}

/// Lets the server take anything for a run, as one of long ago or of another version did.
async fn open_the_schema(world: &World) -> Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    let mut definition = definitions.get("pipelineruns.fairway.dev").await?;
    let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    definition.spec.versions[0].schema = serde_json::from_value(json!({ "openAPIV3Schema": open }))?;
    definitions.replace("pipelineruns.fairway.dev", &PostParams::default(), &definition).await?;
    Ok(())
}

async fn make_poison(world: &World, name: &str, spec: Value) -> Result<()> {
    let made = async || {
        let kind = GroupVersionKind::gvk("fairway.dev", "v1alpha1", "PipelineRun");
        let resource = ApiResource::from_gvk_with_plural(&kind, "pipelineruns");
        let api: Api<DynamicObject> = Api::namespaced_with(world.client.clone(), PROJECT, &resource);
        let object = json!({ "apiVersion": "fairway.dev/v1alpha1", "kind": "PipelineRun",
            "metadata": { "name": name }, "spec": spec });
        match api.create(&PostParams::default(), &serde_json::from_value(object)?).await {
            Ok(_) => Ok(true),
            // As long as the older schema is served it is refused.
            Err(kube::Error::Api(status)) if status.code == 422 => Ok(false),
            Err(error) => Err(error.into()),
        }
    };
    world.until("the poison is there", made).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_cannot_be_read_or_counted_on_keep_no_push_waiting() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    ends(&world, &clone.git(&["rev-parse", "HEAD"])?, "Succeeded").await?;
    open_the_schema(&world).await?;
    make_poison(&world, "unreadable", json!({ "componentName": 7, "number": "many" })).await?;
    let usual = json!({ "componentName": WEB, "ref": "refs/heads/main", "commit": "a".repeat(40) });
    let mut last = usual.clone();
    last["number"] = json!(i64::MAX);
    make_poison(&world, "last", last).await?;
    // A label of ours on somebody's own pod.
    let pod = json!({ "metadata": { "name": "stray", "labels": { "fairway.dev/run": "unreadable" } },
        "spec": { "containers": [{ "name": "a", "image": "a" }] } });
    world.api::<Pod>(PROJECT).create(&PostParams::default(), &serde_json::from_value(pod)?).await?;
    let pushed = clone.push("main", &[("program", Some("good 2"))])?;
    look(&world).await?;
    let run = ends(&world, &pushed, "Succeeded").await?;
    let release = run.status.and_then(|it| it.release_name).context("a release")?;
    world.until("it serves", async || world.is_serving(&release).await).await?;
    let finalizers = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    world.api::<Pod>(PROJECT).patch("stray", &PatchParams::default(), &finalizers).await?;
    world.stop().await
}
