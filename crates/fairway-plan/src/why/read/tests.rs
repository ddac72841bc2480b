use k8s_openapi::ByteString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_pod_is_read_with_how_its_containers_do() {
    let pod: Pod = of(json!({
        "metadata": { "name": "p", "labels": { "fairway.dev/version": "v2" } },
        "status": {
            "conditions": [{ "type": "Ready", "status": "False" }],
            "containerStatuses": [
                {
                    "name": "web", "image": "", "imageID": "", "ready": false, "restartCount": 3,
                    "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } },
                    "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } },
                },
                { "name": "side", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": { "running": {} } },
            ],
        },
    }));
    let read = instance(&pod, "v2");
    assert!(read.is_wanted && !read.ready && !instance(&pod, "v1").is_wanted);
    let mut leaving = pod.clone();
    leaving.metadata.deletion_timestamp =
        leaving.metadata.creation_timestamp.clone().or(Some(of(json!("2026-01-01T00:00:00Z"))));
    assert!(instance(&leaving, "v2").is_gone && instance(&leaving, "v2").is_wanted && !read.is_gone);
    assert_eq!(read.containers[0].end().unwrap().reason, "OOMKilled");
    assert!(matches!(&read.containers[0].state, State::Waiting { reason, .. } if reason == "CrashLoopBackOff"));
    assert_eq!((&read.containers[1].state, read.containers[1].ready), (&State::Running, true));
}

#[test]
fn events_of_an_older_wish_do_not_count() {
    let event = |second: i64, message: &str| -> ClusterEvent {
        of(json!({
            "metadata": {}, "involvedObject": { "kind": "Pod", "name": "p" }, "reason": "Unhealthy", "message": message,
            "lastTimestamp": Timestamp::from_second(second).unwrap(),
        }))
    };
    let all = [event(300, "last"), event(100, "old"), event(200, "same second")];
    let since = Timestamp::from_millisecond(200_900).ok();
    let read: Vec<String> = events(&all, since).into_iter().map(|it| it.message).collect();
    assert_eq!(read, ["same second", "last"]);
    assert_eq!(events(&all, None).len(), 3);
}

fn template() -> PodTemplateSpec {
    of(json!({ "spec": { "containers": [{
        "name": "web",
        "ports": [{ "name": "http", "containerPort": 8080 }],
        "readinessProbe": { "httpGet": { "path": "/healthz", "port": "http" } },
        "livenessProbe": { "tcpSocket": { "port": 8080 } },
        "resources": { "limits": { "memory": "48Mi" } },
        "envFrom": [{ "configMapRef": { "name": "settings" } }, { "secretRef": { "name": "keys" }, "prefix": "K_" }],
        "env": [
            { "name": "GREETING", "value": "own" },
            { "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "db", "key": "password" } } },
        ],
    }] } }))
}

#[test]
fn a_workload_is_read_with_the_names_of_its_variables_and_no_secret_value() {
    let settings: ConfigMap = of(json!({ "data": { "GREETING": "hello", "ORDERS_URL": "http://orders" } }));
    let secret: Secret = of(json!({ "data": { "token": "aHVudGVyMg==" } }));
    let keys = [secret_keys("keys", Some(&secret))];
    let maps = BTreeMap::from([("settings".to_owned(), settings)]);
    let read = workload(&template(), &maps, &keys).remove(0);
    let names: Vec<&str> = read.variables.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["ORDERS_URL", "GREETING", "PASSWORD"]);
    assert_eq!(read.inherited, Some(["K_token".to_owned()].into()));
    assert_eq!(read.variables[1].value.as_deref(), Some("own"));
    assert_eq!(read.memory.as_deref(), Some("48Mi"));
    let probes: Vec<_> = read.probes.iter().map(|it| (it.kind, it.path.as_deref(), it.port)).collect();
    assert_eq!(probes, [("Readiness", Some("/healthz"), 8080), ("Liveness", None, 8080)]);
    assert!(!format!("{read:?}{keys:?}").contains("hunter2"));
    assert_eq!(secret_values(&secret).collect::<Vec<_>>(), ["hunter2"]);
    let mut told: Secret = of(json!({ "metadata": { "labels": { "fairway.dev/resource": "db" } } }));
    let values =
        [("host", "shop-db"), ("migration_username", "migration"), ("password", "hunter2"), ("username", "app_a")];
    told.data = Some(values.map(|(key, value)| (key.to_owned(), ByteString(value.into()))).into());
    assert_eq!(secret_values(&told).collect::<Vec<_>>(), ["hunter2"], "who logs in where is told");
    told.metadata.labels = None;
    assert_eq!(secret_values(&told).count(), 4, "what is somebody's own may mean anything");
    assert_eq!(workload(&template(), &BTreeMap::new(), &keys)[0].inherited, None, "who knows what is in it");
    let names = |it: [&str; 2]| it.map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(referenced(&template()), (["settings".to_owned()].into(), names(["db", "keys"])));
}

#[test]
fn a_service_is_read_with_its_ready_endpoints() {
    let it: ClusterService = of(json!({
        "metadata": { "name": "db" },
        "spec": { "clusterIP": "10.96.0.5", "ports": [{ "port": 5432, "targetPort": 5433 }, { "port": 80 }] },
    }));
    let slice: EndpointSlice = of(json!({
        "metadata": { "labels": { "kubernetes.io/service-name": "db" } }, "addressType": "IPv4",
        "endpoints": [{ "addresses": ["10.88.0.2"], "conditions": { "ready": true } },
            { "addresses": ["10.88.0.3"], "conditions": { "ready": false } }],
    }));
    let read = service(&it, Some(&[slice]));
    assert_eq!(
        (read.ports, read.endpoints, read.address.as_str()),
        (vec![(5432, 5433), (80, 80)], Some(1), "10.96.0.5")
    );
    assert_eq!(service(&it, None).endpoints, None);
}

#[test]
fn a_delivery_is_read_with_the_failure_of_what_is_wanted_now() {
    let condition = |kind: &str, status: &str| {
        json!({
            "type": kind, "status": status, "reason": "HealthCheckFailed", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let mut delivery: Delivery = of(json!({
        "apiVersion": "fairway.dev/v1alpha1", "kind": "Delivery", "metadata": { "name": "my-api", "generation": 2 },
        "spec": { "releaseName": "my-api-2" },
        "status": {
            "summary": "v2 was refused", "observedGeneration": 2,
            "conditions": [condition("Ready", "False"), condition("Stalled", "True")],
            "attempt": {
                "releaseName": "my-api-2", "started": "2026-01-01T00:00:00Z", "outcome": "Failed",
                "message": "container web exited with code 1",
            },
        },
    }));
    let read = standing(&delivery);
    assert!(read.stalled && !read.ready && read.reason == "HealthCheckFailed", "{read:?}");
    assert_eq!(read.failure.as_deref(), Some("container web exited with code 1"));
    delivery.spec.release_name = "my-api-3".to_owned();
    assert_eq!(standing(&delivery).failure, None);
}

#[test]
fn a_quota_is_read_with_what_is_used() {
    let it: ResourceQuota = of(json!({
        "metadata": { "name": "compute" },
        "status": { "hard": { "pods": "2", "requests.cpu": "1" }, "used": { "pods": "2" } },
    }));
    let row = |it: [&str; 3]| (it[0].to_owned(), it[1].to_owned(), it[2].to_owned());
    assert_eq!(quota(&it).of, [row(["pods", "2", "2"]), row(["requests.cpu", "?", "1"])]);
}

#[test]
fn a_migration_that_failed_is_read_from_its_delivery() {
    let delivery = |reason: &str| -> Delivery {
        of(json!({
            "apiVersion": "fairway.dev/v1alpha1", "kind": "Delivery", "metadata": { "name": "my-api" },
            "spec": { "releaseName": "my-api-2" },
            "status": {
                "schema": { "resource": "my-api-db", "job": "my-api-migrate-3f2", "failed": "column total does not exist" },
                "conditions": [{
                    "type": "Ready", "status": "False", "reason": reason, "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            },
        }))
    };
    let read = migration(&delivery("MigrationFailed")).unwrap();
    assert_eq!((read.job.as_str(), read.message.as_str()), ("Job my-api-migrate-3f2", "column total does not exist"));
    assert!(read.failed && migration(&delivery("Migrating")).is_none());
}
