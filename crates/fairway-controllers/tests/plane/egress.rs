//! What pods may reach outside follows the platform team's ConfigMap, and nobody else's wish.

use anyhow::{Context, Result};
use fairway_api::v1alpha1::{Environment, Project};
use fairway_controllers::{bootstrap, egress};
use fairway_testkit::{TestPlane, administrator};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::support::{PROJECT, STAGING, World};

const ANNOTATION: &str = "node.fairway.dev/egress";

async fn list_in(world: &World, namespace: &str) -> Result<Option<String>> {
    let found = world.everywhere::<Namespace>().get_opt(namespace).await?;
    Ok(found.and_then(|it| it.annotations().get(ANNOTATION).cloned()))
}

async fn follows(world: &World, namespace: &str, list: &str) -> Result<()> {
    let what = format!("{namespace} may reach {list:?}");
    world.until(&what, async || Ok(list_in(world, namespace).await?.as_deref() == Some(list))).await
}

/// Reason and message of `EgressEnforced` of the Environment.
async fn said(world: &World) -> Result<(String, String)> {
    let status = world.api::<Environment>(PROJECT).get("staging").await?.status.unwrap_or_default();
    let found = status.conditions.into_iter().find(|it| it.type_ == "EgressEnforced").context("the condition")?;
    Ok((found.reason, found.message))
}

async fn says(world: &World, reason: &str, part: &str) -> Result<()> {
    let what = format!("the environment says {reason}: {part}");
    world
        .until(&what, async || {
            let (said, message) = said(world).await?;
            Ok(said == reason && message.contains(part))
        })
        .await
}

async fn set(world: &World, key: &str, text: Value) -> Result<()> {
    let patch = Patch::Merge(json!({ "data": { key: text } }));
    world.api::<ConfigMap>("fairway-system").patch(egress::CONFIG_MAP, &PatchParams::default(), &patch).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn namespaces_carry_the_platform_teams_lists_whatever_happens_to_them() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    follows(&world, STAGING, "").await?;
    says(&world, "EgressListUnreadable", "does not exist").await?;

    let system = serde_json::from_value(json!({ "metadata": { "name": "fairway-system" } }))?;
    world.everywhere::<Namespace>().create(&PostParams::default(), &system).await?;
    let lists: Api<ConfigMap> = world.api("fairway-system");
    lists.create(&PostParams::default(), &serde_json::from_value(egress::defaults())?).await?;
    world
        .until("pipelines reach registries", async || {
            Ok(list_in(&world, PROJECT).await?.is_some_and(|it| it.contains("index.crates.io:443")))
        })
        .await?;
    says(&world, "EgressInForce", "pods reach nothing outside").await?;
    let project = world.everywhere::<Project>().get(PROJECT).await?.status.unwrap_or_default();
    assert!(project.conditions.iter().any(|it| it.type_ == "EgressEnforced" && it.status == "True"), "{project:?}");

    set(&world, "staging", "api.example.com:443 # the bank\n*.example.org:8443\n".into()).await?;
    follows(&world, STAGING, "api.example.com:443,*.example.org:8443").await?;
    says(&world, "EgressInForce", "2 addresses").await?;

    // Somebody who may edit namespaces writes more into it: it does not stay.
    let wider = Patch::Merge(json!({ "metadata": { "annotations": { ANNOTATION: "evil.example.net:443" } } }));
    world.everywhere::<Namespace>().patch(STAGING, &PatchParams::default(), &wider).await?;
    follows(&world, STAGING, "api.example.com:443,*.example.org:8443").await?;

    set(&world, "staging", "api.example.com:443\n*:443\n10.0.0.1:5432\n\u{0}".into()).await?;
    follows(&world, STAGING, "api.example.com:443").await?;
    says(&world, "EgressListUnreadable", "key staging: \"*:443\"").await?;
    set(&world, "staging", Value::Null).await?;
    follows(&world, STAGING, "").await?;
    says(&world, "EgressListUnreadable", "has no key \"staging\"").await?;
    lists.delete(egress::CONFIG_MAP, &DeleteParams::default()).await?;
    follows(&world, PROJECT, "").await?;
    world.stop().await
}

async fn create(client: &Client, object: Value) -> Result<()> {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    api.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_developer_cannot_widen_and_a_controller_reads_this_one_configmap_only() -> Result<()> {
    let plane = TestPlane::guarded().await?;
    let client = plane.client();
    for name in ["shop", "fairway-system"] {
        create(&client, json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })).await?;
    }
    for role in bootstrap::roles() {
        create(&client, role).await?;
    }
    create(&client, egress::defaults()).await?;
    let group = "rbac.authorization.k8s.io";
    let binding = |name: &str, role: &str, namespace: Option<&str>| {
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        json!({
            "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": { "name": name, "namespace": namespace },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": role },
            "subjects": [{ "apiGroup": group, "kind": "User", "name": name }],
        })
    };
    create(&client, binding("ann", bootstrap::DEVELOPER, Some("shop"))).await?;
    let right = fairway_controllers::rights().into_iter().find(|it| it.name == "project-controller").context("it")?;
    create(&client, json!({ "apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": { "name": "them" }, "rules": right.rules })).await?;
    create(&client, binding("controller", "them", None)).await?;
    let as_user = |name: &str| {
        let mut identity = administrator();
        (identity.user, identity.groups) = (name.to_owned(), vec!["system:authenticated".to_owned()]);
        plane.client_as(identity)
    };
    let refused =
        |result: Result<(), kube::Error>| matches!(result, Err(kube::Error::Api(status)) if status.code == 403);

    let wider = Patch::Merge(json!({ "metadata": { "annotations": { ANNOTATION: "evil.example.net:443" } } }));
    let ann = as_user("ann");
    let namespaces: Api<Namespace> = Api::all(ann.clone());
    assert!(refused(namespaces.patch("shop", &PatchParams::default(), &wider).await.map(drop)));
    let lists: Api<ConfigMap> = Api::namespaced(ann, "fairway-system");
    let more = Patch::Merge(json!({ "data": { "pipeline": "evil.example.net:443" } }));
    assert!(refused(lists.patch(egress::CONFIG_MAP, &PatchParams::default(), &more).await.map(drop)));

    let theirs: Api<ConfigMap> = Api::namespaced(as_user("controller"), "fairway-system");
    theirs.get(egress::CONFIG_MAP).await?;
    let only = kube::api::ListParams::default().fields("metadata.name=egress");
    assert_eq!(theirs.list(&only).await?.items.len(), 1);
    let all = theirs.list(&kube::api::ListParams::default()).await;
    assert!(refused(all.map(drop)), "everything else is not theirs to read");
    assert!(refused(theirs.get("another").await.map(drop)));
    plane.stop().await;
    Ok(())
}
