use fairway_api::v1alpha1::ResourceSpec;
use serde_json::{Value, json};

use super::*;

#[test]
fn a_secret_that_somebody_else_made_is_not_its_own() {
    let mut resource = Resource::new("stripe", ResourceSpec::default());
    resource.metadata.uid = Some("1".to_owned());
    let owner = |uid: &str| json!([{ "apiVersion": "x", "kind": "Resource", "name": "stripe", "uid": uid }]);
    for (labels, owners, wanted) in [
        (json!({}), json!([]), false),
        (json!({ "app": "stripe" }), owner("2"), false),
        (json!({ LABEL_RESOURCE: "other" }), json!([]), false),
        (json!({}), owner("1"), true),
        (json!({ LABEL_RESOURCE: "stripe" }), owner("2"), true),
    ] {
        let metadata: Value = json!({ "name": "stripe-connection", "labels": labels, "ownerReferences": owners });
        let secret: Secret = serde_json::from_value(json!({ "metadata": metadata })).unwrap();
        assert_eq!(is_of(&secret, &resource), wanted, "{metadata}");
    }
}
