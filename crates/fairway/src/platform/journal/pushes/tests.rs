use fairway_git::{Commit, Push, RepositoryId, Update};
use serde_json::json;

use super::event;
use crate::platform::hub::{Outcome, PushNote};

#[test]
fn a_push_says_who_moved_which_refs_from_where_to_where() {
    let commit = Commit::parse("56b56867cef0935dbc934bd6003dd2600725eb32").expect("a commit");
    let push = Push {
        repository: RepositoryId::parse("shop", "orders").expect("names"),
        pushed_by: "local:1000".to_owned(),
        cause: "0123456789abcdef0123456789abcdef".to_owned(),
        updates: vec![Update { reference: "refs/heads/main".to_owned(), from: None, to: Some(commit) }],
    };
    let at = "2026-01-02T03:04:05Z".parse().expect("a time");
    let told = event(&PushNote { push: push.clone(), at, outcome: Outcome::Taken });
    assert_eq!(
        (told.id.as_str(), told.actor.as_str(), told.verb.as_str()),
        (push.cause.as_str(), "local:1000", "push")
    );
    assert_eq!(told.subject.as_deref(), Some("shop/repositories/orders"));
    let object = told.object.expect("an object");
    assert_eq!(
        (object.kind.as_str(), object.namespace.as_str(), object.name.as_str()),
        ("Component", "shop", "orders")
    );
    let moved = json!([{ "ref": "refs/heads/main", "from": null, "to": "56b56867cef0935dbc934bd6003dd2600725eb32" }]);
    assert_eq!(told.data, json!({ "updates": moved }));
    let later = event(&PushNote { push: push.clone(), at, outcome: Outcome::FoundLater });
    assert_eq!(later.data["foundLater"], true);
    let outcome = Outcome::Refused { code: 403, why: format!("it is too large{}", "ö".repeat(1000)) };
    let refused = event(&PushNote { push, at, outcome });
    assert_eq!((refused.kind.as_str(), &refused.data["code"]), ("dev.fairway.request.refused", &json!(403)));
    let message = refused.data["message"].as_str().expect("a reason");
    assert!(message.starts_with("it is too large") && message.len() <= 1000, "{message}");
    assert_eq!(refused.data["updates"][0]["ref"], "refs/heads/main");
}
