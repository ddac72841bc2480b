use std::collections::BTreeMap;

use fairway_api::v1alpha1::{ClassPlan, ResourceClassSpec, ResourceReason, ResourceSpec, ResourceStatus, Tier};
use serde_json::{Value, json};

use super::*;
use crate::health::Health;

fn class(name: &str) -> ResourceClassSpec {
    let found = builtin().into_iter().find(|it| it.metadata.name.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("no class {name}")).spec
}

fn facts<'a>(plan: &'a ClassPlan, component: Option<&'a str>) -> Facts<'a> {
    Facts {
        name: "my-api-db",
        namespace: "shop--staging",
        component,
        project: "shop",
        environment: "staging",
        version: "15",
        plan,
        image: "bases/postgres-15@sha256:0f",
        serial: 1,
    }
}

fn object<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|it| it["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn the_classes_that_come_with_the_platform_parse_and_have_no_mistakes() {
    assert_eq!(builtin().iter().map(|it| it.metadata.name.clone().unwrap()).collect::<Vec<_>>(), builtin::names());
    for it in builtin() {
        assert_eq!(check(&it.spec), [], "{:?}", it.metadata.name);
    }
}

#[test]
fn every_object_is_named_after_its_resource_labelled_and_in_its_namespace() {
    let class = class("postgres");
    let objects = render(&class, &facts(&class.plans[0], Some("my-api"))).unwrap();
    let kinds: Vec<&str> = objects.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    let wanted =
        ["PersistentVolumeClaim", "ConfigMap", "NetworkPolicy", "Service", "Service", "StatefulSet", "Job", "CronJob"];
    assert_eq!(kinds, wanted);
    for it in &objects {
        assert!(it["metadata"]["name"].as_str().unwrap().starts_with("my-api-db"));
        assert_eq!(it["metadata"]["namespace"], "shop--staging");
        assert_eq!(it["metadata"]["labels"]["fairway.dev/resource"], "my-api-db");
    }
    let pods = [
        &object(&objects, "StatefulSet")["spec"]["template"],
        &object(&objects, "Job")["spec"]["template"],
        &object(&objects, "CronJob")["spec"]["jobTemplate"]["spec"]["template"],
    ];
    for it in pods {
        assert_eq!(it["metadata"]["labels"]["fairway.dev/resource"], "my-api-db");
        assert!(it["metadata"]["labels"].get("fairway.dev/component").is_none(), "no endpoint of its component");
        assert_eq!(it["spec"]["containers"][0]["image"], "bases/postgres-15@sha256:0f");
    }
}

#[test]
fn another_plan_changes_nothing_of_a_database_that_may_not_change() {
    let class = class("postgres");
    let plans = ["small", "medium"].map(|name| class.plans.iter().find(|it| it.name == name).unwrap());
    let [small, medium] = plans.map(|it| render(&class, &facts(it, None)).unwrap());
    let storage = |it: &[Value]| it[0]["spec"]["resources"]["requests"]["storage"].clone();
    assert_eq!((storage(&small), storage(&medium)), (json!("1Gi"), json!("10Gi")), "the claim comes first, and grows");
    let fixed = |objects: &[Value]| {
        let mut spec = object(objects, "StatefulSet")["spec"].clone();
        for free in ["template", "replicas", "revisionHistoryLimit"] {
            spec.as_object_mut().unwrap().remove(free);
        }
        spec
    };
    assert_eq!(fixed(&small), fixed(&medium));
    let volumes = &object(&small, "StatefulSet")["spec"]["template"]["spec"]["volumes"];
    let claim = json!({ "name": "data", "persistentVolumeClaim": { "claimName": small[0]["metadata"]["name"] } });
    assert!(volumes.as_array().unwrap().contains(&claim), "{volumes}");
}

#[test]
fn only_its_component_and_its_own_jobs_may_reach_a_database() {
    let class = class("postgres");
    for (component, allowed) in [(Some("my-api"), 2), (None, 1)] {
        let objects = render(&class, &facts(&class.plans[0], component)).unwrap();
        let from = &object(&objects, "NetworkPolicy")["spec"]["ingress"][0]["from"];
        assert_eq!(from.as_array().map(Vec::len), Some(allowed), "{from}");
    }
}

#[test]
fn no_secret_stands_in_what_is_applied_and_all_of_it_in_what_is_told() {
    let class = class("postgres");
    let facts = facts(&class.plans[0], Some("my-api"));
    let secrets: BTreeMap<String, String> =
        class.secrets.iter().map(|it| (it.name.clone(), format!("hush-{}", it.name))).collect();
    for objects in [
        render(&class, &facts).unwrap(),
        dump(&class, &facts, "a.dump").unwrap(),
        restore(&class, &facts, "b.dump", "a.dump").unwrap(),
    ] {
        assert!(!Value::Array(objects).to_string().contains("hush"));
    }
    let told = outputs(&class, &facts, Some("app_b"), &secrets).unwrap();
    assert_eq!(told["url"], "postgresql://app_b:hush-app_b@my-api-db:5432/my_api_db");
    assert_eq!(told["migration_password"], "hush-migration");
    assert!(told.values().all(|it| !it.contains("hush-admin")), "a workload is not told of the administrator");
}

#[test]
fn the_owner_of_a_database_is_no_login_and_no_role_of_the_server() {
    let class = class("postgres");
    let small = facts(&class.plans[0], None);
    let secrets: BTreeMap<String, String> =
        class.secrets.iter().map(|it| (it.name.clone(), "hush".to_owned())).collect();
    for (name, database) in [
        ("my-api-db", "my_api_db"),
        ("app-a", "db_app_a"),
        ("app-b", "db_app_b"),
        ("migration", "db_migration"),
        ("postgres", "db_postgres"),
        ("template1", "db_template1"),
        ("public", "db_public"),
        ("pg-monitor", "db_pg_monitor"),
        ("user", "user"),
    ] {
        let facts = Facts { name, ..small.clone() };
        let told = outputs(&class, &facts, Some("app_a"), &secrets).unwrap();
        assert_eq!(told["name"], database);
        let objects = render(&class, &facts).unwrap();
        let logins = object(&objects, "ConfigMap")["data"]["logins.sql"].as_str().unwrap();
        assert!(logins.contains(&format!("GRANT \"{database}\" TO app_a, app_b, migration;")), "{logins}");
        assert!(logins.contains(&format!("CREATE DATABASE \"{database}\" OWNER \"{database}\"")), "{logins}");
    }
}

#[test]
fn every_container_asks_for_something_so_that_a_quota_lets_it_in() {
    for name in ["postgres", "redis"] {
        let class = class(name);
        let facts = facts(&class.plans[0], None);
        let mut objects = render(&class, &facts).unwrap();
        objects.extend(dump(&class, &facts, "a.dump").unwrap());
        objects.extend(restore(&class, &facts, "b.dump", "a.dump").unwrap());
        let templates = objects
            .iter()
            .filter_map(|it| it.pointer("/spec/jobTemplate/spec/template/spec").or(it.pointer("/spec/template/spec")));
        let containers: Vec<&Value> = templates.filter_map(|it| it["containers"].as_array()).flatten().collect();
        assert!(containers.len() > 1);
        for it in containers {
            let asks = &it["resources"]["requests"];
            assert!(asks["cpu"].is_string() && asks["memory"].is_string(), "{name}: {}", it["name"]);
        }
    }
}

#[test]
fn a_job_is_another_one_when_it_or_a_password_changed() {
    let class = class("postgres");
    let name = |facts: &Facts<'_>| {
        object(&render(&class, facts).unwrap(), "Job")["metadata"]["name"].as_str().unwrap().to_owned()
    };
    let first = facts(&class.plans[0], None);
    let rotated = Facts { serial: 2, ..first.clone() };
    let updated = Facts { image: "bases/postgres-15@sha256:1f", ..first.clone() };
    assert_eq!(name(&first), name(&first));
    assert_ne!(name(&first), name(&rotated));
    assert_ne!(name(&first), name(&updated));
    assert!(name(&first).len() <= 63);
}

#[test]
fn a_dump_and_a_restore_are_another_job_for_each_name() {
    let class = class("postgres");
    let facts = facts(&class.plans[0], None);
    let named = |objects: Vec<Value>| {
        let job = object(&objects, "Job").clone();
        (
            job["metadata"]["name"].as_str().unwrap().to_owned(),
            job["spec"]["template"]["spec"]["containers"][0].to_string(),
        )
    };
    let (first, text) = named(dump(&class, &facts, "one.dump").unwrap());
    assert_eq!(first, named(dump(&class, &facts, "one.dump").unwrap()).0);
    assert_ne!(first, named(dump(&class, &facts, "two.dump").unwrap()).0);
    assert!(text.contains("one.dump") && first.starts_with("my-api-db-dump-"), "{text}");
    let (restored, text) = named(restore(&class, &facts, "one.dump", "before.dump").unwrap());
    assert!(text.contains("one.dump") && text.contains("before.dump") && restored.len() <= 63, "{text}");
    assert!(dump(&self::class("redis"), &facts, "one.dump").unwrap().is_empty(), "a cache has none");
}

#[test]
fn a_class_with_mistakes_is_told_of_all_of_them() {
    let good = class("redis");
    let service = "apiVersion: v1\nkind: Service\nmetadata: { name: \"{{ resource.name }}\" }\n";
    let with = |manifests: &str| ResourceClassSpec { manifests: manifests.to_owned(), ..good.clone() };
    for (class, part) in [
        (with("{{ resource.name "), "spec.manifests"),
        (with("{% include 'etc' %}"), "is not part of templates"),
        (with("name: {{ secrets.admin }}"), "\"secrets\" is not known"),
        (with("name: {{ plan.storage }}"), "plan.storage is not known"),
        (with("a: [b"), "cannot be read"),
        (with("apiVersion: v1\nkind: Secret\nmetadata: { name: x }"), "a class cannot make"),
        (with("apiVersion: v1\nkind: Service\nmetadata: { name: x }"), "must be named"),
        (with("apiVersion: v1\nkind: Service\nmetadata: { name: '{{ resource.name }}', namespace: x }"), "namespace"),
        (with(&format!("{service}---\n{service}")), "stands twice"),
        (
            ResourceClassSpec { restore: Some(String::new()), ..good.clone() },
            "spec.restore: has nothing to restore from",
        ),
        (
            ResourceClassSpec { dump: Some("a: {{ restore.from }}".to_owned()), ..good.clone() },
            "\"restore\" is not known",
        ),
        (ResourceClassSpec { plans: Vec::new(), ..good.clone() }, "spec.plans: is empty"),
        (ResourceClassSpec { versions: Vec::new(), ..good.clone() }, "spec.versions: is empty"),
        (
            ResourceClassSpec { logins: vec!["root".to_owned(), "app_a".to_owned()], ..good.clone() },
            "none of spec.secrets",
        ),
        (ResourceClassSpec { logins: vec!["app_a".to_owned()], ..good.clone() }, "two take turns"),
        (
            ResourceClassSpec { defaults: [("prod".to_owned(), "small".to_owned())].into(), ..good.clone() },
            "not a tier",
        ),
        (
            ResourceClassSpec { defaults: [("staging".to_owned(), "xl".to_owned())].into(), ..good.clone() },
            "no such plan",
        ),
    ] {
        let found: Vec<String> = check(&class).iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|it| it.contains(part)), "{part:?} in {found:?}");
    }
}

#[test]
fn rendering_without_end_is_refused() {
    let good = class("redis");
    let many: String = "{% for a in [1,2,3,4,5,6,7,8,9] %}".repeat(12) + "x" + &"{% endfor %}".repeat(12);
    let found = check(&ResourceClassSpec { manifests: many, ..good });
    assert!(!found.is_empty());
}

#[test]
fn a_resource_gets_what_it_asks_for_keeps_what_it_has_and_else_what_its_tier_has() {
    let class = class("postgres");
    let spec = |version: Option<&str>, plan: Option<&str>| ResourceSpec {
        class_name: "postgres".to_owned(),
        version: version.map(str::to_owned),
        plan: plan.map(str::to_owned),
        ..ResourceSpec::default()
    };
    let has = |version: &str, plan: &str| ResourceStatus {
        version: Some(version.to_owned()),
        plan: Some(plan.to_owned()),
        ..ResourceStatus::default()
    };
    let fresh = ResourceStatus::default();
    for (spec, tier, status, wanted) in [
        (spec(None, None), Tier::Staging, &fresh, Ok(("15", "small"))),
        (spec(None, None), Tier::Production, &fresh, Ok(("15", "medium"))),
        (spec(Some("15"), Some("large")), Tier::Staging, &fresh, Ok(("15", "large"))),
        (spec(None, None), Tier::Production, &has("15", "small"), Ok(("15", "small"))),
        (spec(Some("9"), None), Tier::Staging, &fresh, Err(ResourceReason::VersionNotFound)),
        (spec(Some("16"), None), Tier::Staging, &has("15", "small"), Err(ResourceReason::VersionFixed)),
        (spec(None, Some("huge")), Tier::Staging, &fresh, Err(ResourceReason::PlanNotFound)),
        (spec(None, None), Tier::Staging, &has("14", "small"), Err(ResourceReason::VersionNotFound)),
    ] {
        let chosen = choose(&spec, &class, tier, status);
        let chosen = chosen.as_ref().map(|it| (it.version.name.as_str(), it.plan.name.as_str()));
        assert_eq!(chosen.map_err(|it| it.reason), wanted);
    }
}

/// Secrets that can be told apart.
fn counter() -> impl FnMut(u32) -> String {
    let mut count = 0;
    move |length| {
        count += 1;
        format!("{count:0>width$}", width = length as usize)
    }
}

#[test]
fn at_every_step_of_a_rotation_the_password_in_use_and_the_next_one_are_valid() {
    let class = class("postgres");
    let mut fresh = counter();
    let first = Credentials::default().next(&class, None, false, false, &mut fresh);
    assert_eq!((first.values.len(), first.login.as_deref(), first.serial), (4, Some("app_a"), 1));
    assert!(first == first.next(&class, None, true, true, &mut fresh), "nothing asked, nothing changed");

    let prepared = first.next(&class, Some("monday"), true, true, &mut fresh);
    assert_eq!((prepared.step, prepared.login.as_deref(), prepared.serial), (Step::Preparing, Some("app_a"), 2));
    assert_eq!(prepared.values["app_a"], first.values["app_a"], "in use");
    assert_ne!(prepared.values["app_b"], first.values["app_b"]);
    assert!(prepared == prepared.next(&class, Some("monday"), false, false, &mut fresh), "the server is told first");

    let moving = prepared.next(&class, Some("monday"), true, false, &mut fresh);
    assert_eq!((moving.step, moving.login.as_deref(), moving.serial), (Step::Moving, Some("app_b"), 2));
    assert!(moving.values == prepared.values, "both stay as they were");
    assert!(moving == moving.next(&class, Some("monday"), true, false, &mut fresh), "somebody has the one before");

    let done = moving.next(&class, Some("monday"), true, true, &mut fresh);
    assert_eq!((done.step, done.login.as_deref(), done.serial), (Step::Resting, Some("app_b"), 3));
    assert_ne!(done.values["app_a"], moving.values["app_a"], "the one before is worth nothing any more");
    assert_eq!(done.values["app_b"], moving.values["app_b"]);
    assert!(done == done.next(&class, Some("monday"), true, true, &mut fresh));

    let again = done.next(&class, Some("tuesday"), true, true, &mut fresh);
    assert_eq!((again.step, again.login.as_deref()), (Step::Preparing, Some("app_b")));
    let instead = again.next(&class, Some("wednesday"), false, false, &mut fresh);
    assert_eq!((instead.rotated.as_deref(), instead.serial), (Some("wednesday"), again.serial + 1));
}

#[test]
fn what_a_secret_keeps_is_what_was_generated() {
    let class = class("redis");
    let it = Credentials::default().next(&class, Some("once"), false, false, &mut counter());
    assert_eq!(it.rotated.as_deref(), Some("once"), "what is new need not be rotated");
    assert!(Credentials::kept(it.values.clone(), &it.annotations()) == it);
}

#[test]
fn a_class_that_wants_more_secrets_gets_them_and_keeps_the_others() {
    let mut class = class("redis");
    let before = Credentials::default().next(&class, None, false, false, &mut counter());
    class.secrets.push(fairway_api::v1alpha1::ClassSecret { name: "more".to_owned(), length: 20 });
    let after = before.next(&class, None, true, true, &mut counter());
    assert_eq!((after.values.len(), after.values["more"].len(), after.serial), (5, 20, 2));
    assert_eq!(after.values["app_a"], before.values["app_a"]);
}

#[test]
fn a_resource_serves_when_its_sets_are_ready_and_is_prepared_when_its_jobs_are_done() {
    let set = json!({ "kind": "StatefulSet", "metadata": { "name": "db" } });
    let job = json!({ "kind": "Job", "metadata": { "name": "db-logins" } });
    let live = |ready: i64, generation: i64| {
        Some(json!({
            "metadata": { "generation": generation }, "spec": { "replicas": 1 },
            "status": { "observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": ready },
        }))
    };
    let ended =
        |how: &str| Some(json!({ "status": { "conditions": [{ "type": how, "status": "True", "message": "why" }] } }));
    let nobody = |_: &k8s_openapi::api::core::v1::Pod| None;
    for (set_now, job_now, serving, prepared) in [
        (live(1, 1), ended("Complete"), "", ""),
        (live(1, 2), ended("Complete"), "1 of 1 instances of db are ready", ""),
        (live(0, 1), None, "0 of 1 instances of db are ready", "job db-logins is being made"),
        (None, ended("Failed"), "db is being made", "failed: job db-logins failed: why"),
    ] {
        let state = judge(&[(&set, set_now), (&job, job_now)], &[], &nobody);
        let said = |it: Health| match it {
            Health::Healthy => String::new(),
            Health::Progressing(sentence) => sentence,
            Health::Failed(why) => format!("failed: {why}"),
        };
        assert_eq!((said(state.serving).as_str(), said(state.prepared).as_str()), (serving, prepared));
    }
}

#[test]
fn what_keeps_a_set_is_told_of_its_own_pods_and_not_of_those_of_a_job_with_a_longer_name() {
    let set = json!({ "kind": "StatefulSet", "metadata": { "name": "db" } });
    let deployment = json!({ "kind": "Deployment", "metadata": { "name": "db-proxy" } });
    let live = Some(json!({ "metadata": { "generation": 1 }, "spec": { "replicas": 1 }, "status": {} }));
    let pod = |kind: &str, owner: &str| -> k8s_openapi::api::core::v1::Pod {
        serde_json::from_value(json!({
            "metadata": { "ownerReferences": [{ "apiVersion": "x", "kind": kind, "name": owner, "uid": "1" }] },
            "status": { "containerStatuses": [{
                "name": owner, "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": { "terminated": { "exitCode": 1 } },
            }] },
        }))
        .unwrap()
    };
    let nobody = |_: &k8s_openapi::api::core::v1::Pod| None;
    let serving = |wanted: &Value, pods: &[k8s_openapi::api::core::v1::Pod]| {
        let Health::Progressing(sentence) = judge(&[(wanted, live.clone())], pods, &nobody).serving else {
            panic!("it is on its way")
        };
        sentence
    };
    let pods = [pod("Job", "db-logins-1a"), pod("ReplicaSet", "db-proxy-7c9"), pod("StatefulSet", "db")];
    assert_eq!(serving(&set, &pods), "0 of 1 instances of db are ready: container db exited with code 1");
    assert_eq!(serving(&set, &pods[..2]), "0 of 1 instances of db are ready");
    let sentence = "0 of 1 instances of db-proxy are ready: container db-proxy-7c9 exited with code 1";
    assert_eq!(serving(&deployment, &pods), sentence);
}
