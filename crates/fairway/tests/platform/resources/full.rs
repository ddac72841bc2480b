//! A database whose volume is full: that is said, with who can do what about it; what it holds stays, and with room it
//! goes on.

use fairway_api::v1alpha1::ResourceClass;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::support::shop::Shop;
use crate::support::{Home, can_run_containers, text};

/// The class of databases, with less room than any of its plans has.
const CLASS: &str = include_str!("../../../../../classes/postgres.yaml");

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_volume_is_full_says_so_loses_nothing_and_goes_on_with_room() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let client = home.client().await;
    let tiny = CLASS.replace("  name: postgres\n", "  name: tiny\n").replace("storage: 1Gi", "storage: 128Mi");
    let tiny: ResourceClass = serde_saphyr::from_str(&tiny).expect("a class");
    Api::all(client.clone()).create(&PostParams::default(), &tiny).await.expect("make the class");
    let Some(shop) = Shop::serving_with(home, "{ type: postgres, class: tiny }") else { return };
    fill(&shop);
    let cause = shop.why_until("DatabaseDown");
    let full = "Usage of claim \\\"shop-db-data\\\" exceeds the limit \\\"128Mi\\\". Raise its requests.storage";
    assert!(cause["evidence"].to_string().contains(full), "{cause:#}");
    let listed = shop.ok(&["resource", "list", "--env=staging"]);
    assert!(listed.contains("exceeds the limit \"128Mi\""), "{listed}");
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client, "sandbox--staging");
    let room = Patch::Merge(json!({ "spec": { "resources": { "requests": { "storage": "512Mi" } } } }));
    claims.patch("shop-db-data", &PatchParams::default(), &room).await.expect("give it room");
    shop.ok(&["status", "shop", "--env=staging", "--wait", "--timeout=3m"]);
    shop.shows("good");
    assert_eq!(shop.page("/more").map(|it| it.0), Some(200));
    let held = shop.shell("psql \"$DATABASE_URL\" -Atc 'SELECT count(*) > 10000 FROM ballast'");
    assert_eq!(text(&held.stdout).trim(), "t", "what was written is still there: {}", text(&held.stderr));
}

/// Writes until the database is gone.
fn fill(shop: &Shop) {
    for _ in 0..400 {
        match shop.page("/more") {
            Some((200, _)) => {}
            _ => return,
        }
    }
    unreachable!("it never was full")
}
