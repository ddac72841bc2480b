use serde_json::{Value, json};

use super::*;

fn object() -> Value {
    json!({
        "metadata": { "labels": { "app.kubernetes.io/name": "web" } },
        "spec": { "ports": [{ "name": "a", "port": 80 }, { "name": "b", "port": 443 }] },
        "status": { "conditions": [{ "type": "Synced", "status": "False" }, { "type": "Ready", "status": "True", "n": 3 }] },
    })
}

#[test]
fn paths_find_what_printer_columns_show() {
    for (path, expected) in [
        (".spec.ports[0].port", json!([80])),
        (".spec.ports[-1].port", json!([443])),
        (".spec.ports[*].name", json!(["a", "b"])),
        (".spec.ports[0:1].name", json!(["a"])),
        (".spec['ports'][1]['name']", json!(["b"])),
        (r#".status.conditions[?(@.type=="Ready")].status"#, json!(["True"])),
        (".status.conditions[?(@.type == 'Ready')].status", json!(["True"])),
        (".status.conditions[?(@.type!='Ready')].status", json!(["False"])),
        (".status.conditions[?(@.n)].type", json!(["Ready"])),
        (".status.conditions[?(@.n>=3)].type", json!(["Ready"])),
        (r".metadata.labels.app\.kubernetes\.io/name", json!(["web"])),
        (".metadata.labels['app.kubernetes.io/name']", json!(["web"])),
        ("{.spec.ports[0].port}", json!([80])),
        ("spec.ports[0].port", json!([80])),
        (".spec.none.deeper", json!([])),
        (".spec.ports.name", json!([])),
        (".spec.ports[7].name", json!([])),
    ] {
        let parsed = JsonPath::parse(path).unwrap();
        assert_eq!(json!(parsed.find(&object())), expected, "{path}");
    }
}

#[test]
fn broken_paths_are_refused() {
    let nested = format!("{}@.a", ".a[?(@".repeat(10));
    for path in [
        ".a[",
        ".a[x]",
        ".a]",
        "..a",
        ".a..b",
        ".a[?(@.b=='c')",
        ".a[?(@.b~'c')]",
        ".a['b",
        ".a b",
        ".[?()]",
        &nested,
        &".a".repeat(1000),
    ] {
        assert!(JsonPath::parse(path).is_err(), "{path}");
    }
}

#[test]
fn only_paths_of_plain_fields_are_scale_paths() {
    assert_eq!(JsonPath::parse(".spec.replicas").unwrap().fields(), Some(vec!["spec", "replicas"]));
    assert_eq!(JsonPath::parse(".spec.a[0]").unwrap().fields(), None);
}
