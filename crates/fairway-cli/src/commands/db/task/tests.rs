use fairway_api::v1alpha1::{ResourceSpec, ResourceStatus, ResourceTask};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;

fn resource(wished: Option<&str>, begun: Option<(&str, TaskState)>) -> Resource {
    let task = wished.map(|id| ResourceTask { id: id.to_owned(), ..ResourceTask::default() });
    let mut it = Resource::new("my-api-db", ResourceSpec { task, ..ResourceSpec::default() });
    let task = begun.map(|(id, state)| TaskStatus {
        id: id.to_owned(),
        action: TaskAction::Restore,
        from: Some("a.dump".to_owned()),
        backup: "b.dump".to_owned(),
        state,
        message: "a.dump is no dump of PostgreSQL; nothing was changed".to_owned(),
        since: Time(Timestamp::UNIX_EPOCH),
        until: Some(Time("1970-01-01T00:00:02.5Z".parse().unwrap())),
    });
    it.status = Some(ResourceStatus { connection: Some("one".to_owned()), task, ..ResourceStatus::default() });
    it
}

#[test]
fn a_task_is_wished_for_when_the_one_before_has_ended() {
    for (wished, begun, free) in [
        (None, None, true),
        (Some("1"), None, false),
        (Some("1"), Some(("0", TaskState::Succeeded)), false),
        (Some("1"), Some(("1", TaskState::Running)), false),
        (Some("1"), Some(("1", TaskState::Succeeded)), true),
        (Some("1"), Some(("1", TaskState::Failed)), true),
    ] {
        let refused = refusal(&resource(wished, begun), "staging");
        assert_eq!(refused.is_none(), free, "{wished:?} {begun:?}");
        assert!(refused.is_none_or(|it| it.what.contains("is under way")));
    }
    let never = Resource::new("my-api-db", ResourceSpec::default());
    assert!(refusal(&never, "staging").unwrap().what.contains("was never ready"));
    let mut leaving = resource(None, None);
    leaving.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
    assert!(refusal(&leaving, "staging").unwrap().what.contains("is being removed"));
}

#[test]
fn only_the_end_of_its_own_task_ends_the_waiting() {
    let judged = |state| judge(&resource(Some("1"), Some(("1", state))), "1");
    assert!(matches!(judged(TaskState::Running), Verdict::Wait(_)));
    assert!(matches!(judged(TaskState::Succeeded), Verdict::Done(_)));
    let Verdict::Never(failure) = judged(TaskState::Failed) else { panic!("it failed") };
    assert_eq!(failure.what, "the restore failed: a.dump is no dump of PostgreSQL; nothing was changed");
    assert!(matches!(judge(&resource(Some("2"), Some(("1", TaskState::Succeeded))), "2"), Verdict::Wait(_)));
}

#[test]
fn a_task_took_as_long_as_lies_between_its_times() {
    let task = resource(None, Some(("1", TaskState::Succeeded))).status.unwrap().task.unwrap();
    assert_eq!(took(&task), Some(2.5));
    assert_eq!(took(&TaskStatus { until: None, ..task }), None);
}
