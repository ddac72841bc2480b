use fairway_api::v1alpha1::ReleaseImage;
use serde_json::json;

use super::*;

struct Case {
    project: ProjectName,
    environment: EnvironmentName,
    component: ComponentName,
    release: ReleaseSpec,
    replicas: i32,
    resources: BTreeMap<String, Binding>,
}

impl Case {
    fn new() -> Self {
        let (score, findings) = score::parse(include_str!("../../../../examples/hello/score.yaml"));
        assert_eq!(findings, []);
        let digest = format!("sha256:{}", "a".repeat(64));
        let config = [("default", [("GREETING", "hello")]), ("production", [("GREETING", "good day")])];
        Self {
            project: ProjectName::parse("shop").unwrap(),
            environment: EnvironmentName::parse("staging").unwrap(),
            component: ComponentName::parse("hello").unwrap(),
            release: ReleaseSpec {
                component_name: "hello".to_owned(),
                images: vec![ReleaseImage {
                    container: "web".to_owned(),
                    reference: "shop/hello:latest".to_owned(),
                    digest,
                }],
                workload: score.unwrap().workload,
                config: config
                    .map(|(layer, it)| (layer.to_owned(), it.map(|(a, b)| (a.to_owned(), b.to_owned())).into()))
                    .into(),
                ..ReleaseSpec::default()
            },
            replicas: 2,
            resources: BTreeMap::new(),
        }
    }

    fn render(&self) -> Result<Bundle, Vec<Finding>> {
        let namespace = format!("{}--{}", self.project, self.environment);
        render(&Input {
            project: &self.project,
            environment: &self.environment,
            namespace: &namespace,
            component: &self.component,
            release: &self.release,
            version: "v0.1.0",
            replicas: self.replicas,
            restart: None,
            resources: &self.resources,
        })
    }
}

fn object<'a>(bundle: &'a Bundle, kind: &str) -> &'a Value {
    bundle.objects.iter().find(|it| it["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn a_service_becomes_these_objects_in_this_order() {
    let bundle = Case::new().render().unwrap();
    let kinds: Vec<_> = bundle.objects.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ServiceAccount", "ConfigMap", "NetworkPolicy", "Service", "Deployment", "HTTPRoute"]);
    assert_eq!(bundle.host.as_deref(), Some("hello.staging.shop.localhost"));
    assert!(bundle.objects.iter().all(|it| it["metadata"]["namespace"] == "shop--staging"));
}

#[test]
fn equal_input_gives_an_equal_digest_and_scale_alone_changes_only_the_deployment() {
    let mut case = Case::new();
    let first = case.render().unwrap();
    assert_eq!(first, case.render().unwrap());
    case.replicas = 3;
    let second = case.render().unwrap();
    assert_ne!(first.digest, second.digest);
    let changed: Vec<_> =
        first.objects.iter().zip(&second.objects).filter(|(a, b)| a != b).map(|(a, _)| &a["kind"]).collect();
    assert_eq!(changed, ["Deployment"]);
}

#[test]
fn images_are_named_by_digest_and_containers_are_held_to_the_restricted_profile() {
    let bundle = Case::new().render().unwrap();
    let pod = &object(&bundle, "Deployment")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let image = container["image"].as_str().unwrap();
    assert!(image.starts_with("shop/hello@sha256:aaaa"), "no tag, which could move: {image}");
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["automountServiceAccountToken"], false);
}

#[test]
fn settings_of_the_environment_stand_over_the_default_ones_under_a_name_of_their_content() {
    let mut case = Case::new();
    let staging = case.render().unwrap();
    case.environment = EnvironmentName::parse("production").unwrap();
    let production = case.render().unwrap();
    assert_eq!(object(&staging, "ConfigMap")["data"]["GREETING"], "hello");
    assert_eq!(object(&production, "ConfigMap")["data"]["GREETING"], "good day");
    assert_ne!(object(&staging, "ConfigMap")["metadata"]["name"], object(&production, "ConfigMap")["metadata"]["name"]);
}

#[test]
fn a_workload_without_ports_has_neither_service_nor_route_nor_host() {
    let mut case = Case::new();
    case.release.workload.remove("service");
    let bundle = case.render().unwrap();
    let kinds: Vec<_> = bundle.objects.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ServiceAccount", "ConfigMap", "NetworkPolicy", "Deployment"]);
    assert_eq!(bundle.host, None);
    assert_eq!(object(&bundle, "NetworkPolicy")["spec"]["ingress"], json!([]));
}

#[test]
fn what_cannot_be_rendered_is_said_all_at_once() {
    let mut case = Case::new();
    case.release.images.clear();
    case.release.config.get_mut("default").unwrap().insert("BAD NAME".to_owned(), "x\0".to_owned());
    let found: Vec<_> = case.render().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:?}");
}

/// The hello service with variables that need a database.
fn bound() -> Case {
    let mut case = Case::new();
    let workload = &mut case.release.workload;
    workload.insert("resources".to_owned(), json!({ "db": { "type": "postgres" } }));
    workload["containers"]["web"]["variables"] = json!({
        "DATABASE_URL": "${resources.db.url}",
        "DSN": "host=${resources.db.host} user=${resources.db.username} $${literally}",
        "PLAIN": "as it stands",
    });
    case
}

fn env(bundle: &Bundle) -> Vec<Value> {
    let container = &object(bundle, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    container["env"].as_array().unwrap().clone()
}

#[test]
fn what_a_workload_is_told_comes_from_a_secret_and_stands_in_no_bundle() {
    let from = |name: &str, key: &str| {
        let secret = json!({ "secretKeyRef": { "name": "hello-db-connection", "key": key } });
        json!({ "name": name, "valueFrom": secret })
    };
    let dsn = "host=$(FAIRWAY_RESOURCES_DB_HOST) user=$(FAIRWAY_RESOURCES_DB_USERNAME) ${literally}";
    let wanted = [
        from("FAIRWAY_RESOURCES_DB_HOST", "host"),
        from("FAIRWAY_RESOURCES_DB_USERNAME", "username"),
        from("DATABASE_URL", "url"),
        json!({ "name": "DSN", "value": dsn }),
        json!({ "name": "PLAIN", "value": "as it stands" }),
    ];
    assert_eq!(env(&bound().render().unwrap()), wanted);
}

#[test]
fn a_rotation_rolls_the_pods_and_nothing_else() {
    let mut case = bound();
    let binding = |connection: &str| Binding {
        secret_name: "hello-db-connection".to_owned(),
        outputs: ["host", "url", "username"].map(str::to_owned).to_vec(),
        connection: connection.to_owned(),
    };
    case.resources.insert("db".to_owned(), binding("one"));
    let first = case.render().unwrap();
    assert_eq!(first, case.render().unwrap());
    case.resources.insert("db".to_owned(), binding("two"));
    let second = case.render().unwrap();
    let changed: Vec<_> =
        first.objects.iter().zip(&second.objects).filter(|(a, b)| a != b).map(|(a, _)| &a["kind"]).collect();
    assert_eq!(changed, ["Deployment"]);
    let annotation = |it: &Bundle| {
        object(it, "Deployment")["spec"]["template"]["metadata"]["annotations"][variables::CONNECTIONS].clone()
    };
    assert_ne!(annotation(&first), annotation(&second));
}

#[test]
fn an_output_that_a_resource_does_not_tell_is_named_with_those_it_tells() {
    let mut case = bound();
    let binding = Binding { outputs: vec!["host".to_owned(), "url".to_owned()], ..Binding::default() };
    case.resources.insert("db".to_owned(), binding);
    let found: Vec<_> = case.render().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["containers.web.variables.DSN: resource db tells no \"username\"; it tells host, url"]);
}
