//! Commands against a real API server: what they read, what they write, and what they never take back.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

use std::sync::Arc;
use std::time::Duration;

use fairway_api::v1alpha1::{
    Component, ComponentSpec, Delivery, Environment, EnvironmentSpec, Project, ProjectSpec, Release, ReleaseImage,
    ReleaseSpec, Template, definitions,
};
use fairway_cli::commands::{
    Wait, Which, create_service, delete, deploy, get, promote, release, rollback, scale, status, template, whoami,
};
use fairway_cli::output::Report as _;
use fairway_cli::progress::Quiet;
use fairway_cli::{Exit, Home, Session};
use fairway_plan::release::name;
use fairway_testkit::TestPlane;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

struct Scene {
    plane: TestPlane,
    session: Session,
}

impl Scene {
    /// A plane with our kinds, a project, two environments and a component with two releases.
    async fn set() -> Self {
        let plane = TestPlane::start().await.unwrap();
        let session = Session {
            home: Home::new(plane.folder().join("home")),
            process: None,
            client: plane.client(),
            project: None,
            folder: plane.folder().to_owned(),
            progress: Arc::new(Quiet),
            world: plane.world().clone(),
            interactive: false,
            verbose: false,
        };
        let scene = Self { plane, session };
        let kinds: Api<CustomResourceDefinition> = Api::all(scene.session.client.clone());
        for definition in definitions() {
            kinds.create(&PostParams::default(), &definition).await.unwrap();
        }
        scene.established().await;
        scene.project("shop").await;
        for (name, from) in [("staging", None), ("production", Some("staging".to_owned()))] {
            let spec = EnvironmentSpec { promotes_from: from, ..EnvironmentSpec::default() };
            scene
                .api::<Environment>("shop")
                .create(&PostParams::default(), &Environment::new(name, spec))
                .await
                .unwrap();
            scene.namespace(&format!("shop--{name}")).await;
        }
        let component = Component::new("hello", ComponentSpec::default());
        scene.api::<Component>("shop").create(&PostParams::default(), &component).await.unwrap();
        scene
    }

    /// A definition is served a moment after it was made.
    async fn established(&self) {
        let served = async {
            while self.api::<Release>("default").list(&ListParams::default()).await.is_err()
                || self.api::<Delivery>("default").list(&ListParams::default()).await.is_err()
                || Api::<Project>::all(self.session.client.clone()).list(&ListParams::default()).await.is_err()
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), served).await.expect("our kinds are served");
    }

    fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.session.client.clone(), namespace)
    }

    async fn namespace(&self, name: &str) {
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        let api: Api<Namespace> = Api::all(self.session.client.clone());
        api.create(&PostParams::default(), &namespace).await.unwrap();
    }

    async fn project(&self, name: &str) {
        let spec = ProjectSpec { team_name: "team".to_owned(), ..ProjectSpec::default() };
        let api: Api<Project> = Api::all(self.session.client.clone());
        api.create(&PostParams::default(), &Project::new(name, spec)).await.unwrap();
        self.namespace(name).await;
    }

    /// A release with a number, as its controller would leave it.
    async fn release(&self, number: u32) -> String {
        let digest = format!("sha256:{}", number.to_string().repeat(64));
        let image = ReleaseImage { container: "web".to_owned(), reference: format!("shop/hello@{digest}"), digest };
        let workload = json!({ "containers": { "web": { "image": "." } } });
        let spec = ReleaseSpec {
            component_name: "hello".to_owned(),
            images: vec![image],
            workload: workload.as_object().unwrap().clone(),
            ..ReleaseSpec::default()
        };
        let name = name(&spec);
        let api = self.api::<Release>("shop");
        api.create(&PostParams::default(), &Release::new(&name, spec)).await.unwrap();
        let status = json!({ "status": { "version": format!("v0.1.{}", number - 1), "number": number } });
        api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
        name
    }

    async fn delivery(&self) -> Delivery {
        self.api::<Delivery>("shop--staging").get("hello").await.unwrap()
    }
}

fn no_wait() -> Wait {
    Wait { no_wait: true, ..Wait::default() }
}

fn deliver(word: &str) -> deploy::Deploy {
    deploy::Deploy {
        which: Which::service("hello"),
        env: Some("staging".to_owned()),
        release: Some(word.to_owned()),
        wait: no_wait(),
        ..deploy::Deploy::default()
    }
}

#[tokio::test]
async fn neither_a_release_nor_a_scale_takes_back_what_the_other_wrote() {
    let scene = Scene::set().await;
    let (first, second) = (scene.release(1).await, scene.release(2).await);
    deploy::deploy(&scene.session, &deliver("v0.1.0")).await.unwrap();
    let to_three = scale::Scale { which: Which::service("hello"), replicas: Some(3), wait: no_wait(), env: None };
    scale::scale(&scene.session, &to_three).await.unwrap();
    assert_eq!(
        (scene.delivery().await.spec.release_name, scene.delivery().await.spec.replicas),
        (first.clone(), Some(3))
    );
    deploy::deploy(&scene.session, &deliver("2")).await.unwrap();
    assert_eq!((scene.delivery().await.spec.release_name, scene.delivery().await.spec.replicas), (second, Some(3)));
    let back = rollback::Rollback {
        which: Which::service("hello"),
        to_version: Some("v0.1.0".to_owned()),
        wait: no_wait(),
        env: None,
    };
    let outcome = rollback::rollback(&scene.session, &back).await.unwrap();
    let delivery = scene.delivery().await;
    assert_eq!((&delivery.spec.release_name, delivery.spec.replicas), (&first, Some(3)));
    assert_eq!(delivery.annotations()["fairway.dev/cause"], outcome.cause, "every write carries its cause");
    assert_eq!(outcome.cause.len(), 32);
    scene.plane.stop().await;
}

#[tokio::test]
async fn the_same_release_is_asked_for_anew_once_it_failed() {
    let scene = Scene::set().await;
    let name = scene.release(1).await;
    deploy::deploy(&scene.session, &deliver("1")).await.unwrap();
    let generation = scene.delivery().await.metadata.generation;
    deploy::deploy(&scene.session, &deliver("1")).await.unwrap();
    assert_eq!(scene.delivery().await.metadata.generation, generation, "the same wish changes nothing");
    let attempt = json!({ "releaseName": name, "started": "2026-01-01T00:00:00Z", "outcome": "Failed" });
    let status = json!({ "status": { "attempt": attempt } });
    let api = scene.api::<Delivery>("shop--staging");
    api.patch_status("hello", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    deploy::deploy(&scene.session, &deliver("1")).await.unwrap();
    assert!(scene.delivery().await.spec.restart.is_some());
    scene.plane.stop().await;
}

#[tokio::test]
async fn the_project_is_the_only_one_or_has_to_be_named() {
    let scene = Scene::set().await;
    assert_eq!(scene.session.project().await.unwrap().as_str(), "shop");
    scene.project("other").await;
    let failure = scene.session.project().await.unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.what.contains("other, shop") && failure.hint.unwrap().contains("--project"));
    let named = Session { project: Some("shop".to_owned()), ..scene.session.clone() };
    assert_eq!(named.project().await.unwrap().as_str(), "shop");
    let hostile = Session { project: Some("../shop".to_owned()), ..scene.session.clone() };
    assert_eq!(hostile.project().await.unwrap_err().exit, Exit::Usage);
    let known = whoami::whoami(&scene.session).await.unwrap();
    assert_eq!((known.user.as_str(), known.projects), ("admin", vec!["other".to_owned(), "shop".to_owned()]));
    scene.plane.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_what_does() {
    let scene = Scene::set().await;
    scene.release(1).await;
    let nowhere = deploy::Deploy { env: Some("nowhere".to_owned()), ..deliver("1") };
    let failure = deploy::deploy(&scene.session, &nowhere).await.unwrap_err();
    assert_eq!((failure.exit, failure.what.contains("staging, production")), (Exit::NotFound, true));
    let failure = deploy::deploy(&scene.session, &deliver("v9.9.9")).await.unwrap_err();
    assert_eq!((failure.exit, failure.what.contains("there are v0.1.0")), (Exit::NotFound, true));
    let unknown = status::Status { which: Which::service("nobody"), env: None, ..status::Status::default() };
    let failure = status::status(&scene.session, &unknown).await.unwrap_err();
    assert_eq!(failure.hint.as_deref(), Some("platform create-service --name=nobody"));
    let hello = status::Status { which: Which::service("hello"), env: None, ..status::Status::default() };
    let report = status::status(&scene.session, &hello).await.unwrap();
    assert!(report.table().contains("not delivered anywhere yet"));
    let promotion = promote::Promote { which: Which::service("hello"), wait: no_wait(), ..promote::Promote::default() };
    let failure = promote::promote(&scene.session, &promotion).await.unwrap_err();
    assert_eq!((failure.exit, failure.hint.as_deref()), (Exit::Refused, Some("platform deploy hello --env=staging")));
    scene.plane.stop().await;
}

#[tokio::test]
async fn objects_are_listed_and_removed() {
    let scene = Scene::set().await;
    let name = scene.release(1).await;
    deploy::deploy(&scene.session, &deliver("1")).await.unwrap();
    let list = release::list(&scene.session, &Which::service("hello")).await.unwrap();
    assert_eq!(list.names(), [format!("release.fairway.dev/{name}")]);
    let deliveries = get::Get { kind: "deliveries".to_owned(), ..get::Get::default() };
    let table = get::get(&scene.session, &deliveries).await.unwrap().table();
    assert!(table.starts_with("ENVIRONMENT") && table.contains("staging"), "{table}");
    let gone = delete::Delete {
        kind: "delivery".to_owned(),
        name: "hello".to_owned(),
        env: Some("staging".to_owned()),
        yes: true,
        ..delete::Delete::default()
    };
    delete::delete(&scene.session, &gone).await.unwrap();
    assert_eq!(delete::delete(&scene.session, &gone).await.unwrap_err().exit, Exit::NotFound);
    scene.plane.stop().await;
}

/// `create-service` from the template `paths`, with these choices.
fn golden(name: &str, settings: &[&str]) -> create_service::CreateService {
    create_service::CreateService {
        name: Some(name.to_owned()),
        template: Some("paths".to_owned()),
        settings: settings.iter().map(|it| template::parse_setting(it).unwrap()).collect(),
        ..create_service::CreateService::default()
    }
}

#[tokio::test]
async fn a_service_from_a_template_is_one_object_whose_repository_is_waited_for() {
    let scene = Scene::set().await;
    let spec = json!({
        "version": "v1.0.0", "componentType": "Worker", "source": { "builtin": "paths" },
        "parameters": [{ "name": "port", "type": "integer", "minimum": 1024, "maximum": 65535, "default": 8080 }],
    });
    let templates: Api<Template> = Api::all(scene.session.client.clone());
    let object = Template::new("paths", serde_json::from_value(spec).unwrap());
    templates.create(&PostParams::default(), &object).await.unwrap();
    let components = scene.api::<Component>("shop");
    let before = components.list(&ListParams::default()).await.unwrap().items.len();

    // What cannot work writes nothing.
    let wrong = create_service::create_service(&scene.session, &golden("orders", &["port=80", "prot=1"])).await;
    let failure = wrong.unwrap_err();
    assert_eq!((failure.exit, failure.details.len()), (Exit::Usage, 2));
    let nowhere =
        create_service::CreateService { language: Some("python".to_owned()), template: None, ..golden("orders", &[]) };
    let failure = create_service::create_service(&scene.session, &nowhere).await.unwrap_err();
    assert_eq!((failure.exit, failure.what.contains("there are: paths")), (Exit::NotFound, true));
    let cached = create_service::CreateService { cache: Some("redis".to_owned()), ..golden("orders", &[]) };
    assert_eq!(create_service::create_service(&scene.session, &cached).await.unwrap_err().exit, Exit::Usage);
    let failure = create_service::create_service(&scene.session, &golden("a--b", &[])).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert_eq!(components.list(&ListParams::default()).await.unwrap().items.len(), before);

    // Its controller makes the repository while the command waits.
    let wanted = golden("orders", &["port=9000"]);
    let made = async {
        while components.get_opt("orders").await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        let repository = json!({ "url": "https://hub/git/shop/orders.git", "defaultBranch": "main", "created": "c1" });
        let status = json!({ "status": { "observedGeneration": 1, "repository": repository } });
        components.patch_status("orders", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    };
    let (created, ()) = tokio::join!(create_service::create_service(&scene.session, &wanted), made);
    let created = created.unwrap();
    assert_eq!(created.repository.as_deref(), Some("https://hub/git/shop/orders.git"));
    assert_eq!(created.next_step, "platform repo clone orders");
    assert!(created.table().contains("repository: https://hub/git/shop/orders.git\n"));
    let component = components.get("orders").await.unwrap();
    let chosen = serde_json::to_value(component.spec.template.unwrap()).unwrap();
    assert_eq!(chosen, json!({ "name": "paths", "parameters": { "port": 9000 } }));

    // The same command once more finds it; another one by the same name is refused.
    create_service::create_service(&scene.session, &wanted).await.unwrap();
    let other = create_service::create_service(&scene.session, &golden("orders", &["port=9001"])).await;
    assert!(other.unwrap_err().what.contains("has a service orders already"));

    // Nobody makes this one's repository.
    let lonely = create_service::CreateService {
        wait: Wait { timeout: Duration::from_millis(50), ..Wait::default() },
        ..golden("lonely", &[])
    };
    let failure = create_service::create_service(&scene.session, &lonely).await.unwrap_err();
    assert_eq!(failure.exit, Exit::NotReady);
    assert!(failure.hint.unwrap().contains("it goes on without us"));
    let names = template::list(&scene.session).await.unwrap().names();
    assert_eq!(names, ["template.fairway.dev/paths"]);
    scene.plane.stop().await;
}
