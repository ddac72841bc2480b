//! The same cases as requests to a whole server: what the pipeline makes of what the parts know.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use bytes::Bytes;
use fairway_testkit::{TestPlane, administrator};
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::cases::{cases, find};
use crate::defaults::mask;

/// Refusals that differ, each with the reason.
const NOT_YET: &[(&str, &str)] =
    &[("compilation failed", "rules in CEL are kept and not compiled; the condition RulesNotEvaluated says so")];
/// Refusals with the same code, reason and fields in other words, each with the reason.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("StorageError", "how etcd puts it"),
    ("Unsupported Media Type", "we say which types are read"),
    ("continue token", "how Go's JSON decoder puts it"),
    ("Too large resource version", "it says how far that server was"),
    ("range of valid IPs", "that server had another range"),
];
/// Kinds of which somebody else comes to own what the server adds.
const OWNED_OTHERWISE: &[&str] = &["daemonsets"];

async fn send(plane: &TestPlane, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let content_type = if method == "PATCH" { "application/octet-stream" } else { "application/json" };
    let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let request = Request::builder().method(method).uri(path.replace(' ', "%20"));
    let request = request.header("content-type", content_type).body(Full::new(bytes)).unwrap();
    let response = plane.server().service().with_identity(administrator()).oneshot(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes))))
}

/// Who owns what, but for when.
fn owners(object: &Value) -> Value {
    let mut owners = object["metadata"]["managedFields"].clone();
    for it in owners.as_array_mut().into_iter().flatten() {
        it["time"] = Value::Null;
    }
    owners
}

/// What it says to people, without the uids in it.
fn told(status: &Value) -> String {
    let text = status["message"].as_str().unwrap_or_default();
    let is_uid = |it: &str| it.len() == 36 && it.split('-').count() == 5;
    text.split_inclusive([' ', '(', ')']).filter(|it| !is_uid(it.trim_end_matches(['(', ')', ' ']))).collect()
}

/// Without the uid, where it is repeated, and without the time at which it was made.
fn timeless(object: &Value) -> Value {
    let uid = object["metadata"]["uid"].as_str().unwrap_or("none");
    let uid = object["metadata"]["labels"]["controller-uid"].as_str().unwrap_or(uid);
    let mut object: Value = serde_json::from_str(&object.to_string().replace(uid, "uid")).unwrap();
    if let Some(status) = object["status"].as_object_mut() {
        status.remove("lastPhaseTransitionTime");
    }
    object
}

/// A pod's token is mounted only where the pod asks for it.
fn without_token(pod: &mut Value) {
    let is_token = |it: &Value| it["name"].as_str().is_some_and(|it| it.starts_with("kube-api-access-"));
    let Some(spec) = pod["spec"].as_object_mut() else { return };
    let drop_from = |owner: &mut serde_json::Map<String, Value>, field: &str| {
        let Some(list) = owner.get_mut(field).and_then(Value::as_array_mut) else { return };
        list.retain(|it| !is_token(it));
        if list.is_empty() {
            owner.remove(field);
        }
    };
    drop_from(spec, "volumes");
    for list in ["containers", "initContainers"] {
        for it in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(container) = it {
                drop_from(container, "volumeMounts");
            }
        }
    }
}

async fn plane() -> TestPlane {
    let plane = TestPlane::start().await.unwrap();
    let namespace = json!({ "metadata": { "name": "capture" } });
    assert_eq!(send(&plane, "POST", "/api/v1/namespaces", &namespace).await.0, 201);
    let there = json!({ "metadata": { "name": "there" } });
    assert_eq!(send(&plane, "POST", "/api/v1/namespaces/capture/configmaps", &there).await.0, 201);
    plane
}

#[tokio::test]
async fn the_server_answers_creates_as_a_real_one_did() {
    let plane = plane().await;
    let mut wrong = Vec::new();
    for case in cases("create-defaults") {
        let path = case["path"].as_str().unwrap();
        if find(path).is_none() {
            continue;
        }
        let target = format!("{path}?dryRun=All&fieldManager=capture");
        let (code, mut answer) = send(&plane, "POST", &target, &case["request"]).await;
        let mut expected = case["response"].clone();
        let owners = [&expected, &answer].map(owners);
        (expected, answer) = (timeless(&expected), timeless(&answer));
        mask(&mut expected);
        without_token(&mut expected);
        if answer["metadata"].is_object() {
            mask(&mut answer);
        }
        if case["status"] != code
            || answer != expected
            || (owners[0] != owners[1] && !OWNED_OTHERWISE.iter().any(|it| path.ends_with(it)))
        {
            wrong.push(format!(
                "{path}\n  sent {}\n  want {expected} {}\n  got  {code} {answer} {}",
                case["request"], owners[0], owners[1]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    plane.stop().await;
}

#[tokio::test]
async fn the_server_refuses_as_a_real_one_did() {
    let plane = plane().await;
    let (mut wrong, mut other_words) = (Vec::new(), Vec::new());
    for case in cases("errors") {
        let (method, path) = (case["method"].as_str().unwrap(), case["path"].as_str().unwrap());
        let (code, answer) = send(&plane, method, path, &case["request"]).await;
        let expected = &case["response"];
        let fields = |it: &Value| -> Vec<Value> {
            let causes = it["details"]["causes"].as_array().into_iter().flatten();
            causes.map(|it| it["field"].clone()).collect()
        };
        let same = case["status"] == code
            && expected["reason"] == answer["reason"]
            && fields(expected) == fields(&answer)
            && expected["details"]["kind"] == answer["details"]["kind"];
        let known = NOT_YET.iter().any(|(text, _)| expected["message"].as_str().is_some_and(|it| it.contains(text)));
        if same && told(expected) != told(&answer) {
            other_words.push(told(expected));
        }
        // Exact both ways: what has come to be the same is taken from the list.
        if same == known {
            let (want, got) = (expected.to_string(), answer.to_string());
            wrong.push(format!(
                "{method} {path} {}\n  want {} {want:.700}\n  got  {code} {got:.700}",
                case["request"], case["status"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    // Exact both ways, too.
    let unlike = |text: &String| OTHER_WORDS.iter().any(|(it, _)| text.contains(it));
    assert!(other_words.iter().all(unlike) && other_words.len() == OTHER_WORDS.len(), "{other_words:#?}");
    plane.stop().await;
}
