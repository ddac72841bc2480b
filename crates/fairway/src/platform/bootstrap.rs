//! Setting up: what a plane needs before anybody can use it, and what a fresh laptop begins with. Every step may be
//! repeated; a start over an existing plane writes nothing.

use std::time::Duration;

use anyhow::{Context, Result};
use fairway_controllers::bootstrap as product;
use fairway_gateway::Named;
use fairway_plan::render;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::accounts;

const MANAGER: &str = "fairway-bootstrap";
/// Says that everything was made, the sandbox last.
const MARKER: &str = "sandbox-made";
/// How long the API may take to serve a kind that was just defined.
const SETTLE: Duration = Duration::from_millis(5);
/// How often to try again before giving up: ten seconds in all.
const TRIES: u32 = 2000;

/// Kinds, accounts, roles, the gateway, and where the hub is.
pub(super) async fn plane(client: &Client, facts: &Facts<'_>) -> Result<()> {
    apply_all(client, definitions()?).await?;
    let namespaces = [fairway_api::names::NAMESPACE_SYSTEM, fairway_api::names::NAMESPACE_PUBLIC];
    let namespace = |name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    apply_all(client, namespaces.map(|it| (namespace(it), "namespaces")).into()).await?;
    apply_all(client, objects(facts)?).await?;
    make_once(client, fairway_controllers::egress::defaults()).await
}

/// The kinds that are ours and the gateway's.
fn definitions() -> Result<Vec<(Value, &'static str)>> {
    let ours = fairway_api::v1alpha1::definitions().into_iter().map(serde_json::to_value);
    let ours: Vec<Value> = ours.collect::<Result<_, _>>().context("write a definition")?;
    let texts = fairway_gateway::DEFINITIONS.iter().map(|text| serde_saphyr::from_str(text));
    let theirs: Vec<Value> = texts.collect::<Result<_, _>>().context("read the gateway's definitions")?;
    Ok(ours.into_iter().chain(theirs).map(|it| (it, "customresourcedefinitions")).collect())
}

/// What is of those kinds, or of built-in ones.
fn objects(facts: &Facts<'_>) -> Result<Vec<(Value, &'static str)>> {
    let mut objects = Vec::new();
    for object in accounts::objects().into_iter().chain(product::roles()).chain(product::hub_roles()) {
        let plural = match object["kind"].as_str() {
            Some("ServiceAccount") => "serviceaccounts",
            Some("ClusterRole") => "clusterroles",
            _ => "clusterrolebindings",
        };
        objects.push((object, plural));
    }
    for template in product::templates() {
        objects.push((serde_json::to_value(template).context("write a template")?, "templates"));
    }
    for class in product::resource_classes() {
        objects.push((serde_json::to_value(class).context("write a resource class")?, "resourceclasses"));
    }
    objects.push((fairway_gateway::open_gateway(&gateway_name(), "fairway", 80), "gateways"));
    objects.push((hub(facts), "configmaps"));
    Ok(objects)
}

/// Applies objects that do not need one another, at once: what waits for the disk waits together.
async fn apply_all(client: &Client, objects: Vec<(Value, &'static str)>) -> Result<()> {
    let all = objects.into_iter().map(|(object, plural)| apply(client, object, plural));
    futures::future::try_join_all(all).await.map(drop)
}

/// What a fresh laptop begins with: its user's Team and Project, and two Environments. Made once: whoever deletes them
/// has deleted them.
pub(super) async fn sandbox(client: &Client, user: &str) -> Result<()> {
    apply(client, serde_json::to_value(product::sandbox_team(user))?, "teams").await?;
    apply(client, serde_json::to_value(product::sandbox_project())?, "projects").await?;
    for environment in product::sandbox_environments() {
        apply(client, serde_json::to_value(environment)?, "environments").await?;
    }
    let made = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": MARKER, "namespace": fairway_api::names::NAMESPACE_SYSTEM },
    });
    apply(client, made, "configmaps").await
}

/// Whether a start in this folder came to its end before: then all that its parts need is there.
pub(super) async fn was_made(client: &Client) -> Result<bool> {
    let marker: Api<ConfigMap> = Api::namespaced(client.clone(), fairway_api::names::NAMESPACE_SYSTEM);
    Ok(marker.get_opt(MARKER).await.context("look whether the sandbox was made")?.is_some())
}

/// What others need to know of this plane.
pub(super) struct Facts<'a> {
    pub(super) api_url: &'a str,
    pub(super) gateway_port: u16,
    pub(super) certificate: &'a str,
}

/// Where everybody finds the hub.
fn hub(facts: &Facts<'_>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "hub", "namespace": fairway_api::names::NAMESPACE_PUBLIC },
        "data": {
            "url": facts.api_url,
            "gatewayPort": facts.gateway_port.to_string(),
            "ca.crt": facts.certificate,
        },
    })
}

/// The Gateway that routes refer to.
pub(super) fn gateway_name() -> Named {
    Named { namespace: render::GATEWAY_NAMESPACE.to_owned(), name: render::GATEWAY_NAME.to_owned() }
}

/// Applies one object. A kind that was just defined, or a namespace that a controller is about to make, may not be
/// there yet: then it is tried again.
async fn apply(client: &Client, mut object: Value, plural: &str) -> Result<()> {
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let (api_version, kind, name) =
        (text(&object["apiVersion"]), text(&object["kind"]), text(&object["metadata"]["name"]));
    let api = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => namespaced(client, &api_version, &kind, plural, namespace),
        None => Api::all_with(client.clone(), &resource(&api_version, &kind, plural)),
    };
    let parameters = PatchParams::apply(MANAGER).force();
    for _ in 0..TRIES {
        match api.patch(&name, &parameters, &Patch::Apply(&object)).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if [404, 409, 429, 503].contains(&status.code) => {
                tokio::time::sleep(SETTLE).await;
            }
            Err(error) => return Err(error).with_context(|| format!("set up {kind} {name}")),
        }
    }
    anyhow::bail!("set up {kind} {name}: the API did not take it in ten seconds")
}

/// Makes a ConfigMap that belongs to whoever changes it: one that is there stays as it is.
async fn make_once(client: &Client, object: Value) -> Result<()> {
    let object: ConfigMap = serde_json::from_value(object).context("write a ConfigMap")?;
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let name = object.name_any();
    if api.get_opt(&name).await.with_context(|| format!("look for ConfigMap {name}"))?.is_some() {
        return Ok(());
    }
    match api.create(&PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }, &object).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        made => made.map(drop).with_context(|| format!("set up ConfigMap {name}")),
    }
}

fn namespaced(client: &Client, api_version: &str, kind: &str, plural: &str, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource(api_version, kind, plural))
}

fn resource(api_version: &str, kind: &str, plural: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}
