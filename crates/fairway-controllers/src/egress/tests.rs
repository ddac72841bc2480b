use super::*;

fn config(key: &str, text: &str) -> ConfigMap {
    ConfigMap { data: Some([(key.to_owned(), text.to_owned())].into()), ..ConfigMap::default() }
}

fn condition(egress: &Egress) -> (Option<bool>, &'static str, String) {
    let it = egress.condition(true);
    (it.status, it.reason, it.message)
}

#[test]
fn the_defaults_let_pipelines_to_package_registries_and_nobody_else_anywhere() {
    let config: ConfigMap = serde_json::from_value(defaults()).unwrap();
    let pipeline = Egress::plan(Some(&config), PIPELINE);
    assert!(pipeline.list.has("index.crates.io", 443) && pipeline.list.has("deb.debian.org", 80));
    assert_eq!(
        condition(&pipeline),
        (Some(true), "EgressInForce", "pods reach 14 addresses outside and no other".into())
    );
    for tier in ["development", "staging", "production", "preview"] {
        let egress = Egress::plan(Some(&config), tier);
        assert_eq!(egress.annotation(), "", "{tier}");
        assert_eq!(condition(&egress), (Some(true), "EgressInForce", "pods reach nothing outside".into()), "{tier}");
    }
}

#[test]
fn the_annotation_is_the_list_in_one_spelling() {
    let text = "# ours\n b.example.com:443 # why\n\n*.A.example.com:8443, b.example.com:443\n";
    let egress = Egress::plan(Some(&config("staging", text)), "staging");
    assert_eq!(egress.annotation(), "b.example.com:443,*.a.example.com:8443");
}

#[test]
fn garbage_allows_nothing_harms_nothing_else_and_is_told() {
    let text = "good.example.com:443\n*:443\n10.0.0.1:443\nexample.com\nhttps://x\n\u{0}\u{1}é:1\n";
    let egress = Egress::plan(Some(&config("staging", text)), "staging");
    assert_eq!(egress.annotation(), "good.example.com:443");
    let (status, reason, message) = condition(&egress);
    assert_eq!((status, reason), (Some(true), "EgressListUnreadable"));
    assert!(message.contains("key staging: \"*:443\"") && message.contains("and 2 more entries"), "{message}");
    let noise = Egress::plan(Some(&config("staging", &"🦀".repeat(100_000))), "staging");
    assert!(noise.annotation().is_empty() && condition(&noise).2.len() < 1000);
}

#[test]
fn what_is_missing_is_named_and_allows_nothing() {
    for (config, says) in [(None, "does not exist"), (Some(config("staging", "a.b:1")), "has no key \"production\"")] {
        let egress = Egress::plan(config.as_ref(), "production");
        assert_eq!(egress.annotation(), "");
        let (_, reason, message) = condition(&egress);
        assert_eq!(reason, "EgressListUnreadable");
        assert!(message.starts_with("pods reach nothing outside: ") && message.contains(says), "{message}");
    }
}

#[test]
fn a_cluster_that_cannot_keep_pods_to_the_list_says_so() {
    let it = Egress::default().condition(false);
    assert_eq!((it.r#type, it.status, it.reason), (EGRESS_ENFORCED, Some(false), "EgressNotEnforced"));
}
