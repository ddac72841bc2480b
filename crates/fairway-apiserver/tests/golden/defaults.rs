//! Replays what a real kube-apiserver answered to creates: an object goes through the pure functions of `kinds` and
//! must come out as it did there.

use fairway_apiserver::Resource;
use fairway_apiserver::kinds;
use serde_json::{Value, json};

use crate::cases::{cases, find};

const UID: &str = "5bac1eb1-9a7f-4831-8d0c-99016a1f546b";

/// What a server does with a new object, as far as it is pure.
fn create(resource: &Resource, namespace: Option<&str>, request: &Value) -> Result<Value, String> {
    let mut object = request.clone();
    kinds::normalize(resource, &mut object)?;
    kinds::default(resource, &mut object);
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object["metadata"]["uid"] = json!(UID);
    object["metadata"]["creationTimestamp"] = json!("2026-11-21T09:56:25Z");
    kinds::prepare_create(resource, &mut object, "2026-11-21T09:56:25Z".parse().expect("a time"));
    if &*resource.storage == "core/pods" {
        let account = |name: &str| Some(json!({ "metadata": { "name": name } }));
        kinds::service_account(&mut object, "capture", "xxxxx", account).map_err(|it| it.to_string())?;
    }
    let causes = kinds::validate_create(resource, &object);
    if causes.is_empty() { Ok(object) } else { Err(format!("{causes:?}")) }
}

/// Hides what differs from server to server, and what we do not do on purpose.
pub(crate) fn mask(object: &mut Value) {
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    for field in ["managedFields", "uid", "creationTimestamp"] {
        metadata.remove(field);
    }
    // Nothing here would remove the protection of volumes again, so nothing sets it.
    metadata
        .remove("finalizers")
        .filter(|it| it[0] != "kubernetes.io/pvc-protection" && it[0] != "kubernetes.io/pv-protection");
    let spec = &mut object["spec"];
    if let Some(spec) = spec.as_object_mut() {
        // Allocated by the server when it commits.
        spec.remove("clusterIPs");
        if spec.get("clusterIP").is_some_and(|it| it != "None") {
            spec.remove("clusterIP");
        }
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            // We have no node ports and give none; one that is asked for is kept.
            if port["nodePort"] == 32769 {
                port.as_object_mut().expect("a port").remove("nodePort");
            }
        }
    }
}

/// The five characters after the prefix differ from pod to pod.
fn mask_text(object: &Value) -> Value {
    let text = object.to_string();
    let mut masked = String::new();
    for (index, part) in text.split("kube-api-access-").enumerate() {
        if index > 0 {
            masked.push_str("kube-api-access-#####");
        }
        masked.push_str(if index > 0 { &part[5..] } else { part });
    }
    serde_json::from_str(&masked).expect("still JSON")
}

#[test]
fn every_captured_create_comes_out_as_on_a_real_server() {
    let mut unserved = Vec::new();
    let mut wrong = Vec::new();
    for case in cases("create-defaults") {
        let path = case["path"].as_str().expect("a path");
        let Some((resource, namespace)) = find(path) else {
            unserved.push(path.rsplit('/').next().unwrap_or_default().to_owned());
            continue;
        };
        let name = format!("{} {}", resource.plural, case["request"]["metadata"]["name"]);
        let mut given = match create(&resource, namespace, &case["request"]) {
            Ok(object) => object,
            Err(why) => {
                wrong.push(format!("{name}: refused: {why}"));
                continue;
            }
        };
        let mut expected = case["response"].clone();
        mask(&mut given);
        mask(&mut expected);
        let (given, expected) = (mask_text(&given), mask_text(&expected));
        if given != expected {
            wrong.push(format!("{name}:\n  given    {given}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(unserved, ["validatingwebhookconfigurations", "validatingadmissionpolicies"]);
}

#[test]
fn defaulting_twice_changes_nothing() {
    for case in cases("create-defaults") {
        let Some((resource, _)) = find(case["path"].as_str().expect("a path")) else { continue };
        let mut once = case["response"].clone();
        once["metadata"]["creationTimestamp"] = json!("2026-11-21T09:56:25Z");
        once["metadata"].as_object_mut().expect("metadata").remove("managedFields");
        kinds::normalize(&resource, &mut once).expect("a real server's object is well formed");
        kinds::default(&resource, &mut once);
        let mut twice = once.clone();
        kinds::normalize(&resource, &mut twice).expect("still well formed");
        kinds::default(&resource, &mut twice);
        assert_eq!(once, twice, "{}", case["path"]);
    }
}
