use k8s_openapi::api::apps::v1::StatefulSetStatus;

use super::*;
use crate::statefulset::plan::tests::{pod, set};

fn known(set: &StatefulSet, number: i64) -> ControllerRevision {
    let made = choose(set, &[], &[]);
    let Some(Write::Create(mut it)) = made.write else { panic!("nothing to make: {made:?}") };
    it.revision = number;
    *it
}

#[test]
fn the_first_template_is_made_and_is_both() {
    let set = set(json!({}));
    let it = choose(&set, &[], &[]);
    assert_eq!(it.current, it.update);
    let Some(Write::Create(made)) = it.write else { panic!("{:?}", it.write) };
    assert_eq!((made.revision, made.name_any()), (1, it.update.name.clone()));
    assert_eq!(made.name_any(), format!("db-{}", made.labels()[HASH]));
    assert_eq!(made.labels()["app"], "db");
    assert_eq!(made.data.unwrap().0["spec"]["template"]["$patch"], "replace");
}

#[test]
fn a_template_that_is_known_is_found_and_one_that_comes_back_is_the_newest_again() {
    let first = set(json!({}));
    let second = set(json!({ "image": "a:2" }));
    let (one, two) = (known(&first, 1), known(&second, 2));
    let both = [two.clone(), one.clone()];
    assert_eq!(choose(&second, &both, &[]).write, None);
    let back = choose(&first, &both, &[]);
    assert_eq!(back.write, Some(Write::Renumber { name: one.name_any(), number: 3 }));
    assert_eq!(back.update.template, first.spec.unwrap().template);
}

#[test]
fn the_current_one_is_what_the_status_says_and_its_template_is_read_back() {
    let first = set(json!({}));
    let one = known(&first, 1);
    let mut second = set(json!({ "image": "a:2" }));
    second.status = Some(StatefulSetStatus { current_revision: Some(one.name_any()), ..StatefulSetStatus::default() });
    let it = choose(&second, std::slice::from_ref(&one), &[]);
    assert_eq!(it.current, Revision { name: one.name_any(), template: first.spec.unwrap().template });
    assert_ne!(it.update.name, it.current.name);
    // The status of a set that lost its history means nothing.
    assert_eq!(choose(&second, &[], &[]).current.name, it.update.name);
}

#[test]
fn a_collision_that_was_counted_changes_the_name() {
    let mut set = set(json!({}));
    let before = choose(&set, &[], &[]).update.name;
    set.status = Some(StatefulSetStatus { collision_count: Some(1), ..StatefulSetStatus::default() });
    assert_ne!(choose(&set, &[], &[]).update.name, before);
}

#[test]
fn old_ones_go_beyond_the_limit_but_for_those_that_pods_were_made_from() {
    let newest = set(json!({ "revisionHistoryLimit": 1, "image": "a:9" }));
    let mut all = vec![known(&newest, 9)];
    for number in 1..5 {
        all.push(known(&set(json!({ "image": format!("a:{number}") })), number));
    }
    let used = pod(0, json!({ "revision": all[1].name_any() }));
    let it = choose(&newest, &all, &[&used]);
    assert_eq!(it.surplus, [all[2].name_any(), all[3].name_any()]);
}
