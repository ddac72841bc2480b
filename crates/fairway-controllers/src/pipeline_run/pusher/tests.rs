use fairway_api::v1alpha1::{ComponentRepository, ComponentSpec, ComponentStatus, PipelineRunSpec};
use fairway_git::Commit;

use super::*;

fn run(trigger: PipelineTrigger) -> PipelineRun {
    let spec = PipelineRunSpec {
        r#ref: "refs/heads/main".to_owned(),
        commit: "a".repeat(40),
        // What somebody wrote here who may make runs.
        pushed_by: Some("local:0".to_owned()),
        trigger,
        ..PipelineRunSpec::default()
    };
    PipelineRun::new("orders-1", spec)
}

fn refs(digit: char, pushed_by: Option<&str>) -> BTreeMap<String, Ref> {
    let commit = Commit::parse(&digit.to_string().repeat(40)).unwrap();
    let at = Ref { commit, pushed_by: pushed_by.map(str::to_owned), groups: vec!["makers".to_owned()], cause: None };
    [("refs/heads/main".to_owned(), at)].into()
}

fn made(digit: char) -> Component {
    let mut component = Component::new("orders", ComponentSpec::default());
    let repository = ComponentRepository { created: digit.to_string().repeat(40), ..ComponentRepository::default() };
    component.status = Some(ComponentStatus { repository: Some(repository), ..ComponentStatus::default() });
    component
}

#[test]
fn whoever_put_the_commit_on_the_branch_answers_whatever_the_run_says_of_itself() {
    let somebody = |user: &str| Pusher::Somebody { user: user.to_owned(), groups: vec!["makers".to_owned()] };
    for trigger in [PipelineTrigger::Push, PipelineTrigger::Manual, PipelineTrigger::Rerun] {
        assert_eq!(pusher(&run(trigger), None, &refs('a', Some("local:7"))), somebody("local:7"));
    }
    let push = run(PipelineTrigger::Push);
    assert_eq!(pusher(&push, Some(&made('a')), &refs('a', Some(MAKER))), Pusher::Platform);
    assert_eq!(pusher(&push, Some(&made('b')), &refs('a', Some(MAKER))), somebody(MAKER), "not the first commit");
}

#[test]
fn where_nobody_answers_it_is_said_why() {
    let why = |trigger, refs: &BTreeMap<String, Ref>| match pusher(&run(trigger), None, refs) {
        Pusher::Nobody(why) => why,
        other => format!("{other:?}"),
    };
    assert_eq!(why(PipelineTrigger::Push, &BTreeMap::new()), "branch main is gone, so nobody answers for it");
    assert_eq!(why(PipelineTrigger::Push, &refs('a', None)), "nobody knows who pushed aaaaaaaaaa to main");
    let later = refs('b', Some("local:7"));
    assert_eq!(why(PipelineTrigger::Push, &later), "Overtaken");
    let said = "main is at bbbbbbbbbb by now, and only what a branch is at is delivered";
    assert_eq!(why(PipelineTrigger::Rerun, &later), said);
}
