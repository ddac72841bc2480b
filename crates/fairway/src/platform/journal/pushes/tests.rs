use fairway_git::{Commit, Push, RepositoryId, Update};
use serde_json::json;

use super::event;
use crate::platform::hub::PushNote;

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
    let told = event(&PushNote { push: push.clone(), at, found_later: false });
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
    assert_eq!(event(&PushNote { push, at, found_later: true }).data["foundLater"], true);
}
