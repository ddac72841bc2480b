//! Definitions and their objects over the wire: refused as a real server refuses them, and bombs defused.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use fairway_testkit::TestPlane;
use http::Request;
use kube::Client;
use serde_json::{Value, json};

async fn plane() -> (TestPlane, Client) {
    let plane = TestPlane::start().await.unwrap();
    let client = plane.client();
    (plane, client)
}

/// The code and the message of the answer; of a success, 200 and nothing; of what is no answer of the API, 0.
async fn send(client: &Client, method: &str, path: &str, kind: &str, body: Vec<u8>) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).header("content-type", kind).body(body).unwrap();
    match client.request::<Value>(request).await {
        Ok(_) => (200, String::new()),
        Err(kube::Error::Api(status)) => (status.code, status.message),
        Err(other) => (0, other.to_string()),
    }
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const BOATS: &str = "/apis/example.com/v1/namespaces/default/boats";

async fn define_boats(client: &Client) {
    let schema = json!({ "type": "object", "properties": {
        "spec": { "type": "object", "properties": { "crew": { "type": "integer" } } },
        "status": { "type": "object", "properties": { "crew": { "type": "integer" } } },
    } });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "boats.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": { "plural": "boats", "kind": "Boat" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": schema } }],
        },
    });
    assert_eq!(post(client, DEFINITIONS, &definition).await, (200, String::new()));
}

async fn post(client: &Client, path: &str, body: &Value) -> (u16, String) {
    send(client, "POST", path, "application/json", body.to_string().into_bytes()).await
}

fn boat(name: &str) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "Boat", "metadata": { "name": name }, "spec": { "crew": 1 } })
}

#[tokio::test]
async fn wrong_definitions_are_refused_in_the_words_of_a_real_server() {
    let (plane, client) = plane().await;
    let cases: Value = serde_json::from_str(include_str!("golden/errors.json")).unwrap();
    let mut tried = 0;
    for case in cases["cases"].as_array().unwrap() {
        // A rule in CEL that does not compile is kept here, not refused: rules are not evaluated.
        let rule = case["request"].to_string().contains("x-kubernetes-validations");
        if !case["path"].as_str().unwrap().starts_with(DEFINITIONS) || rule {
            continue;
        }
        let (code, message) = post(&client, case["path"].as_str().unwrap(), &case["request"]).await;
        assert_eq!(json!([code, message]), json!([case["status"], case["response"]["message"]]));
        tried += 1;
    }
    assert!(tried >= 7, "{tried} cases were tried");
    plane.stop().await;
}

#[tokio::test]
async fn a_status_that_is_ignored_is_not_judged() {
    let (plane, client) = plane().await;
    define_boats(&client).await;
    let mut wrong = boat("a");
    wrong["status"] = json!({ "crew": "many" });
    assert_eq!(post(&client, BOATS, &wrong).await, (200, String::new()));
    let patch = json!({ "spec": { "crew": 2 }, "status": { "crew": "many" } }).to_string().into_bytes();
    let merge = "application/merge-patch+json";
    let path = format!("{BOATS}/a");
    assert_eq!(send(&client, "PATCH", &path, merge, patch.clone()).await, (200, String::new()));
    let (code, message) = send(&client, "PATCH", &format!("{path}/status"), merge, patch).await;
    assert_eq!(code, 422);
    assert!(message.contains(r#"status.crew in body must be of type integer: "string""#), "{message}");
    plane.stop().await;
}

#[tokio::test]
async fn what_objects_depend_on_stays_in_their_definition() {
    let (plane, client) = plane().await;
    define_boats(&client).await;
    let path = format!("{DEFINITIONS}/boats.example.com");
    let patch = json!({ "spec": { "scope": "Cluster" } }).to_string().into_bytes();
    let (code, message) = send(&client, "PATCH", &path, "application/merge-patch+json", patch).await;
    assert_eq!(code, 422);
    assert!(message.contains(r#"spec.scope: Invalid value: "Cluster": field is immutable"#), "{message}");
    plane.stop().await;
}

#[tokio::test]
async fn bombs_get_an_answer_that_names_the_limit() {
    let (plane, client) = plane().await;
    define_boats(&client).await;
    let mut laughs = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..=9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(",");
        laughs = format!("{laughs}a{level}: &a{level} [{aliases}]\n");
    }
    let deep = format!(r#"{{"a":{}"#, "[".repeat(100_000));
    let wide = format!(r#"{{"a":[{}0]}}"#, "0,".repeat(600_000));
    let objects = format!(r#"{{"a":[{}0]}}"#, r#"{"a":1},"#.repeat(200_000));
    for (kind, body) in [
        ("application/yaml", laughs),
        ("application/yaml", deep.clone()),
        ("application/json", deep),
        ("application/json", wide),
        ("application/json", objects),
    ] {
        for path in [BOATS, "/api/v1/namespaces/default/configmaps"] {
            let (code, message) = send(&client, "POST", path, kind, body.clone().into_bytes()).await;
            assert_eq!(code, 400, "{path} {message}");
            assert!(message.contains("the body breaks the limit of "), "{path} {message}");
        }
    }
    let nesting = format!("[{}]", vec![r#"{"op":"copy","from":"","path":"/spec"}"#; 9_000].join(","));
    assert_eq!(post(&client, BOATS, &boat("a")).await, (200, String::new()));
    let path = format!("{BOATS}/a");
    let (code, _) = send(&client, "PATCH", &path, "application/json-patch+json", nesting.into_bytes()).await;
    assert_eq!(code, 422);
    assert_eq!(post(&client, BOATS, &boat("b")).await, (200, String::new()), "the server goes on");
    plane.stop().await;
}

#[tokio::test]
async fn strict_writes_name_every_field_that_should_not_be_there() {
    let (plane, client) = plane().await;
    define_boats(&client).await;
    let body =
        br#"{"apiVersion":"example.com/v1","kind":"Boat","metadata":{"name":"a"},"spec":{"crew":1,"crew":2,"keel":1}}"#;
    let path = format!("{BOATS}?fieldValidation=Strict");
    let (code, message) = send(&client, "POST", &path, "application/json", body.to_vec()).await;
    assert_eq!(code, 400);
    assert!(
        message.contains(r#"strict decoding error: duplicate field "spec.crew", unknown field "spec.keel""#),
        "{message}"
    );
    plane.stop().await;
}
