//! What rights do over HTTP: given, kept, not given away, lent.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::plane::{Plane, RBAC};

fn rule(resources: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": ["", "rbac.authorization.k8s.io"], "resources": resources, "verbs": verbs })
}

#[tokio::test]
async fn a_role_writer_cannot_raise_the_own_rights_by_any_verb() {
    let plane = Plane::start().await;
    let all = ["create", "get", "update", "patch", "delete"];
    plane.grant("default", "ann", json!([rule(&["roles", "rolebindings"], &all), rule(&["pods"], &["get"])])).await;
    let ann = plane.user("ann");
    let roles = format!("{RBAC}/namespaces/default/roles");
    let harmless = json!({ "metadata": { "name": "mine" }, "rules": [rule(&["pods"], &["get"])] });
    assert_eq!(plane.ask("POST", &roles, &ann, &harmless).await.0, 201);
    let strong = json!({ "metadata": { "name": "mine" }, "rules": [rule(&["secrets"], &["get"])] });
    let other = json!({ "metadata": { "name": "other" }, "rules": [rule(&["*"], &["*"])] });
    let apply = [("authorization", format!("Bearer {ann}")), ("content-type", "application/apply-patch+yaml".into())];
    let apply: Vec<(&str, &str)> = apply.iter().map(|it| (it.0, it.1.as_str())).collect();
    let mut full = strong.clone();
    full["apiVersion"] = json!("rbac.authorization.k8s.io/v1");
    full["kind"] = json!("Role");
    let applied = format!("{roles}/mine?fieldManager=t&force=true");
    let answers = [
        plane.ask("POST", &roles, &ann, &other).await,
        plane.ask("POST", &format!("{roles}?dryRun=All"), &ann, &other).await,
        plane.ask("PUT", &format!("{roles}/mine"), &ann, &strong).await,
        plane.ask("PUT", &format!("{roles}/other"), &ann, &other).await,
        plane.ask("PATCH", &format!("{roles}/mine"), &ann, &json!({ "rules": strong["rules"] })).await,
        plane.send("PATCH", &applied, &apply, &full).await,
    ];
    for (code, answer) in answers {
        assert_eq!(code, 403, "{answer}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains("is attempting to grant RBAC permissions not currently held"), "{message}");
    }
    let (_, mine) = plane.ask("GET", &format!("{roles}/mine"), &ann, &Value::Null).await;
    assert_eq!(mine["rules"], harmless["rules"]);
    plane.stop().await;
}

#[tokio::test]
async fn a_binding_gives_only_what_its_writer_has_and_keeps_its_role() {
    let plane = Plane::start().await;
    plane.grant("default", "ann", json!([rule(&["rolebindings"], &["create", "get", "update"])])).await;
    let ann = plane.user("ann");
    let bindings = format!("{RBAC}/namespaces/default/rolebindings");
    let bind = |role: &str| {
        json!({ "metadata": { "name": "b" }, "subjects": [{ "kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io" }],
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role } })
    };
    for role in ["cluster-admin", "admin", "edit", "view"] {
        assert_eq!(plane.ask("POST", &bindings, &ann, &bind(role)).await.0, 403, "{role}");
    }
    plane.make(&bindings, bind("view")).await;
    let (code, answer) = plane.ask("PUT", &format!("{bindings}/b"), &plane.root, &bind("edit")).await;
    assert_eq!((code.as_u16(), &answer["details"]["causes"][0]["field"]), (422, &json!("roleRef")));
    let (code, _) = plane.ask("GET", "/api/v1/namespaces/default/pods", &ann, &Value::Null).await;
    assert_eq!(code, 200, "the binding counts from its acknowledgement");
    assert_eq!(plane.ask("DELETE", &format!("{bindings}/b"), &plane.root, &Value::Null).await.0, 200);
    let (code, _) = plane.ask("GET", "/api/v1/namespaces/default/pods", &ann, &Value::Null).await;
    assert_eq!(code, 403, "and its end too");
    plane.stop().await;
}

#[tokio::test]
async fn making_by_replacing_needs_the_right_to_make() {
    let plane = Plane::start().await;
    plane.grant("default", "ann", json!([rule(&["roles"], &["get", "update", "patch"])])).await;
    let ann = plane.user("ann");
    let path = format!("{RBAC}/namespaces/default/roles/new");
    let (code, answer) = plane.ask("PUT", &path, &ann, &json!({ "metadata": { "name": "new" }, "rules": [] })).await;
    assert_eq!(code, 403, "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("cannot create resource \"roles\""), "{answer}");
    plane.stop().await;
}

#[tokio::test]
async fn a_name_in_a_field_selector_opens_that_name_only() {
    let plane = Plane::start().await;
    let named = json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"], "resourceNames": ["mine"] });
    plane.grant("default", "ann", json!([named])).await;
    let ann = plane.user("ann");
    for name in ["mine", "other"] {
        plane.make("/api/v1/namespaces/default/configmaps", json!({ "metadata": { "name": name } })).await;
    }
    let list = |selector: &'static str| {
        let path = format!("/api/v1/namespaces/default/configmaps?fieldSelector={selector}");
        let (plane, ann) = (&plane, ann.as_str());
        async move { plane.ask("GET", &path, ann, &Value::Null).await }
    };
    let (code, answer) = list("metadata.name%3Dmine").await;
    assert_eq!((code.as_u16(), answer["items"].as_array().map(Vec::len)), (200, Some(1)));
    for selector in [
        "",
        "metadata.name%3Dother",
        "metadata.name!%3Dx",
        "metadata.namespace!%3Dx%5C,metadata.name%3Dmine",
        "metadata.name!%3Dmine",
    ] {
        let (code, answer) = list(selector).await;
        assert_eq!(code, 403, "{selector}: {answer}");
    }
    plane.stop().await;
}

#[tokio::test]
async fn a_service_account_gets_a_token_that_is_itself_until_it_is_deleted() {
    let plane = Plane::start().await;
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    plane.make(accounts, json!({ "metadata": { "name": "robot" } })).await;
    let path = format!("{accounts}/robot/token");
    let stranger = plane.user("stranger");
    assert_eq!(plane.ask("POST", &path, &stranger, &json!({})).await.0, 403);
    let answer = plane.make(&path, json!({ "spec": { "expirationSeconds": 900 } })).await;
    assert_eq!(answer["kind"], "TokenRequest");
    let token = answer["status"]["token"].as_str().unwrap().to_owned();
    let who = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let (code, answer) = plane.ask("POST", who, &token, &json!({})).await;
    assert_eq!(code, 201, "{answer}");
    assert_eq!(answer["status"]["userInfo"]["username"], "system:serviceaccount:default:robot");
    let (code, keys) = plane.ask("GET", "/openid/v1/jwks", &token, &Value::Null).await;
    assert_eq!((code.as_u16(), &keys["keys"][0]["kty"]), (200, &json!("EC")));
    let review = json!({ "spec": { "token": token } });
    let reviewed = plane.make("/apis/authentication.k8s.io/v1/tokenreviews", review.clone()).await;
    assert_eq!(reviewed["status"]["authenticated"], true);
    let dry = plane.make(&format!("{path}?dryRun=All"), json!({})).await;
    assert_eq!(dry["status"]["token"], "");
    assert_eq!(plane.ask("DELETE", &format!("{accounts}/robot"), &plane.root, &Value::Null).await.0, 200);
    assert_eq!(plane.ask("POST", who, &token, &json!({})).await.0, 401);
    let reviewed = plane.make("/apis/authentication.k8s.io/v1/tokenreviews", review).await;
    assert_eq!(reviewed["status"].get("authenticated"), None);
    plane.stop().await;
}

#[tokio::test]
async fn impersonation_is_a_right_for_each_part() {
    let plane = Plane::start().await;
    let ann = format!("Bearer {}", plane.user("ann"));
    let root = format!("Bearer {}", plane.root);
    let pods = "/api/v1/namespaces/default/pods";
    let ask = |headers: Vec<(&'static str, String)>| {
        let plane = &plane;
        async move {
            let headers: Vec<(&str, &str)> = headers.iter().map(|it| (it.0, it.1.as_str())).collect();
            plane.send("GET", pods, &headers, &Value::Null).await
        }
    };
    let masters = || vec![("impersonate-user", "x".to_owned()), ("impersonate-group", "system:masters".to_owned())];
    for token in [ann, String::new()] {
        let (code, answer) = ask([vec![("authorization", token)], masters()].concat()).await;
        assert_eq!(code, 403, "{answer}");
    }
    assert_eq!(ask([vec![("authorization", root.clone())], masters()].concat()).await.0, 200);
    let (code, answer) = ask(vec![("authorization", root.clone()), ("impersonate-user", "bob".to_owned())]).await;
    assert_eq!(code, 403);
    assert!(answer["message"].as_str().unwrap().contains("User \"bob\" cannot list"), "{answer}");
    let (code, _) = ask(vec![("authorization", root), ("impersonate-group", "system:masters".to_owned())]).await;
    assert_eq!(code, 400);
    plane.stop().await;
}

#[tokio::test]
async fn rights_on_things_this_server_does_not_serve_are_judged_like_others() {
    let plane = Plane::start().await;
    let rules = json!([
        { "apiGroups": ["acme.example"], "resources": ["components/log", "ledgerevents"], "verbs": ["get"] },
        { "apiGroups": ["acme.example"], "resources": ["repositories"], "verbs": ["push"], "resourceNames": ["web"] },
    ]);
    plane.grant("default", "ann", rules).await;
    let cases = [
        ("get", "components", "log", "web", "default", true),
        ("get", "components", "", "web", "default", false),
        ("get", "ledgerevents", "", "", "default", true),
        ("get", "ledgerevents", "", "", "kube-system", false),
        ("push", "repositories", "", "web", "default", true),
        ("push", "repositories", "", "db", "default", false),
    ];
    for (verb, resource, subresource, name, namespace, allowed) in cases {
        let attributes = json!({ "group": "acme.example", "verb": verb, "resource": resource, "subresource": subresource,
            "name": name, "namespace": namespace });
        let review = json!({ "spec": { "user": "ann", "resourceAttributes": attributes } });
        let answer = plane.make("/apis/authorization.k8s.io/v1/subjectaccessreviews", review).await;
        assert_eq!(answer["status"]["allowed"], allowed, "{answer}");
    }
    plane.stop().await;
}

/// Opens a watch and reads it to its end, on a clock that runs as fast as it can. Gives how long it lasted.
async fn watched(plane: &Plane, token: &str, revoke: impl AsyncFnOnce()) -> Duration {
    let path = "/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=600";
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let request = request.body(Full::new(Bytes::new())).unwrap();
    let response = plane.server.service().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    revoke().await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    response.into_body().collect().await.unwrap();
    let lasted = start.elapsed();
    tokio::time::resume();
    lasted
}

#[tokio::test]
async fn a_watch_ends_within_seconds_of_the_right_to_it() {
    let plane = Plane::start().await;
    for user in ["kept", "bound", "known"] {
        plane.grant("default", user, json!([rule(&["configmaps"], &["watch"])])).await;
    }
    let soon = Duration::from_secs(5);
    let lasted = watched(&plane, &plane.user("kept"), async || {}).await;
    assert!(lasted > Duration::from_mins(9), "who keeps the right keeps the watch; it ended after {lasted:?}");
    let unbind = async || {
        let path = format!("{RBAC}/namespaces/default/rolebindings/bound");
        assert_eq!(plane.ask("DELETE", &path, &plane.root, &Value::Null).await.0, 200);
    };
    assert!(watched(&plane, &plane.user("bound"), unbind).await <= soon);
    let revoke = async || {
        let info = plane.tokens.list().into_iter().find(|it| it.user == "known").unwrap();
        assert!(plane.tokens.revoke(&info.id).unwrap());
    };
    assert!(watched(&plane, &plane.user("known"), revoke).await <= soon);
    plane.stop().await;
}
