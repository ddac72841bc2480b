//! Random histories of one object: what must hold after any of them.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rules::Story;

fn body() -> impl Strategy<Value = Value> {
    let text = prop_oneof![Just("x"), Just("y")];
    let name = prop_oneof![Just("a"), Just("b"), Just("c")];
    let port = (1u16..4, prop::option::of(text.clone()), prop::option::of(text.clone())).prop_map(|(port, name, x)| {
        let mut item = json!({"port": port});
        if let Some(name) = name {
            item["name"] = json!(name);
        }
        if let Some(x) = x {
            item["target"] = json!({"x": x});
        }
        item
    });
    let fields = (
        prop::option::of(0..3),
        prop::option::of(prop::collection::btree_map(name.clone(), text.clone(), 0..3)),
        prop::option::of(prop::collection::vec(port, 0..3)),
        prop::option::of(prop::collection::btree_set(name, 0..3)),
        prop::option::of(prop::collection::vec(text, 0..2)),
    );
    fields.prop_map(|(replicas, data, ports, tags, command)| {
        let mut body = json!({});
        let mut set = |name: &str, value: Option<Value>| value.map(|value| body[name] = value);
        set("replicas", replicas.map(|it| json!(it)));
        set("data", data.map(|it| json!(it)));
        set(
            "ports",
            ports.map(|mut it| {
                it.sort_by_key(|item| item["port"].as_u64());
                it.dedup_by_key(|item| item["port"].clone());
                json!(it)
            }),
        );
        set("tags", tags.map(|it| json!(it)));
        set("command", command.map(|it| json!(it)));
        body
    })
}

fn history() -> impl Strategy<Value = Vec<(bool, &'static str, Value)>> {
    let manager = prop_oneof![Just("m"), Just("n"), Just("o")];
    prop::collection::vec((any::<bool>(), manager, body()), 1..8)
}

fn after(history: Vec<(bool, &'static str, Value)>) -> Story {
    history.into_iter().fold(Story::new(), |story, (applies, manager, body)| {
        if applies { story.force(manager, body) } else { story.update(manager, body) }
    })
}

/// Whether every leaf of `part` stands in `whole` with the same value.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(name, part)| match whole.get(name) {
            Some(whole) => holds(whole, part),
            None => false,
        }),
        (Value::Array(whole), Value::Array(part)) => part.iter().all(|part| whole.iter().any(|it| holds(it, part))),
        _ => whole == part,
    }
}

proptest! {
    #[test]
    fn an_object_holds_what_was_applied_last(history in history(), last in body()) {
        let story = after(history).force("m", last.clone());
        prop_assert!(holds(&story.body(), &last), "{} lacks {last}", story.body());
    }

    #[test]
    fn applying_twice_is_applying_once(history in history(), mut last in body()) {
        // An object that nobody owns anything of gets its first owner anew each time.
        last["on"] = json!(true);
        let once = after(history).force("m", last.clone());
        let before = once.object.clone();
        let twice = once.apply("m", last);
        prop_assert_eq!(twice.object, before);
    }

    #[test]
    fn an_update_gives_exactly_what_was_sent(history in history(), last in body()) {
        let story = after(history).update("u", last.clone());
        prop_assert_eq!(story.body(), last);
    }

    #[test]
    fn a_field_that_nobody_else_owns_goes_with_its_owner(history in history(), last in body()) {
        let story = after(history);
        let before = story.body();
        let story = story.force("z", json!({"data": {"only": "mine"}, "nested": {"a": "mine"}}));
        let story = story.force("z", json!({}));
        let mut left = story.body();
        // A container that was empty before may be gone with what was put into it.
        if before.get("data") == Some(&json!({})) && left.get("data").is_none() {
            left["data"] = json!({});
        }
        prop_assert_eq!(left, before);
        let _ = last;
    }

    #[test]
    fn appliers_do_not_remove_what_others_applied(history in history(), mine in body(), mut theirs in body()) {
        // Nobody owns an empty list.
        theirs.as_object_mut().unwrap().retain(|_, value| *value != json!([]));
        let story = after(history).force("m", mine).force("z", theirs.clone()).force("m", json!({}));
        prop_assert!(holds(&story.body(), &theirs), "{} lacks {theirs}", story.body());
    }

    #[test]
    fn no_entry_is_empty_and_appliers_come_first(history in history()) {
        let owners = after(history).owners();
        let empty = json!({});
        prop_assert!(owners.iter().all(|(_, fields)| *fields != empty));
        let operations: Vec<_> = owners.iter().map(|(who, _)| who.contains(" Update ")).collect();
        prop_assert!(operations.is_sorted());
    }
}
