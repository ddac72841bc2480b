use fairway_api::v1alpha1::ComponentSpec;
use fairway_git::Commit;

use super::*;

fn found(refs: &[(&str, char)]) -> BTreeMap<String, Ref> {
    let commit = |digit: char| Commit::parse(&digit.to_string().repeat(40)).unwrap();
    let one = |digit| Ref {
        commit: commit(digit),
        pushed_by: Some("local:1".to_owned()),
        groups: Vec::new(),
        cause: Some("c".to_owned()),
    };
    refs.iter().map(|(name, digit)| ((*name).to_owned(), one(*digit))).collect()
}

fn before(refs: &[(&str, char)]) -> BTreeMap<String, String> {
    refs.iter().map(|(name, digit)| ((*name).to_owned(), digit.to_string().repeat(40))).collect()
}

fn component() -> Component {
    let mut component = Component::new("orders", ComponentSpec::default());
    component.metadata.namespace = Some("shop".to_owned());
    component.metadata.uid = Some("u".to_owned());
    component
}

#[test]
fn what_is_new_becomes_a_run_and_what_was_seen_or_is_gone_does_not() {
    let now = found(&[
        ("refs/heads/main", 'b'),
        ("refs/heads/same", 'a'),
        ("refs/heads/new", 'c'),
        ("refs/tags/v1.0.0", 'd'),
    ]);
    let runs = new(&component(), &before(&[("main", 'a'), ("same", 'a'), ("gone", 'a')]), &now);
    let refs: Vec<&str> = runs.iter().map(|it| it.spec.r#ref.as_str()).collect();
    assert_eq!(refs, ["refs/heads/main", "refs/heads/new"]);
    assert_eq!(commits(&now).keys().collect::<Vec<_>>(), ["main", "new", "same"]);
    let run = &runs[0];
    assert_eq!(run.spec.pushed_by.as_deref(), Some("local:1"));
    assert_eq!(run.annotations()[ANNOTATION_CAUSE], "c");
    assert_eq!(run.owner_references()[0].name, "orders");
}

#[test]
fn the_same_look_gives_the_same_names_and_going_back_to_a_commit_is_another_run() {
    let now = found(&[("refs/heads/work", 'b')]);
    let name = |last: &[(&str, char)]| new(&component(), &before(last), &now)[0].name_any();
    assert_eq!(name(&[]), name(&[]));
    assert_ne!(name(&[]), name(&[("work", 'a')]));
    assert_ne!(name(&[("work", 'a')]), name(&[("work", 'c')]));
}
