use super::super::service_accounts::tests::Setting;
use super::*;

fn pod(account: &str) -> Value {
    json!({ "metadata": { "name": "p", "uid": "p1" }, "spec": { "serviceAccountName": account, "nodeName": "n" } })
}

#[tokio::test]
async fn a_request_without_wishes_gets_an_hour_for_our_own_audience() {
    let setting = Setting::new().await;
    let answer = setting.tokens.issue("ns", "robot", &json!({})).unwrap();
    assert_eq!(answer["kind"], "TokenRequest");
    assert_eq!(answer["metadata"]["namespace"], "ns");
    assert_eq!(answer["spec"]["expirationSeconds"], 3_600);
    assert_eq!(answer["spec"]["audiences"], json!(setting.tokens.options.audiences));
    assert_eq!(answer["status"]["expirationTimestamp"], "2026-01-01T01:00:00Z");
}

#[tokio::test]
async fn a_token_lives_as_long_as_asked_within_bounds() {
    let setting = Setting::new().await;
    let ask =
        |seconds: Value| setting.tokens.issue("ns", "robot", &json!({ "spec": { "expirationSeconds": seconds } }));
    assert_eq!(ask(json!(600)).unwrap()["spec"]["expirationSeconds"], 600);
    let longest = 30 * 24 * 3_600;
    assert_eq!(ask(json!(longest + 1)).unwrap()["spec"]["expirationSeconds"], longest, "cut, and the answer says so");
    for (seconds, message) in [
        (json!(599), "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes"),
        (json!(-1), "may not specify a duration less than 10 minutes"),
        (json!(4_294_967_297_u64), "may not specify a duration larger than 2^32 seconds"),
        (json!(u64::MAX), "must be a whole number"),
        (json!("600"), "must be a whole number"),
        (json!(600.5), "must be a whole number"),
    ] {
        let error = ask(seconds.clone()).unwrap_err();
        assert_eq!(error.code, 422, "{seconds}");
        assert!(error.message.contains(message), "{error}");
    }
}

#[tokio::test]
async fn a_token_for_another_audience_is_no_key_to_us() {
    let setting = Setting::new().await;
    let token = setting.issue(json!({ "audiences": ["vault", "registry"] }));
    assert!(setting.tokens.verify(&token, &[]).is_err());
    let wanted = ["registry".to_owned(), "other".to_owned()];
    assert_eq!(setting.tokens.verify(&token, &wanted).unwrap().1, ["registry"]);
}

#[tokio::test]
async fn a_pod_binds_only_tokens_of_its_own_account() {
    let setting = Setting::new().await;
    let reference = json!({ "kind": "Pod", "apiVersion": "v1", "name": "p" });
    let ask =
        |reference: &Value| setting.tokens.issue("ns", "robot", &json!({ "spec": { "boundObjectRef": reference } }));
    assert_eq!(ask(&reference).unwrap_err().code, 404);
    setting.put("core/pods", "ns", "p", pod("other")).await;
    assert_eq!(ask(&reference).unwrap_err().code, 400);
    setting.put("core/pods", "ns", "p", pod("robot")).await;
    setting.put("core/nodes", "", "n", json!({ "metadata": { "name": "n", "uid": "n1" } })).await;
    let answer = ask(&reference).unwrap();
    assert_eq!(answer["spec"]["boundObjectRef"], reference);
    let (identity, _) = setting.tokens.verify(answer["status"]["token"].as_str().unwrap(), &[]).unwrap();
    assert_eq!(identity.extra["authentication.kubernetes.io/pod-name"], ["p"]);
    assert_eq!(identity.extra["authentication.kubernetes.io/node-uid"], ["n1"]);
    let mut exact = reference.clone();
    exact["uid"] = json!("p1");
    assert!(ask(&exact).is_ok());
    exact["uid"] = json!("p0");
    assert_eq!(ask(&exact).unwrap_err().code, 409);
}

#[tokio::test]
async fn other_things_are_no_anchor() {
    let setting = Setting::new().await;
    for reference in [
        json!({ "kind": "ConfigMap", "apiVersion": "v1", "name": "c" }),
        json!({ "kind": "Pod", "apiVersion": "apps/v1", "name": "c" }),
        json!({ "kind": "Pod", "name": "c" }),
        json!({}),
        json!("p"),
    ] {
        let error =
            setting.tokens.issue("ns", "robot", &json!({ "spec": { "boundObjectRef": reference } })).unwrap_err();
        assert_eq!(error.code, 400, "{reference}");
    }
}

#[tokio::test]
async fn there_is_no_token_for_an_account_that_is_not_there() {
    let setting = Setting::new().await;
    let error = setting.tokens.issue("ns", "ghost", &json!({})).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (404, r#"serviceaccounts "ghost" not found"#));
    assert_eq!(setting.tokens.issue("other", "robot", &json!({})).unwrap_err().code, 404);
}

#[tokio::test]
async fn secrets_and_nodes_bind_too() {
    let setting = Setting::new().await;
    for (kind, resource, namespace) in [("Secret", "core/secrets", "ns"), ("Node", "core/nodes", "")] {
        setting.put(resource, namespace, "x", json!({ "metadata": { "name": "x", "uid": "x1" } })).await;
        let token = setting.issue(json!({ "boundObjectRef": { "kind": kind, "apiVersion": "v1", "name": "x" } }));
        assert!(setting.tokens.verify(&token, &[]).is_ok());
        setting.delete(resource, namespace, "x").await;
        assert!(setting.tokens.verify(&token, &[]).is_err(), "{kind}");
    }
}
