use fairway_api::v1alpha1::MigrationKind;

use super::*;

fn bundle() -> Bundle {
    let objects = vec![
        json!({ "kind": "ConfigMap", "metadata": { "name": "my-api-config-1" }, "data": { "GREETING": "hello", "PATTERN": "$(a|b)$$", "PORT": "1" } }),
        json!({ "kind": "Deployment", "metadata": { "name": "my-api", "namespace": "shop--staging" }, "spec": { "template": {
            "metadata": { "labels": { LABEL_COMPONENT: "my-api" } },
            "spec": {
                "securityContext": { "runAsNonRoot": true },
                "containers": [{
                    "name": "web", "image": "shop/my-api@sha256:aa", "imagePullPolicy": "IfNotPresent",
                    "securityContext": { "readOnlyRootFilesystem": true },
                    "ports": [{ "containerPort": 8080 }],
                    "readinessProbe": { "tcpSocket": { "port": 8080 } },
                    "envFrom": [{ "configMapRef": { "name": "my-api-config-1" } }],
                    "env": [
                        { "name": "PORT", "value": "8080" },
                        { "name": "DB_USER", "valueFrom": { "secretKeyRef": { "name": "my-api-db-connection", "key": "username" } } },
                        { "name": "DB_HOST", "valueFrom": { "secretKeyRef": { "name": "my-api-db-connection", "key": "host" } } },
                        { "name": "OTHER", "valueFrom": { "secretKeyRef": { "name": "other-connection", "key": "username" } } },
                        { "name": "URL", "value": "postgresql://$(DB_USER)@$(DB_HOST)" },
                    ],
                }],
            },
        } } }),
    ];
    Bundle { digest: digest_of(&objects), objects, host: None, ready_within: 60 }
}

fn migrations() -> ReleaseMigrations {
    let steps = ["1", "2"].map(|id| Migration {
        id: id.to_owned(),
        name: "x".to_owned(),
        digest: format!("sha256:{id}"),
        kind: MigrationKind::Compatible,
    });
    let command = vec!["app".to_owned(), "migrate".to_owned()];
    ReleaseMigrations {
        resource: "db".to_owned(),
        container: "web".to_owned(),
        command,
        steps: steps.into(),
        within: None,
    }
}

fn made(migrations: &ReleaseMigrations, pending: usize, again: Option<&str>) -> Option<Value> {
    let pending: Vec<&Migration> = migrations.steps.iter().skip(pending).collect();
    job(&Input {
        component: "my-api",
        bundle: &bundle(),
        migrations,
        pending: &pending,
        resource: "my-api-db",
        secret: "my-api-db-connection",
        outputs: &["host", "username", "migration_username"].map(str::to_owned),
        again,
    })
}

#[test]
fn the_job_is_the_workload_with_the_rights_of_a_migration() {
    let job = made(&migrations(), 0, None).unwrap();
    let pod = &job["spec"]["template"];
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["image"], "shop/my-api@sha256:aa");
    assert_eq!(container["command"], json!(["app", "migrate"]));
    assert_eq!(container["securityContext"], json!({ "readOnlyRootFilesystem": true }));
    let secret = |name, key| json!({ "secretKeyRef": { "name": name, "key": key } });
    let expected = json!([
        { "name": "GREETING", "value": "hello" },
        { "name": "PATTERN", "value": "$$(a|b)$$$$" },
        { "name": "PORT", "value": "8080" },
        { "name": "DB_USER", "valueFrom": secret("my-api-db-connection", "migration_username") },
        { "name": "DB_HOST", "valueFrom": secret("my-api-db-connection", "host") },
        { "name": "OTHER", "valueFrom": secret("other-connection", "username") },
        { "name": "URL", "value": "postgresql://$(DB_USER)@$(DB_HOST)" },
    ]);
    assert_eq!(container["env"], expected);
    assert_eq!(job["metadata"]["namespace"], "shop--staging");
    assert_eq!(job["metadata"]["annotations"]["fairway.dev/migrations"], "1,2");
}

#[test]
fn its_pod_gets_no_requests_of_the_service_and_never_runs_a_second_time() {
    let job = made(&migrations(), 0, None).unwrap();
    let pod = &job["spec"]["template"];
    assert_eq!(pod["metadata"]["labels"], json!({ LABEL_MIGRATION: "my-api", LABEL_CLIENT_OF: "my-api-db" }));
    assert_eq!(
        (&pod["spec"]["activeDeadlineSeconds"], &job["spec"]["activeDeadlineSeconds"]),
        (&json!(3600), &json!(3900))
    );
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["resources"], json!({ "requests": { "cpu": "10m", "memory": "32Mi" } }));
    let limited = made(&ReleaseMigrations { within: Some(20), ..migrations() }, 0, None).unwrap();
    assert_eq!(limited["spec"]["template"]["spec"]["activeDeadlineSeconds"], 20);
    assert_eq!((&job["spec"]["backoffLimit"], &pod["spec"]["restartPolicy"]), (&json!(0), &json!("Never")));
}

#[test]
fn its_name_follows_from_what_it_runs() {
    let name = |pending, again| made(&migrations(), pending, again).unwrap()["metadata"]["name"].clone();
    assert_eq!(name(0, None), name(0, None));
    let names = [name(0, None), name(1, None), name(0, Some("again"))];
    assert!(names[0] != names[1] && names[0] != names[2] && names[1] != names[2], "{names:?}");
}

#[test]
fn without_its_container_there_is_no_job() {
    let elsewhere = ReleaseMigrations { container: "worker".to_owned(), ..migrations() };
    assert_eq!(made(&elsewhere, 0, None), None);
}
