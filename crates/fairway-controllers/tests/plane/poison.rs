//! Objects that nobody should write, field by field from the schemas of our kinds: the server says which field is wrong,
//! or takes what the schema allows, and the controllers go on for everybody else.

use anyhow::{Context, Result, ensure};
use fairway_api::v1alpha1::{
    Component, ComponentTemplate, Delivery, Environment, Migration, MigrationKind, PipelineRun, PipelineRunSpec,
    Project, Release, ReleaseMigrations, Resource, ResourceSpec, ResourceTask, Team, Toolchain,
};
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::support::{PROJECT, STAGING, WEB, World, component, environment, project, release, team, template};

/// Every field below `spec`: its path, and the type that its schema gives.
fn fields(schema: &Value, path: &[String], found: &mut Vec<(Vec<String>, String)>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = [path, std::slice::from_ref(name)].concat();
        found.push((path.clone(), schema["type"].as_str().unwrap_or_default().to_owned()));
        fields(schema, &path, found);
    }
}

/// What may be wrong with a field of this type. `None` means that it is not there.
fn poisons(r#type: &str) -> Vec<Option<Value>> {
    let wrong = if r#type == "string" { json!(7) } else { json!("seven") };
    let huge = match r#type {
        "array" => json!(vec!["x"; 100_000]),
        "integer" => json!(i64::MAX),
        "object" => json!({ "x".repeat(1 << 20): "x" }),
        _ => json!("x".repeat(1 << 20)),
    };
    vec![None, Some(Value::Null), Some(wrong), Some(json!([[]])), Some(huge)]
}

/// Puts a value at a path, or takes out what is there.
fn put(tree: &mut Value, path: &[String], value: Option<Value>) {
    let Some((last, above)) = path.split_last() else { return };
    let place = above.iter().fold(tree, |tree, name| &mut tree[name.as_str()]);
    match (value, place) {
        (Some(value), place) => place[last.as_str()] = value,
        (None, Value::Object(map)) => drop(map.remove(last)),
        (None, _) => {}
    }
}

/// A good object of each kind, and the namespace it belongs in.
fn good() -> Result<Vec<(Value, Option<&'static str>)>> {
    // With all that can be in it: what a field needs beside it is there.
    let mut spec = release('1', "poison");
    spec.toolchain = Some(Toolchain { name: "python".to_owned(), version: "3.11".to_owned(), base: None });
    spec.migrations = Some(ReleaseMigrations {
        resource: "db".to_owned(),
        container: WEB.to_owned(),
        command: vec!["migrate".to_owned()],
        steps: vec![Migration {
            id: "1".to_owned(),
            name: "init".to_owned(),
            digest: format!("sha256:{}", "0".repeat(64)),
            kind: MigrationKind::Compatible,
        }],
        within: None,
    });
    let wish = fairway_api::v1alpha1::DeliverySpec { release_name: "none".to_owned(), ..Default::default() };
    let task = ResourceTask { id: "one".to_owned(), from: Some("good.dump".to_owned()), ..ResourceTask::default() };
    let need = ResourceSpec { class_name: "redis".to_owned(), task: Some(task), ..ResourceSpec::default() };
    let mut templated = component("good");
    templated.spec.template = Some(ComponentTemplate { name: "good".to_owned(), ..ComponentTemplate::default() });
    Ok(vec![
        (serde_json::to_value(team())?, None),
        (serde_json::to_value(project("good"))?, None),
        (serde_json::to_value(environment("good"))?, Some(PROJECT)),
        (serde_json::to_value(template())?, None),
        (serde_json::to_value(fairway_plan::resource::builtin().remove(1))?, None),
        (serde_json::to_value(templated)?, Some(PROJECT)),
        (serde_json::to_value(Release::new("good", spec))?, Some(PROJECT)),
        (serde_json::to_value(Delivery::new("good", wish))?, Some(STAGING)),
        (serde_json::to_value(Resource::new("good", need))?, Some(STAGING)),
        (serde_json::to_value(run())?, Some(PROJECT)),
    ])
}

/// A run over a commit that no repository has.
fn run() -> PipelineRun {
    let spec = PipelineRunSpec {
        component_name: WEB.to_owned(),
        r#ref: "refs/heads/main".to_owned(),
        commit: "a".repeat(40),
        ..PipelineRunSpec::default()
    };
    PipelineRun::new("good", spec)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_is_refused_by_name_or_harms_nobody() -> Result<()> {
    let world = World::hosting().await?;
    world.declared().await?;
    let mut tried = 0;
    let good = good()?;
    for definition in fairway_api::v1alpha1::definitions() {
        let kind = definition.spec.names.kind.as_str();
        let (object, namespace) = good.iter().find(|it| it.0["kind"] == kind).with_context(|| format!("no {kind}"))?;
        let names = &definition.spec.names;
        let kind = GroupVersionKind::gvk("fairway.dev", "v1alpha1", &names.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, &names.plural);
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(world.client.clone(), namespace, &resource),
            None => Api::all_with(world.client.clone(), &resource),
        };
        let schema = serde_json::to_value(&definition.spec.versions[0].schema)?;
        let mut all = Vec::new();
        fields(&schema["openAPIV3Schema"]["properties"]["spec"], &["spec".to_owned()], &mut all);
        for (path, r#type) in all {
            for poison in poisons(&r#type) {
                tried += 1;
                let mut object = object.clone();
                object["metadata"]["name"] = json!(format!("poison-{tried}"));
                put(&mut object, &path, poison);
                let object: DynamicObject = serde_json::from_value(object)?;
                let field = path.last().context("a name")?;
                match api.create(&PostParams::default(), &object).await {
                    Ok(_) => {}
                    Err(kube::Error::Api(status)) => {
                        let said = status.message.chars().take(300).collect::<String>();
                        ensure!((400..500).contains(&status.code), "{} {path:?}: {said}", names.kind);
                        let causes = serde_json::to_string(&status.details)?;
                        let named = status.message.contains(field.as_str()) || causes.contains(field.as_str());
                        ensure!(named, "{} {path:?} is not named: {said}", names.kind);
                    }
                    Err(error) => return Err(error).with_context(|| format!("{} {path:?}", names.kind)),
                }
            }
        }
    }
    ensure!(tried > 100, "only {tried} objects were tried");
    // Everybody else goes on.
    let wanted = release('1', "hello");
    world.wish(&wanted).await?;
    world.serves(&wanted).await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_name_is_refused_or_gets_a_sentence() -> Result<()> {
    let world = World::start().await?;
    world.declared().await?;
    let long = "a".repeat(64);
    for name in ["Upper", "a.dot", "..", "a--b", "🚢", &long, "kube-x", "fairway-x", "-a", "9lives", ""] {
        world.refused_or_told::<Team>(&world.everywhere(), name, &team()).await?;
        world.refused_or_told::<Project>(&world.everywhere(), name, &project("x")).await?;
        world.refused_or_told::<Environment>(&world.api(PROJECT), name, &environment("x")).await?;
        world.refused_or_told::<Component>(&world.api(PROJECT), name, &component("x")).await?;
    }
    world.stop().await
}
