use serde_json::json;

use super::*;

fn entry(kind: &str, name: &str, uid: Option<&str>) -> Entry {
    let mut it = Entry::of(&json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name } }), "n");
    it.uid = uid.map(str::to_owned);
    it
}

#[test]
fn an_intended_inventory_keeps_what_is_known_and_adds_what_is_new() {
    let before = [entry("Deployment", "web", Some("u1")), entry("Service", "old", Some("u2"))];
    let bundle = [entry("Deployment", "web", None), entry("Service", "new", None)];
    let all = intended(&before, &bundle);
    let shown: Vec<_> = all.iter().map(|it| (it.shown(), it.uid.clone())).collect();
    let uid = |it: &str| Some(it.to_owned());
    assert_eq!(
        shown,
        [
            ("Deployment/web".to_owned(), uid("u1")),
            ("Service/old".to_owned(), uid("u2")),
            ("Service/new".to_owned(), None)
        ]
    );
    assert_eq!(surplus(&all, &bundle).iter().map(Entry::shown).collect::<Vec<_>>(), ["Service/old"]);
}

#[test]
fn what_a_claim_holds_is_never_left_over() {
    let all = [entry("PersistentVolumeClaim", "db-data", Some("u1")), entry("Service", "db", Some("u2"))];
    assert_eq!(surplus(&all, &[]).iter().map(Entry::shown).collect::<Vec<_>>(), ["Service/db"]);
}

#[test]
fn another_version_of_a_group_is_the_same_object_and_another_group_is_not() {
    let mut beta = entry("Deployment", "web", None);
    beta.api_version = "apps/v1beta1".to_owned();
    assert!(beta.names(&entry("Deployment", "web", None)));
    beta.api_version = "other.dev/v1".to_owned();
    assert!(!beta.names(&entry("Deployment", "web", None)));
}
