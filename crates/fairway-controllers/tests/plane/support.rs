//! A world with controllers, workloads and an agent, and words for what people do in it.

mod target;

mod snapshot;

mod steps;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fairway_api::v1alpha1::{
    Component, ComponentSpec, Delivery, DeliverySpec, Environment, EnvironmentSpec, Members, Project, ProjectSpec,
    Release, ReleaseImage, ReleaseSpec, Team, TeamSpec, Template, TemplateParameter, TemplateRepository,
    TemplateSource, TemplateSpec, Tier,
};
use fairway_controller::Controllers;
use fairway_controllers::Settings;
use fairway_failpoints::Failpoints;
use fairway_testkit::{Setup, TestPlane};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use snapshot::{objects, settled_state};
pub(crate) use steps::{HELD, Steps};

/// The Project of the tests, and its Environment.
pub(crate) const PROJECT: &str = "shop";
pub(crate) const STAGING: &str = "shop--staging";
/// The Component of the tests.
pub(crate) const WEB: &str = "web";

pub(crate) struct World {
    pub(crate) plane: TestPlane,
    pub(crate) client: Client,
    workloads: Controllers,
    controllers: Option<Controllers>,
    /// Repositories, and a node for the steps of pipelines.
    pub(crate) steps: Option<Steps>,
}

impl World {
    /// A plane with the kinds, a node, and no product controllers yet.
    pub(crate) async fn empty() -> Result<Self> {
        Self::on(TestPlane::start().await?, None).await
    }

    /// The same with repositories and pipelines, and controllers.
    pub(crate) async fn hosting() -> Result<Self> {
        Self::hosting_on(Setup::default()).await
    }

    /// The same, and rights count.
    pub(crate) async fn guarded() -> Result<Self> {
        Self::hosting_on(Setup { guarded: true, ..Setup::default() }).await
    }

    async fn hosting_on(setup: Setup) -> Result<Self> {
        let logs = steps::Logs::default();
        let steps = Steps::new(&logs).await?;
        let plane = TestPlane::with(Setup { pod_streams: Arc::new(logs), ..setup }).await?;
        let mut world = Self::on(plane, Some(steps)).await?;
        world.revive();
        Ok(world)
    }

    async fn on(plane: TestPlane, steps: Option<Steps>) -> Result<Self> {
        let client = plane.client();
        define(&client).await?;
        let own = client.clone();
        let workloads = fairway_workloads::start(&fairway_workloads::Settings {
            client_for: Arc::new(move |_| own.clone()),
            world: plane.world().clone(),
            root_certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
        });
        let nodes: Api<Node> = Api::all(client.clone());
        let node = serde_json::from_value(json!({ "metadata": { "name": "here" } }))?;
        nodes.create(&PostParams::default(), &node).await?;
        let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        nodes.patch_status("here", &PatchParams::default(), &Patch::Merge(ready)).await?;
        Ok(Self { plane, client, workloads, controllers: None, steps })
    }

    /// The same with controllers.
    pub(crate) async fn start() -> Result<Self> {
        let mut world = Self::empty().await?;
        world.controllers = Some(world.controllers_with(&world.client));
        Ok(world)
    }

    /// Controllers that reach the plane through a client of the caller's.
    pub(crate) fn controllers_with(&self, client: &Client) -> Controllers {
        let own = client.clone();
        fairway_controllers::start(&Settings {
            client_for: Arc::new(move |_| own.clone()),
            world: self.plane.world().clone(),
            target: Arc::new(target::OwnCluster::new(client.clone())),
            hosting: self.steps.as_ref().map(|it| it.hosting.clone()),
            gateway_port: 8080,
            failpoints: Failpoints::none(),
        })
    }

    pub(crate) fn revive(&mut self) {
        self.controllers = Some(self.controllers_with(&self.client));
    }

    /// Takes the controllers out of the world.
    pub(crate) fn retire(&mut self) -> Option<Controllers> {
        self.controllers.take()
    }

    pub(crate) async fn stop(self) -> Result<()> {
        if let Some(controllers) = self.controllers {
            controllers.stop().await;
        }
        self.workloads.stop().await;
        self.plane.stop().await;
        Ok(())
    }

    pub(crate) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(crate) fn everywhere<K: kube::Resource<DynamicType = ()>>(&self) -> Api<K> {
        Api::all(self.client.clone())
    }

    /// Says of every Pod what its kubelet would say, until `done` holds.
    pub(crate) async fn until(&self, what: &str, done: impl AsyncFn() -> Result<bool>) -> Result<()> {
        for turn in 0..1500 {
            self.kubelet(turn).await?;
            if done().await? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("it never came to this: {what}; {}", self.told().await?)
    }

    /// What every object of ours says of itself, for a test that failed.
    async fn told(&self) -> Result<String> {
        let mut told = String::new();
        for (kind, plural) in KINDS {
            for it in self.dynamic(kind, plural).list(&ListParams::default()).await?.items {
                writeln!(told, "{kind} {}: {}", it.name_any(), it.data["status"])?;
            }
        }
        for it in self.everywhere::<Deployment>().list(&ListParams::default()).await?.items {
            writeln!(told, "Deployment {}: {}", it.name_any(), serde_json::to_string(&it.status)?)?;
        }
        Ok(told)
    }

    /// All objects of one of our kinds, read as they are.
    pub(crate) fn dynamic(&self, kind: &str, plural: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("fairway.dev", "v1alpha1", kind);
        Api::all_with(self.client.clone(), &ApiResource::from_gvk_with_plural(&kind, plural))
    }

    async fn kubelet(&self, turn: usize) -> Result<()> {
        if let Some(steps) = &self.steps {
            steps.turn(&self.client).await?;
        }
        let pods = self.everywhere::<Pod>().list(&ListParams::default()).await?.items;
        // Those of steps have a node of their own.
        let others = pods.into_iter().filter(|it| !it.labels().contains_key(fairway_api::names::LABEL_STEP));
        let others: Vec<Pod> = others.collect();
        let of = |pod: &Pod, kind: &str| pod.owner_references().iter().any(|it| it.kind == kind);
        // What a job does it does with a server.
        let served = others.iter().any(|it| of(it, "StatefulSet") && it.metadata.deletion_timestamp.is_none());
        for (index, pod) in others.into_iter().enumerate() {
            let api: Api<Pod> = self.api(&pod.namespace().unwrap_or_default());
            let name = pod.name_any();
            if pod.metadata.deletion_timestamp.is_some() {
                let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
                let _ = api.delete(&name, &now).await;
                continue;
            }
            // What a job does that is called so, it never does.
            let does = |what: &str| runs_command(&pod, what);
            if does("never-begins") {
                continue;
            }
            let runs_already = pod.status.as_ref().is_some_and(|it| it.phase.as_deref() == Some("Running"));
            if of(&pod, "Job") && served && runs_already && !does("never-ends") {
                let _ = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(ended(&pod))).await;
                continue;
            }
            let bound = pod.spec.as_ref().is_some_and(|it| it.node_name.is_some());
            if bound && pod.status.as_ref().is_none_or(|it| it.pod_ip.is_none()) {
                let unique = turn + index;
                let address = format!("10.244.{}.{}", unique / 250, unique % 250 + 1);
                // Deleted meanwhile is fine: then nobody asks any more.
                let _ = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(runs(&pod, &address))).await;
            }
        }
        Ok(())
    }

    /// An object of that name is refused by the server, or its status says what is wrong with the name.
    pub(crate) async fn refused_or_told<K>(&self, api: &Api<K>, name: &str, object: &K) -> Result<()>
    where
        K: kube::Resource + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        let mut object = object.clone();
        object.meta_mut().name = Some(name.to_owned());
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) => {
                anyhow::ensure!((400..500).contains(&status.code), "{name:?}: {status}");
                anyhow::ensure!(status.message.contains("name"), "{name:?}: {status}");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let told = async || {
            let status = serde_json::to_value(api.get(name).await?)?["status"].clone();
            let reasons = status["conditions"].as_array().cloned().unwrap_or_default();
            Ok(reasons.iter().any(|it| it["reason"] == "InvalidName")
                && status["summary"].as_str().is_some_and(|it| it.contains(&name[..name.len().min(60)])))
        };
        self.until(&format!("{name:?} is told that it is no name"), told).await
    }

    /// Makes an object unless it is there; false while its namespace is not.
    pub(crate) async fn make<K>(&self, api: &Api<K>, object: &K) -> Result<bool>
    where
        K: Clone + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        match api.create(&PostParams::default(), object).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 403 => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Team, Project and Environment; false while a namespace of theirs is not there.
    pub(crate) async fn declare_without_web(&self) -> Result<bool> {
        self.make(&self.everywhere(), &team()).await?;
        self.make(&self.everywhere(), &project(PROJECT)).await?;
        self.make(&self.api(PROJECT), &environment("staging")).await
    }

    /// The same with the Component.
    pub(crate) async fn declare(&self) -> Result<bool> {
        let staging = self.declare_without_web().await?;
        let web = self.make(&self.api(PROJECT), &component(WEB)).await?;
        Ok(staging && web)
    }

    pub(crate) async fn declared(&self) -> Result<()> {
        self.until("the project is declared", async || self.declare().await).await?;
        self.until("its environment is there", async || {
            let made = self.api::<Environment>(PROJECT).get("staging").await?;
            Ok(made.status.is_some_and(|it| it.explanation.summary.contains("in force")))
        })
        .await
    }

    /// Makes a Release and wishes for it; false while the namespace is not there.
    pub(crate) async fn wish(&self, release: &ReleaseSpec) -> Result<bool> {
        let name = fairway_plan::release::name(release);
        let made = self.make(&self.api::<Release>(PROJECT), &Release::new(&name, release.clone())).await?;
        let api: Api<Delivery> = self.api(STAGING);
        let spec = DeliverySpec { release_name: name.clone(), ..DeliverySpec::default() };
        if !made || !self.make(&api, &Delivery::new(WEB, spec)).await? {
            return Ok(false);
        }
        if api.get_opt(WEB).await?.is_some_and(|it| it.spec.release_name == name) {
            return Ok(true);
        }
        let patch = Patch::Merge(json!({ "spec": { "releaseName": name } }));
        api.patch(WEB, &PatchParams::default(), &patch).await.context("wish for another release")?;
        Ok(true)
    }

    pub(crate) async fn delivery(&self) -> Result<Delivery> {
        self.api::<Delivery>(STAGING).get(WEB).await.context("read the delivery")
    }

    /// What the Delivery gives as the reason of a condition, and what it says.
    pub(crate) async fn said(&self) -> Result<(String, String)> {
        let Some(delivery) = self.api::<Delivery>(STAGING).get_opt(WEB).await? else {
            return Ok((String::new(), String::new()));
        };
        let status = delivery.status.unwrap_or_default();
        let ready = status.conditions.iter().find(|it| it.type_ == "Ready").map(|it| it.reason.clone());
        Ok((ready.unwrap_or_default(), status.explanation.summary))
    }

    /// Waits until the Delivery serves this release.
    pub(crate) async fn serves(&self, release: &ReleaseSpec) -> Result<()> {
        let name = fairway_plan::release::name(release);
        self.until(&format!("{name} serves"), async || self.is_serving(&name).await).await
    }

    pub(crate) async fn is_serving(&self, name: &str) -> Result<bool> {
        let Some(delivery) = self.api::<Delivery>(STAGING).get_opt(WEB).await? else { return Ok(false) };
        let (reason, _) = self.said().await?;
        let current = delivery.status.and_then(|it| it.current).map(|it| it.release_name);
        Ok(reason == "Serving" && current.as_deref() == Some(name))
    }

    /// Waits until nothing is written any more, and returns the revision at which the world stands still.
    pub(crate) async fn still(&self) -> Result<fairway_store::Revision> {
        let mut last = self.plane.store().revision();
        let mut quiet = 0;
        for turn in 0..600 {
            self.kubelet(turn).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = self.plane.store().revision();
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
            if quiet == 10 {
                return Ok(last);
            }
        }
        bail!("the world never stands still; {}", self.told().await?)
    }
}

/// Our kinds and their plurals.
pub(crate) const KINDS: [(&str, &str); 10] = [
    ("Team", "teams"),
    ("Project", "projects"),
    ("Environment", "environments"),
    ("Template", "templates"),
    ("Component", "components"),
    ("Release", "releases"),
    ("Delivery", "deliveries"),
    ("ResourceClass", "resourceclasses"),
    ("Resource", "resources"),
    ("PipelineRun", "pipelineruns"),
];

async fn define(client: &Client) -> Result<()> {
    let ours = fairway_api::v1alpha1::definitions().into_iter().map(serde_json::to_value);
    let mut all = ours.collect::<Result<Vec<Value>, _>>()?;
    for text in fairway_gateway::DEFINITIONS {
        all.push(serde_saphyr::from_str(text).context("read the gateway's definitions")?);
    }
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    for definition in &all {
        let object: DynamicObject = serde_json::from_value(definition.clone())?;
        api.create(&PostParams::default(), &object).await.context("define a kind")?;
    }
    for definition in &all {
        let spec = &definition["spec"];
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let (group, version) = (text(&spec["group"]), text(&spec["versions"][0]["name"]));
        let kind = GroupVersionKind::gvk(&group, &version, &text(&spec["names"]["kind"]));
        let resource = ApiResource::from_gvk_with_plural(&kind, &text(&spec["names"]["plural"]));
        let served: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let mut tries = 0;
        while served.list(&ListParams::default()).await.is_err() {
            tries += 1;
            anyhow::ensure!(tries < 1000, "{} is never served", kind.kind);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}

fn runs_command(pod: &Pod, what: &str) -> bool {
    let container = pod.spec.iter().flat_map(|it| &it.containers).next();
    container.and_then(|it| it.command.as_ref()).is_some_and(|it| it.iter().any(|it| it == what))
}

/// What a kubelet says of a Pod: an image with this digest never becomes ready.
fn runs(pod: &Pod, address: &str) -> Value {
    let container = pod.spec.as_ref().map(|it| &it.containers[0]);
    let image = container.and_then(|it| it.image.clone()).unwrap_or_default();
    let name = container.map(|it| it.name.clone()).unwrap_or_default();
    let ready = !image.ends_with(&digest('b'));
    let state = json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } });
    let last = json!({ "terminated": { "exitCode": 7, "reason": "Error" } });
    json!({ "status": {
        "phase": "Running", "podIP": address,
        "conditions": [{
            "type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": "2026-01-01T00:00:00Z",
        }],
        "containerStatuses": [{
            "name": name, "image": image, "imageID": image, "ready": ready, "state": state,
            "restartCount": i32::from(!ready), "lastState": if ready { json!({}) } else { last },
        }],
    }})
}

/// What a kubelet says of a Pod that has done its work.
fn ended(pod: &Pod) -> Value {
    let mut said = runs(pod, "10.244.0.1");
    let at = "2026-01-01T00:00:01Z";
    said["status"]["phase"] = json!("Succeeded");
    said["status"]["containerStatuses"][0]["ready"] = json!(false);
    said["status"]["containerStatuses"][0]["state"] =
        json!({ "terminated": { "exitCode": 0, "startedAt": at, "finishedAt": at }, "running": null });
    said
}

pub(crate) fn team() -> Team {
    let members = Members { users: vec!["ada".to_owned()], groups: Vec::new() };
    Team::new("checkout", TeamSpec { members, ..TeamSpec::default() })
}

pub(crate) fn project(name: &str) -> Project {
    Project::new(name, ProjectSpec { team_name: "checkout".to_owned(), description: None })
}

pub(crate) fn environment(name: &str) -> Environment {
    Environment::new(name, EnvironmentSpec { tier: Tier::Staging, ..EnvironmentSpec::default() })
}

pub(crate) fn template() -> Template {
    let repository =
        TemplateRepository { project: "shop".to_owned(), component: "paths".to_owned(), ..Default::default() };
    let source = TemplateSource { builtin: None, repository: Some(repository) };
    let parameter = TemplateParameter { name: "port".to_owned(), ..TemplateParameter::default() };
    let version = "v1.0.0".to_owned();
    Template::new("good", TemplateSpec { version, source, parameters: vec![parameter], ..TemplateSpec::default() })
}

pub(crate) fn component(name: &str) -> Component {
    Component::new(name, ComponentSpec::default())
}

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

/// A Release whose image digest is one digit repeated (`b` never becomes ready), with one setting.
pub(crate) fn release(image: char, greeting: &str) -> ReleaseSpec {
    let within = if image == 'b' { "2s" } else { "60s" };
    let image = ReleaseImage { container: WEB.to_owned(), reference: "shop/web".to_owned(), digest: digest(image) };
    let workload = json!({
        "annotations": { "fairway.dev/ready-within": within },
        "containers": { WEB: { "image": "." } },
        "service": { "ports": { "http": { "port": 8080 } } },
    });
    let settings = BTreeMap::from([("GREETING".to_owned(), greeting.to_owned())]);
    ReleaseSpec {
        component_name: WEB.to_owned(),
        images: vec![image],
        workload: workload.as_object().cloned().unwrap_or_default(),
        config: BTreeMap::from([("default".to_owned(), settings)]),
        ..ReleaseSpec::default()
    }
}
