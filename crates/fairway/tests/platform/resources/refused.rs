//! Resources that cannot be as they are asked for: each says what is wrong and what there is, and what runs goes on running.

use fairway_api::v1alpha1::{Resource, ResourceClass};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::shop::{FIRST, Shop};
use crate::support::{Home, can_run_containers, text};

const CLASS: &str = include_str!("../../../../../classes/postgres.yaml");
const HERE: &str = "sandbox--staging";

/// What is asked for, what is said of it, and what to do next.
const CASES: [(&str, &str, &[&str], &str); 5] = [
    (
        "no-class",
        "{ className: oracle }",
        &["there is no resource class oracle; there are ", "postgres, redis"],
        "kubectl get resourceclasses",
    ),
    (
        "no-version",
        "{ className: postgres, version: '9' }",
        &["class postgres has no version \"9\"; it has 15"],
        "kubectl get resourceclass postgres -o yaml",
    ),
    (
        "no-plan",
        "{ className: postgres, plan: huge }",
        &["class postgres has no plan \"huge\"; it has small, medium, large"],
        "kubectl get resourceclass postgres -o yaml",
    ),
    (
        "no-template",
        "{ className: broken }",
        &["class broken cannot be used: it has mistakes: spec.manifests:1: "],
        "kubectl get resourceclass broken -o yaml",
    ),
    (
        "no-image",
        "{ className: lost }",
        &["0 of 1 instances of no-image are ready: container postgres waits, ", "registry.test/none@sha256:00"],
        "kubectl get pods",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_cannot_be_made_says_why_and_what_there_is_and_what_serves_goes_on() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let client = home.client().await;
    let Some(mut shop) = Shop::serving(home) else { return };
    let broken = CLASS.replacen("  manifests: |\n", "  manifests: |\n    {{ resource.name | nobody }}\n", 1);
    class(&client, &broken, "broken").await;
    let none = format!("image: registry.test/none@sha256:{}", "0".repeat(64));
    class(&client, &CLASS.replacen("base: postgres-15", &none, 1), "lost").await;
    for (name, spec, _, _) in CASES {
        let spec = serde_saphyr::from_str(spec).expect("a specification");
        let api: Api<Resource> = Api::namespaced(client.clone(), HERE);
        api.create(&PostParams::default(), &Resource::new(name, spec)).await.expect("make it");
    }
    for (name, _, says, next) in CASES {
        until(&shop, name, says, next).await;
    }
    an_unknown_plan_in_the_score_file(&mut shop);
    // A class that is mended is tried again, also where nothing ran yet.
    let classes: Api<ResourceClass> = Api::all(client);
    let mended = Patch::Merge(json!({ "spec": { "versions": [{ "name": "15", "base": "postgres-15" }] } }));
    classes.patch("lost", &PatchParams::default(), &mended).await.expect("mend the class");
    until(&shop, "no-image", &["postgres 15 in plan small can be used in staging"], "").await;
}

async fn class(client: &Client, text: &str, name: &str) {
    let text = text.replace("  name: postgres\n", &format!("  name: {name}\n"));
    let class: ResourceClass = serde_saphyr::from_str(&text).expect("a class");
    Api::all(client.clone()).create(&PostParams::default(), &class).await.expect("make the class");
}

/// Looks at a resource until it says this.
async fn until(shop: &Shop, name: &str, says: &[&str], next: &str) {
    let mut shown = Value::Null;
    for _ in 0..600 {
        let read = shop.ok(&["resource", "show", name, "--env=staging", "-o", "json"]);
        shown = serde_json::from_str(&read).expect("JSON");
        let summary = shown["summary"].as_str().unwrap_or_default();
        if says.iter().all(|it| summary.contains(it)) {
            let told = shown["nextStep"].as_str().unwrap_or_default();
            assert!(told.starts_with(next), "{name}: {shown:#}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    unreachable!("{name} never says {says:?}: {shown:#}{}", shop.home.log());
}

/// The version that asks for it is not rolled out; the one after it, which asks for what there is, is.
fn an_unknown_plan_in_the_score_file(shop: &mut Shop) {
    shop.needs("{ type: postgres, params: { plan: huge } }");
    shop.write(&[FIRST], "asks", "");
    let refused = shop.deliver("huge");
    let said = format!("{}{}", text(&refused.stdout), text(&refused.stderr));
    assert_eq!(refused.status.code(), Some(5), "{said}");
    assert!(said.contains("class postgres has no plan \"huge\"; it has small, medium, large"), "{said}");
    assert!(said.contains("goes on serving"), "{said}");
    shop.shows("good");
    shop.needs("{ type: postgres, params: { plan: small } }");
    shop.write(&[FIRST], "asks", "");
    let mended = shop.deliver("small");
    assert!(mended.status.success(), "{}{}{}", text(&mended.stdout), text(&mended.stderr), shop.home.log());
    shop.shows("good");
}
