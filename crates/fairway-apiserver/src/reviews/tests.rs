use http::request::Parts;

use super::*;
use crate::authorization::{Attributes, Decision};
use crate::rbac::{Rule, RuleList};

/// Lets ann get pods in `one`, and everybody read `/healthz`.
struct Plane;

impl Authorize for Plane {
    fn authorize(&self, identity: &Identity, asked: &Attributes<'_>) -> Decision {
        let pods = asked.is_resource && asked.resource == "pods" && asked.namespace == "one" && asked.verb == "get";
        let path = !asked.is_resource && asked.path == "/healthz" && asked.verb == "get";
        if (pods && identity.user == "ann") || path { Decision::Allow } else { Decision::Deny { why: String::new() } }
    }

    fn rules(&self, _: &Identity, namespace: &str) -> Option<RuleList> {
        let own = |text: &str| vec![text.to_owned()];
        let pods = Rule { verbs: own("get"), api_groups: own(""), resources: own("pods"), ..Rule::default() };
        let path = Rule { verbs: own("get"), non_resource_urls: own("/healthz"), ..Rule::default() };
        let problems = if namespace == "odd" { own("a role is missing") } else { Vec::new() };
        Some(RuleList { rules: vec![pods, path], problems })
    }

    fn grant(&self, _: &Identity, asked: &Attributes<'_>) -> Option<String> {
        asked.is_resource.then(|| "RBAC: because".to_owned())
    }
}

impl Authenticate for Plane {
    fn authenticate(&self, _: &Parts) -> Result<Identity, ApiError> {
        Ok(Identity::anonymous())
    }

    fn review_token(&self, token: &str, audiences: &[String]) -> Result<(Identity, Vec<String>), String> {
        if token == "good" { Ok((ann(), audiences.to_vec())) } else { Err("the token has expired".to_owned()) }
    }
}

fn ann() -> Identity {
    let extra = [("a".to_owned(), vec!["b".to_owned()])].into();
    Identity { user: "ann".into(), uid: Some("7".into()), groups: vec!["dev".into()], extra, impersonator: None }
}

fn ask(group: &str, plural: &str, namespace: &str, object: &Value) -> Result<Value, ApiError> {
    let review = Review { authorize: &Plane, authenticate: &Plane, identity: &ann() };
    review.answer(group, plural, namespace, object)
}

fn pods(namespace: &str) -> Value {
    json!({ "namespace": namespace, "verb": "get", "resource": "pods", "name": null })
}

#[test]
fn one_may_ask_for_oneself() {
    let ask = |spec: Value| ask(AUTHORIZATION, "selfsubjectaccessreviews", "", &json!({ "spec": spec })).unwrap();
    let answer = ask(json!({ "resourceAttributes": pods("one"), "user": "bob" }));
    assert_eq!(answer["status"], json!({ "allowed": true, "reason": "RBAC: because" }));
    assert_eq!(
        (&answer["kind"], &answer["apiVersion"]),
        (&json!("SelfSubjectAccessReview"), &json!("authorization.k8s.io/v1"))
    );
    assert_eq!(ask(json!({ "resourceAttributes": pods("two") }))["status"], json!({ "allowed": false }));
    let path = json!({ "nonResourceAttributes": { "path": "/healthz", "verb": "get" }, "resourceAttributes": null });
    assert_eq!(ask(path)["status"], json!({ "allowed": true }));
}

#[test]
fn one_may_ask_for_others_who_must_be_named() {
    let ask = |spec: Value| ask(AUTHORIZATION, "subjectaccessreviews", "", &json!({ "spec": spec }));
    let answer = ask(json!({ "resourceAttributes": pods("one"), "user": "bob" })).unwrap();
    assert_eq!(answer["status"]["allowed"], false);
    let answer =
        ask(json!({ "resourceAttributes": pods("one"), "user": "ann", "groups": ["x"], "extra": { "k": ["v"] } }));
    assert_eq!(answer.unwrap()["status"]["allowed"], true);
    let error = ask(json!({ "resourceAttributes": pods("one") })).unwrap_err();
    assert_eq!(error.code, 422);
    assert!(error.message.contains("at least one of user or group must be specified"), "{error}");
}

#[test]
fn a_local_question_stays_in_its_namespace() {
    let ask = |attributes: Value| {
        let object = json!({ "spec": { "resourceAttributes": attributes, "user": "ann" } });
        ask(AUTHORIZATION, "localsubjectaccessreviews", "one", &object)
    };
    assert_eq!(ask(pods("one")).unwrap()["status"]["allowed"], true);
    assert_eq!(ask(pods("two")).unwrap_err().code, 422);
    assert_eq!(ask(pods("")).unwrap_err().code, 422);
}

#[test]
fn a_question_must_be_one_question_of_the_right_shape() {
    for (spec, code) in [
        (json!({}), 422),
        (Value::Null, 422),
        (json!({ "resourceAttributes": pods("one"), "nonResourceAttributes": { "path": "/", "verb": "get" } }), 422),
        (json!({ "resourceAttributes": "pods" }), 400),
        (json!({ "resourceAttributes": { "verb": 7 } }), 400),
        (json!("x"), 400),
    ] {
        let object = json!({ "spec": spec });
        assert_eq!(ask(AUTHORIZATION, "selfsubjectaccessreviews", "", &object).unwrap_err().code, code, "{spec}");
    }
}

#[test]
fn the_rules_are_listed_apart_for_resources_and_paths() {
    let ask = |namespace: &str| {
        ask(AUTHORIZATION, "selfsubjectrulesreviews", "", &json!({ "spec": { "namespace": namespace } }))
    };
    let status = ask("one").unwrap()["status"].clone();
    assert_eq!(
        status,
        json!({
            "resourceRules": [{ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"] }],
            "nonResourceRules": [{ "verbs": ["get"], "nonResourceURLs": ["/healthz"] }],
            "incomplete": false,
        })
    );
    assert_eq!(ask("odd").unwrap()["status"]["evaluationError"], "a role is missing");
    let error = ask("").unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (400, "no namespace on request"));
}

#[test]
fn one_sees_who_one_is() {
    let answer = ask(AUTHENTICATION, "selfsubjectreviews", "", &json!({ "spec": { "user": "root" } })).unwrap();
    let info = json!({ "username": "ann", "uid": "7", "groups": ["dev"], "extra": { "a": ["b"] } });
    assert_eq!(answer["status"]["userInfo"], info);
    assert!(answer.get("spec").is_none());
}

#[test]
fn a_token_is_reviewed_without_becoming_an_error() {
    let ask = |spec: Value| ask(AUTHENTICATION, "tokenreviews", "", &json!({ "spec": spec }));
    let good = ask(json!({ "token": "good", "audiences": ["x"] })).unwrap();
    assert_eq!((&good["status"]["authenticated"], &good["status"]["audiences"]), (&json!(true), &json!(["x"])));
    let bad = ask(json!({ "token": "bad" })).unwrap();
    assert_eq!(bad["status"], json!({ "user": {}, "error": "the token has expired" }));
    assert_eq!(ask(json!({})).unwrap_err().code, 400);
}

#[test]
fn other_kinds_are_no_questions() {
    for (group, plural) in [("", "pods"), (AUTHORIZATION, "tokenreviews"), (AUTHENTICATION, "subjectaccessreviews")] {
        assert_eq!(ask(group, plural, "", &json!({})).unwrap_err().code, 404);
    }
}
