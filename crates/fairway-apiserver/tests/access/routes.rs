//! Every route there is, tried by those who have no right to it.

use serde_json::{Value, json};

use crate::plane::Plane;

/// What anybody may read.
const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
/// What whoever has a name may read besides.
const KNOWN: [&str; 9] =
    ["/api", "/api/", "/apis", "/apis/", "/api/v1", "/apis/apps", "/apis/apps/v1", "/openapi/v3", "/openapi/v3/api/v1"];
/// What neither may read.
const CLOSED: [&str; 9] = [
    "/",
    "/metrics",
    "/healthz/ping",
    "/logs",
    "/debug/pprof",
    "/openid/v1/jwks",
    "/.well-known/openid-configuration",
    "/nothing",
    "/version/x",
];

/// Method and path of each verb of each resource and subresource that discovery names, in a namespace that exists and
/// in one that does not.
async fn routes(plane: &Plane) -> Vec<(&'static str, String)> {
    let mut versions = vec!["/api/v1".to_owned()];
    let (_, groups) = plane.ask("GET", "/apis", &plane.root, &Value::Null).await;
    for version in groups["groups"].as_array().unwrap().iter().flat_map(|it| it["versions"].as_array().unwrap()) {
        versions.push(format!("/apis/{}", version["groupVersion"].as_str().unwrap()));
    }
    let mut routes = Vec::new();
    for version in versions {
        let (_, list) = plane.ask("GET", &version, &plane.root, &Value::Null).await;
        for resource in list["resources"].as_array().unwrap() {
            let places: &[&str] = if resource["namespaced"] == true {
                &["/namespaces/default", "/namespaces/nowhere", ""]
            } else {
                &[""]
            };
            let name = resource["name"].as_str().unwrap();
            let (plural, sub) = name.split_once('/').map_or((name, None), |it| (it.0, Some(it.1)));
            for verb in resource["verbs"].as_array().unwrap() {
                let verb = verb.as_str().unwrap();
                for place in places {
                    let many = format!("{version}{place}/{plural}");
                    let one = sub.map_or(format!("{many}/x"), |it| format!("{many}/x/{it}"));
                    routes.push(match verb {
                        "get" => ("GET", one),
                        "list" => ("GET", many),
                        "watch" => ("GET", format!("{many}?watch=true")),
                        "create" if sub.is_none() => ("POST", many),
                        "create" => ("POST", one),
                        "update" => ("PUT", one),
                        "patch" => ("PATCH", one),
                        "delete" => ("DELETE", one),
                        "deletecollection" => ("DELETE", many),
                        other => unreachable!("{name} has the verb {other}, which this test does not know"),
                    });
                }
            }
        }
    }
    assert!(routes.len() > 500, "discovery names {} routes", routes.len());
    routes
}

#[tokio::test]
async fn no_route_opens_for_nobody_and_none_but_questions_about_oneself_for_a_stranger() {
    let plane = Plane::start().await;
    let stranger = plane.user("stranger");
    let mine = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];
    for (method, path) in routes(&plane).await {
        let body = if method == "GET" { Value::Null } else { json!({}) };
        for (token, who) in [("", "system:anonymous"), (stranger.as_str(), "stranger")] {
            if who == "stranger" && method == "POST" && mine.iter().any(|it| path.ends_with(it)) {
                continue;
            }
            let (code, answer) = plane.ask(method, &path, token, &body).await;
            assert_eq!(code, 403, "{who} {method} {path}: {answer}");
            assert_eq!((&answer["kind"], &answer["reason"]), (&json!("Status"), &json!("Forbidden")));
            let message = answer["message"].as_str().unwrap();
            assert!(message.contains(&format!("User \"{who}\" cannot ")), "{message}");
        }
        let (code, answer) = plane.ask(method, &path, "a.b.c", &body).await;
        assert_eq!((code.as_u16(), &answer["message"]), (401, &json!("Unauthorized")), "{method} {path}");
    }
    plane.stop().await;
}

#[tokio::test]
async fn of_the_other_paths_only_those_open_that_a_real_cluster_opens() {
    let plane = Plane::start().await;
    let stranger = plane.user("stranger");
    for (paths, anonymous, known) in [(&PUBLIC[..], true, true), (&KNOWN[..], false, true), (&CLOSED[..], false, false)]
    {
        for path in paths {
            for (token, open) in [("", anonymous), (stranger.as_str(), known)] {
                let (code, answer) = plane.ask("GET", path, token, &Value::Null).await;
                assert_eq!(code.as_u16(), if open { 200 } else { 403 }, "{path}: {answer}");
                let (code, _) = plane.ask("POST", path, token, &json!({})).await;
                assert_eq!(code, 403, "POST {path}: a right to read is none to post");
            }
            let (code, _) = plane.ask("GET", path, "tok_x_y", &Value::Null).await;
            assert_eq!(code, 401, "{path}: a wrong credential is never anonymous");
        }
    }
    plane.stop().await;
}

#[tokio::test]
async fn a_refusal_does_not_tell_what_exists() {
    let plane = Plane::start().await;
    let stranger = plane.user("stranger");
    let secret = json!({ "metadata": { "name": "there" }, "data": {} });
    plane.make("/api/v1/namespaces/default/secrets", secret).await;
    let mut answers = Vec::new();
    for path in ["default/secrets/there", "default/secrets/gone", "nowhere/secrets/there", "default/nothings/there"] {
        let (code, answer) = plane.ask("GET", &format!("/api/v1/namespaces/{path}"), &stranger, &Value::Null).await;
        answers.push((code, answer["reason"].clone()));
    }
    assert!(answers.iter().all(|it| *it == answers[0]) && answers[0].0 == 403, "{answers:?}");
    plane.stop().await;
}

#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_is_refused_whoever_asks() {
    let plane = Plane::start().await;
    plane.grant("default", "ann", json!([{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] }])).await;
    let ann = plane.user("ann");
    for path in [
        "/api/v1/namespaces/default/secrets/..%2f..%2fkube-system/secrets/x",
        "/api/v1/namespaces/default/secrets/../../kube-system/secrets/x",
        "/api/v1/namespaces/default%2f..%2fkube-system/secrets/x",
        "/api/v1/namespaces//secrets/x",
        "/api/v1/namespaces/default/../kube-system/secrets/x",
        "/api/v1//namespaces/kube-system/secrets/x",
        "/api/v1/namespaces/default/secrets/x%00",
        "/version/../api/v1/secrets",
        "/healthz/..%2f../api",
    ] {
        for token in ["", ann.as_str()] {
            let (code, answer) = plane.ask("GET", path, token, &Value::Null).await;
            assert!(matches!(code.as_u16(), 400 | 403 | 404), "{path}: {code} {answer}");
        }
    }
    plane.stop().await;
}
