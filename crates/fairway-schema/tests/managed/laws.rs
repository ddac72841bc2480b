//! The algebra of sets of fields, and their written form.

use fairway_schema::managed::{DecodeFields, FieldSet, Path, PathElement};
use proptest::prelude::*;
use serde_json::{Value, json};

fn element() -> impl Strategy<Value = PathElement> {
    let value = prop_oneof![Just(json!("x")), Just(json!(1)), Just(json!(true))];
    prop_oneof![
        prop_oneof![Just("a"), Just("b"), Just("c:d/e")].prop_map(PathElement::field),
        value.clone().prop_map(|it| PathElement::value(&it)),
        value.prop_map(|it| PathElement::key(json!({"name": it, "z": 1}).as_object().unwrap().clone())),
        (0i64..3).prop_map(PathElement::Index),
    ]
}

fn set() -> impl Strategy<Value = FieldSet> {
    let path = prop::collection::vec(element(), 1..4).prop_map(Path);
    prop::collection::vec(path, 0..8).prop_map(FieldSet::of)
}

proptest! {
    #[test]
    fn sets_obey_the_laws_of_sets(a in set(), b in set(), c in set()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(a.intersection(&b.union(&c)), a.intersection(&b).union(&a.intersection(&c)));
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
        prop_assert!(a.difference(&b).intersection(&b).is_empty());
        prop_assert_eq!(a.difference(&b.union(&c)), a.difference(&b).difference(&c));
        prop_assert_eq!(a.outside(&b).difference(&b), a.outside(&b));
    }

    #[test]
    fn a_set_is_its_paths(a in set(), b in set()) {
        prop_assert_eq!(FieldSet::of(a.paths()), a.clone());
        for path in a.paths() {
            prop_assert!(a.contains(&path.0));
            prop_assert_eq!(a.difference(&b).contains(&path.0), !b.contains(&path.0));
        }
    }

    #[test]
    fn what_is_written_is_read_back(a in set()) {
        prop_assert_eq!(FieldSet::from_fields_v1(&a.to_fields_v1()), Ok(a));
    }
}

#[test]
fn sets_are_read_as_kubernetes_writes_them() {
    let written =
        json!({"f:a": {".": {}, "f:b": {}}, "f:l": {"k:{\"p\":\"TCP\",\"n\":80}": {}, "v:1.0": {}, "i:3": {}}});
    let set = FieldSet::from_fields_v1(&written).unwrap();
    let shown: Vec<_> = set.paths().iter().map(ToString::to_string).collect();
    assert_eq!(shown, [".a", ".a.b", r#".l[n=80,p="TCP"]"#, ".l[=1]", ".l[3]"]);
    assert_eq!(set.to_fields_v1()["f:l"], json!({"k:{\"n\":80,\"p\":\"TCP\"}": {}, "v:1": {}, "i:3": {}}));
}

#[test]
fn what_is_no_set_is_refused() {
    let cases: [(Value, DecodeFields); 5] = [
        (json!([]), DecodeFields::NotAnObject),
        (json!({"f:a": 1}), DecodeFields::NotAnObject),
        (json!({"k:[1]": {}}), DecodeFields::BadKey("[1]".to_owned())),
        (json!({"v:{": {}}), DecodeFields::BadValue("{".to_owned())),
        (json!({"i:x": {}}), DecodeFields::BadIndex("x".to_owned())),
    ];
    for (written, expected) in cases {
        assert_eq!(FieldSet::from_fields_v1(&written), Err(expected));
    }
    assert_eq!(FieldSet::from_fields_v1(&json!({"q:new": {}, "odd": {}})), Ok(FieldSet::new()));
}
