mod objects;
mod refusals;
mod status;

use serde_json::{Value, json};

/// A definition that is right, in one version `v1` with this schema of `spec`.
fn definition(spec: Value) -> Value {
    let schema = json!({ "type": "object", "properties": { "spec": spec, "status": { "type": "object",
        "x-kubernetes-preserve-unknown-fields": true } } });
    let mut definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "ws.x.test" },
        "spec": {
            "group": "x.test", "scope": "Namespaced", "names": { "plural": "ws", "kind": "W", "shortNames": ["w2"] },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    super::default(&mut definition);
    definition
}

fn number() -> Value {
    json!({ "type": "object", "properties": { "n": { "type": "integer", "default": 3 } } })
}

fn resource(spec: Value) -> crate::Resource {
    super::resources(&definition(spec)).remove(0)
}
