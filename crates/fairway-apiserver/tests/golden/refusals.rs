//! Replays the creates that a real kube-apiserver refused for what they say, through the pure functions of `kinds`:
//! the whole message must be the same.

use fairway_apiserver::{ApiError, kinds};
use serde_json::json;

use crate::cases::{cases, find};

/// Refused by others: the decoder (wrong kind or version, strict fields), the store, the handler.
const ELSEWHERE: &[&str] = &[
    "already exists",
    "is registered for version",
    "unknown conversion",
    "does not match the namespace",
    "strict decoding error",
    "CreateOptions.meta.k8s.io",
    "failed to allocate IP",
    "resourceVersion should not be set",
    "namespaces \"nonamespace\" not found",
    "not allow this method",
    // Rules of CustomResourceDefinitions stand with their handler.
    "spec.validation.openAPIV3Schema",
    "must have exactly one version marked",
    "must be spec.names.plural",
];

#[test]
fn what_a_real_server_refuses_is_refused_in_the_same_words() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for case in cases("errors") {
        let expected = case["response"]["message"].as_str().unwrap_or_default();
        if case["method"] != "POST" || ELSEWHERE.iter().any(|it| expected.contains(it)) {
            continue;
        }
        let path = case["path"].as_str().expect("a path");
        let Some((resource, namespace)) = find(path) else {
            wrong.push(format!("{path}: not served"));
            continue;
        };
        checked += 1;
        let mut object = case["request"].clone();
        let given = match kinds::normalize(&resource, &mut object) {
            Err(why) => format!("{0} in version \"v1\" cannot be handled as a {0}: {why}", resource.kind),
            Ok(()) => {
                kinds::default(&resource, &mut object);
                if let Some(namespace) = namespace {
                    object["metadata"]["namespace"] = json!(namespace);
                }
                kinds::prepare_create(&resource, &mut object, "2026-11-21T09:56:25Z".parse().expect("a time"));
                let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let causes = kinds::validate_create(&resource, &object);
                ApiError::invalid(&resource.group, &resource.kind, &name, &causes).message
            }
        };
        if given != expected {
            wrong.push(format!("{path}\n  given    {given}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {checked} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked >= 25, "only {checked} cases were checked");
}

#[test]
fn what_a_real_server_accepts_is_not_refused() {
    for case in cases("create-defaults") {
        let Some((resource, _)) = find(case["path"].as_str().expect("a path")) else { continue };
        let mut object = case["response"].clone();
        let metadata = object["metadata"].as_object_mut().expect("metadata");
        metadata.insert("creationTimestamp".to_owned(), json!("2026-11-21T09:56:25Z"));
        metadata.remove("managedFields");
        kinds::normalize(&resource, &mut object).expect("well formed");
        let causes = kinds::validate_create(&resource, &object);
        assert!(causes.is_empty(), "{}: {causes:?}", case["path"]);
        let causes = kinds::validate_update(&resource, None, &object, &object);
        assert!(causes.is_empty(), "{} unchanged: {causes:?}", case["path"]);
        let mut next = object.clone();
        kinds::prepare_update(&resource, None, &mut next, &object);
        assert_eq!(next, object, "an update that changes nothing: {}", case["path"]);
        assert!(next["metadata"]["generation"] != 2);
    }
}
