//! The traps of the Kubernetes API that other servers fell into, each by its number; requests as a peer sends them.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use bytes::Bytes;
use fairway_testkit::{Setup, TestPlane, administrator};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

struct Answer {
    code: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The events of a watch that ended.
    fn events(&self) -> Vec<Value> {
        self.text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    }
}

async fn send(plane: &TestPlane, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
    let response = plane.server().service().with_identity(administrator()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer { code: parts.status.as_u16(), headers: parts.headers, text }
}

async fn ask(plane: &TestPlane, line: &str, body: &Value) -> Answer {
    let content_type = if line.starts_with("PATCH") { "application/merge-patch+json" } else { "application/json" };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(plane, line, &[("content-type", content_type)], &body).await
}

async fn get(plane: &TestPlane, path: &str) -> Answer {
    ask(plane, &format!("GET {path}"), &Value::Null).await
}

async fn make(plane: &TestPlane, name: &str) -> Value {
    let answer = ask(plane, &format!("POST {MAPS}"), &json!({ "metadata": { "name": name } })).await;
    assert_eq!(answer.code, 201, "{}", answer.text);
    answer.json()
}

fn revision(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn trap_3_bookmarks_are_sent_when_asked_for_and_say_what_they_are() {
    let plane = TestPlane::start().await.unwrap();
    make(&plane, "a").await;
    let streaming = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1";
    let quiet = get(&plane, &format!("{MAPS}?{streaming}")).await.events();
    assert!(quiet.iter().all(|it| it["type"] == "ADDED"), "{quiet:?}");
    let events = get(&plane, &format!("{MAPS}?{streaming}&allowWatchBookmarks=true")).await.events();
    let types: Vec<&str> = events.iter().filter_map(|it| it["type"].as_str()).collect();
    assert_eq!(types, ["ADDED", "BOOKMARK"]);
    let mark = &events[1]["object"];
    assert_eq!((&mark["kind"], &mark["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
    assert_eq!(mark["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(revision(mark), plane.store().revision());
    let unmatched = get(&plane, &format!("{MAPS}?watch=1&sendInitialEvents=true")).await;
    assert_eq!(unmatched.code, 422);
    plane.stop().await;
}

#[tokio::test]
async fn trap_4_too_old_and_too_new_are_told_apart() {
    let plane = TestPlane::with(Setup { history: 4, ..Setup::default() }).await.unwrap();
    let first = revision(&make(&plane, "a").await);
    let page = get(&plane, &format!("{MAPS}?limit=1")).await.json();
    make(&plane, "z").await;
    let token = get(&plane, &format!("{MAPS}?limit=1")).await.json()["metadata"]["continue"].clone();
    assert!(page["metadata"].get("continue").is_none());
    // History is trimmed by hundreds.
    let names: Vec<String> = (0..1200).map(|it| format!("b{it:04}")).collect();
    futures::future::join_all(names.iter().map(|it| make(&plane, it))).await;
    let watch = get(&plane, &format!("{MAPS}?watch=1&resourceVersion={first}&timeoutSeconds=1")).await;
    assert_eq!(watch.code, 200);
    let error = &watch.events()[0];
    assert_eq!((&error["type"], &error["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(error["object"]["reason"], "Expired");
    let list = get(&plane, &format!("{MAPS}?resourceVersion={first}&resourceVersionMatch=Exact")).await;
    assert_eq!((list.code, list.json()["reason"].as_str()), (410, Some("Expired")));
    // 16: an expired token comes with another, that goes on with what is there now.
    let expired = get(&plane, &format!("{MAPS}?limit=1&continue={}", token.as_str().unwrap())).await;
    assert_eq!(expired.code, 410);
    let next = expired.json()["metadata"]["continue"].clone();
    let rest = get(&plane, &format!("{MAPS}?limit=1&continue={}", next.as_str().unwrap())).await;
    assert_eq!((rest.code, rest.json()["items"][0]["metadata"]["name"].as_str()), (200, Some("b0000")));
    let new = get(&plane, &format!("{MAPS}?resourceVersion=99999999")).await;
    assert_eq!(new.code, 504);
    assert_eq!(new.json()["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    assert_eq!(new.headers["retry-after"], "1");
    plane.stop().await;
}

#[tokio::test]
async fn trap_5_a_list_says_the_revision_of_the_store() {
    let plane = TestPlane::start().await.unwrap();
    make(&plane, "a").await;
    let other = ask(&plane, "POST /api/v1/namespaces", &json!({ "metadata": { "name": "later" } })).await;
    assert_eq!(other.code, 201);
    let list = get(&plane, MAPS).await.json();
    assert_eq!(revision(&list), plane.store().revision());
    plane.stop().await;
}

#[tokio::test]
async fn trap_7_taking_over_the_time_of_an_apply_changes_nothing() {
    let plane = TestPlane::start().await.unwrap();
    let apply = || async {
        let object =
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "k": "v" } });
        let line = format!("PATCH {MAPS}/a?fieldManager=me");
        send(&plane, &line, &[("content-type", "application/apply-patch+yaml")], &object.to_string()).await
    };
    let first = apply().await;
    assert_eq!(first.code, 201, "{}", first.text);
    let before = plane.store().revision();
    let mut object = apply().await.json();
    object["metadata"]["managedFields"][0]["time"] = json!("2020-01-01T00:00:00Z");
    let put = ask(&plane, &format!("PUT {MAPS}/a"), &object).await;
    assert_eq!((put.code, plane.store().revision()), (200, before));
    plane.stop().await;
}

#[tokio::test]
async fn trap_9_lists_are_merged_by_their_keys_and_only_for_built_in_kinds() {
    let plane = TestPlane::start().await.unwrap();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({ "metadata": { "name": "p" }, "spec": { "containers": [
        { "name": "a", "image": "example.test/a:1" }, { "name": "b", "image": "example.test/b:1" },
    ] } });
    assert_eq!(ask(&plane, &format!("POST {pods}"), &pod).await.code, 201);
    let strategic = [("content-type", "application/strategic-merge-patch+json")];
    let patch = json!({ "spec": { "containers": [{ "name": "b", "image": "example.test/b:2" }] } });
    let patched = send(&plane, &format!("PATCH {pods}/p"), &strategic, &patch.to_string()).await.json();
    let images: Vec<&str> =
        patched["spec"]["containers"].as_array().unwrap().iter().filter_map(|it| it["image"].as_str()).collect();
    assert_eq!(images, ["example.test/a:1", "example.test/b:2"]);
    let nameless = json!({ "spec": { "containers": [{ "image": "example.test/b:3" }] } });
    assert_eq!(send(&plane, &format!("PATCH {pods}/p"), &strategic, &nameless.to_string()).await.code, 500);
    plane.stop().await;
}

#[tokio::test]
async fn trap_11_a_deletion_answers_with_what_is_left() {
    let plane = TestPlane::start().await.unwrap();
    let made = make(&plane, "a").await;
    let gone = ask(&plane, &format!("DELETE {MAPS}/a"), &Value::Null).await.json();
    assert_eq!((gone["kind"].as_str(), gone["status"].as_str()), (Some("Status"), Some("Success")));
    assert_eq!(gone["details"]["uid"], made["metadata"]["uid"]);
    let services = "/api/v1/namespaces/default/services";
    let service = json!({ "metadata": { "name": "s" }, "spec": { "ports": [{ "port": 80 }] } });
    assert_eq!(ask(&plane, &format!("POST {services}"), &service).await.code, 201);
    let gone = ask(&plane, &format!("DELETE {services}/s"), &Value::Null).await.json();
    assert_eq!(gone["kind"], "Service");
    let held = json!({ "metadata": { "name": "h", "finalizers": ["example.com/hold"] } });
    let held = ask(&plane, &format!("POST {MAPS}"), &held).await.json();
    let marked = ask(&plane, &format!("DELETE {MAPS}/h"), &Value::Null).await.json();
    assert!(marked["metadata"]["deletionTimestamp"].is_string() && revision(&marked) > revision(&held));
    let again = ask(&plane, &format!("DELETE {MAPS}/h"), &Value::Null).await.json();
    assert_eq!(revision(&again), revision(&marked));
    let mut free = again;
    free["metadata"]["finalizers"] = json!([]);
    let last = ask(&plane, &format!("PUT {MAPS}/h"), &free).await;
    assert_eq!((last.code, revision(&last.json())), (200, revision(&marked)));
    assert_eq!(get(&plane, &format!("{MAPS}/h")).await.code, 404);
    plane.stop().await;
}

#[tokio::test]
async fn trap_12_a_put_says_what_it_is_based_on_or_is_refused_where_it_must() {
    let plane = TestPlane::start().await.unwrap();
    let made = make(&plane, "a").await;
    let put = |body: Value| {
        let plane = &plane;
        async move { ask(plane, &format!("PUT {MAPS}/a"), &body).await }
    };
    assert_eq!(put(json!({ "metadata": { "name": "a" }, "data": { "k": "v" } })).await.code, 200);
    assert_eq!(put(made.clone()).await.code, 409);
    assert_eq!(put(json!({ "metadata": { "name": "a", "uid": "other" } })).await.code, 409);
    assert_eq!(put(json!({ "metadata": { "name": "b" } })).await.code, 400);
    let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let lease = json!({ "metadata": { "name": "l" }, "spec": { "holderIdentity": "me" } });
    assert_eq!(ask(&plane, &format!("PUT {leases}/l"), &lease).await.code, 201, "made by PUT");
    let refused = ask(&plane, &format!("PUT {leases}/l"), &lease).await;
    assert_eq!(refused.code, 422, "{}", refused.text);
    let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
    let role = json!({ "metadata": { "name": "r" }, "rules": [] });
    assert_eq!(ask(&plane, &format!("PUT {roles}/r"), &role).await.code, 201, "made by PUT");
    plane.stop().await;
}

#[tokio::test]
async fn trap_15_unknown_and_doubled_fields_are_warned_of_refused_or_ignored() {
    let plane = TestPlane::start().await.unwrap();
    let body = r#"{"metadata":{"name":"NAME"},"data":{"k":"1","k":"2"},"nope":1}"#;
    let post = |name: &'static str, mode: &'static str| {
        let plane = &plane;
        let (line, body) = (format!("POST {MAPS}?fieldValidation={mode}"), body.replace("NAME", name));
        async move { send(plane, &line, &[("content-type", "application/json")], &body).await }
    };
    let warned = post("a", "").await;
    let warnings: Vec<&str> = warned.headers.get_all("warning").iter().map(|it| it.to_str().unwrap()).collect();
    assert_eq!(warned.code, 201);
    assert_eq!(warnings, [r#"299 - "duplicate field \"data.k\"""#, r#"299 - "unknown field \"nope\"""#]);
    let ignored = post("b", "Ignore").await;
    assert_eq!((ignored.code, ignored.headers.get("warning")), (201, None));
    let refused = post("c", "Strict").await;
    assert_eq!(refused.code, 400);
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("strict decoding error: duplicate field \"data.k\", unknown field \"nope\""), "{message}");
    plane.stop().await;
}

#[tokio::test]
async fn trap_16_a_page_that_selects_counts_nothing() {
    let plane = TestPlane::start().await.unwrap();
    for name in ["a", "b", "c"] {
        make(&plane, name).await;
    }
    let plain = get(&plane, &format!("{MAPS}?limit=1")).await.json();
    assert_eq!(plain["metadata"]["remainingItemCount"], 2);
    let selected = get(&plane, &format!("{MAPS}?limit=1&labelSelector=!x")).await.json();
    assert!(selected["metadata"]["continue"].is_string());
    assert!(selected["metadata"].get("remainingItemCount").is_none());
    let token = selected["metadata"]["continue"].as_str().unwrap();
    let foreign = format!("/api/v1/namespaces/kube-system/configmaps?limit=1&continue={token}");
    assert_eq!(get(&plane, &foreign).await.code, 400, "a token is of use only where it was given");
    plane.stop().await;
}

#[tokio::test]
async fn trap_19_kind_comes_first_and_empty_lists_are_lists() {
    let plane = TestPlane::start().await.unwrap();
    make(&plane, "a").await;
    assert!(get(&plane, &format!("{MAPS}/a")).await.text.starts_with(r#"{"kind":"ConfigMap","apiVersion":"v1","#));
    let empty = get(&plane, "/api/v1/namespaces/kube-system/configmaps").await;
    assert!(empty.text.contains(r#""items":[]"#), "{}", empty.text);
    let null = json!({ "metadata": { "name": "n", "creationTimestamp": null } });
    assert_eq!(ask(&plane, &format!("POST {MAPS}"), &null).await.code, 201);
    plane.stop().await;
}

#[tokio::test]
async fn trap_20_a_watch_ends_cleanly_at_its_time() {
    let plane = TestPlane::start().await.unwrap();
    let watch = get(&plane, &format!("{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=1&labelSelector=a%20b")).await;
    assert_eq!(watch.code, 400);
    let watch = get(&plane, &format!("{MAPS}?watch=1&timeoutSeconds=1")).await;
    assert_eq!((watch.code, watch.text.as_str()), (200, ""));
    plane.stop().await;
}

#[tokio::test]
async fn a_table_has_a_row_for_each_object_and_only_the_first_event_has_columns() {
    let plane = TestPlane::start().await.unwrap();
    for name in ["a", "b"] {
        make(&plane, name).await;
    }
    let table = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let list = send(&plane, &format!("GET {MAPS}"), &table, "").await.json();
    assert_eq!(list["kind"], "Table");
    assert_eq!(
        (&list["rows"][0]["cells"][0], &list["rows"][1]["object"]["kind"]),
        (&json!("a"), &json!("PartialObjectMetadata"))
    );
    let line = format!("GET {MAPS}?watch=1&timeoutSeconds=1");
    let events = send(&plane, &line, &table, "").await.events();
    let columns: Vec<usize> =
        events.iter().map(|it| it["object"]["columnDefinitions"].as_array().unwrap().len()).collect();
    assert!(columns[0] > 0 && columns[1] == 0, "{columns:?}");
    plane.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_or_is_too_much_is_refused_by_name() {
    let plane = TestPlane::start().await.unwrap();
    let json_type = [("content-type", "application/json")];
    let cases = [
        (format!("POST {MAPS}"), "{".to_owned(), 400),
        (format!("POST {MAPS}"), "[".repeat(100_000), 400),
        (format!("POST {MAPS}"), "null".to_owned(), 400),
        (format!("POST {MAPS}"), "x".repeat(4 << 20), 413),
        (format!("GET {MAPS}/..%2fx"), String::new(), 400),
        ("GET /api/v1//pods".to_owned(), String::new(), 400),
        ("GET /apis/nothing.example.com/v1/things".to_owned(), String::new(), 404),
        ("POST /api/v1/pods".to_owned(), "{}".to_owned(), 405),
        ("GET /api/v1/namespaces/default/nodes".to_owned(), String::new(), 404),
        ("GET /api/v1/namespaces/default/pods/p/attach".to_owned(), String::new(), 501),
        ("GET /api/v1/namespaces/default/pods/p/exec".to_owned(), String::new(), 404),
    ];
    for (line, body, code) in cases {
        let answer = send(&plane, &line, &json_type, &body).await;
        assert_eq!(answer.code, code, "{line}: {}", answer.text);
    }
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
                g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n";
    let answer = send(&plane, &format!("POST {MAPS}"), &[("content-type", "application/yaml")], bomb).await;
    assert_eq!(answer.code, 400, "{}", answer.text);
    let proto = [("content-type", "application/vnd.kubernetes.protobuf")];
    let answer = send(&plane, &format!("POST {MAPS}"), &proto, "k8s").await;
    assert_eq!(answer.code, 400);
    let boat = "k8s\0\x0a\x16\x0a\x0eexample.com/v1\x12\x04Boat\x12\0";
    let answer = send(&plane, &format!("POST {MAPS}"), &proto, boat).await;
    assert_eq!(answer.code, StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16(), "{}", answer.text);
    assert!(answer.json()["message"].as_str().unwrap().contains("send JSON"));
    plane.stop().await;
}

#[tokio::test]
async fn a_namespace_that_was_ending_when_the_server_stopped_ends_after_the_next_start() {
    let plane = TestPlane::start().await.unwrap();
    assert_eq!(ask(&plane, "POST /api/v1/namespaces", &json!({ "metadata": { "name": "n" } })).await.code, 201);
    let maps = "/api/v1/namespaces/n/configmaps";
    let held = json!({ "metadata": { "name": "h", "finalizers": ["example.com/hold"] } });
    assert_eq!(ask(&plane, &format!("POST {maps}"), &held).await.code, 201);
    assert_eq!(ask(&plane, "DELETE /api/v1/namespaces/n", &Value::Null).await.code, 200);
    let plane = plane.restart(Setup::default()).await.unwrap();
    let from = revision(&get(&plane, "/api/v1/namespaces").await.json());
    let free = json!({ "metadata": { "finalizers": null } });
    // Whether or not the restarted server marked it already: without finalizers it goes.
    let _ = ask(&plane, &format!("PATCH {maps}/h"), &free).await;
    let watch =
        format!("/api/v1/namespaces?watch=1&resourceVersion={from}&fieldSelector=metadata.name=n&timeoutSeconds=2");
    let events = get(&plane, &watch).await.events();
    assert_eq!(events.last().map(|it| it["type"].clone()), Some(json!("DELETED")));
    plane.stop().await;
}
