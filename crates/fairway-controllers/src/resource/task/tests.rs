use fairway_api::names::{EnvironmentName, ProjectName, ResourceName};
use serde_json::json;

use super::*;
use crate::last_words::tests::pod;

/// A valid Resource of one of the classes that come with the platform.
pub(in crate::resource) fn valid(class: usize) -> Valid {
    let class = resource::builtin().remove(class).spec;
    Valid {
        name: ResourceName::parse("api-db").unwrap(),
        namespace: "shop--staging".to_owned(),
        project: ProjectName::parse("shop").unwrap(),
        environment: EnvironmentName::parse("staging").unwrap(),
        component: None,
        version: class.versions[0].clone(),
        plan: class.plans[0].clone(),
        class,
    }
}

fn wish(action: TaskAction, from: Option<&str>) -> ResourceTask {
    ResourceTask { id: "one".to_owned(), action, from: from.map(str::to_owned) }
}

#[test]
fn a_task_is_noted_with_the_name_of_the_dump_it_makes() {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let backup = begin("api-db", &wish(TaskAction::Backup, Some("x.dump")), &valid(0), now);
    assert_eq!((backup.state, backup.from, backup.until), (TaskState::Running, None, None));
    assert_eq!(backup.backup, "api-db-20261121T100000Z-asked.dump");
    let restore = begin("api-db", &wish(TaskAction::Restore, Some("x.dump")), &valid(0), now);
    assert_eq!((restore.state, restore.from.as_deref()), (TaskState::Running, Some("x.dump")));
    assert_eq!(restore.backup, "api-db-20261121T100000Z-before.dump");
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is() {
    for (class, action, from, why) in [
        (1, TaskAction::Backup, None, "redis makes no dumps"),
        (1, TaskAction::Restore, Some("x.dump"), "redis restores no dumps"),
        (0, TaskAction::Restore, None, "does not say which dump"),
        (0, TaskAction::Restore, Some("../x.dump"), "does not say which dump"),
        (0, TaskAction::Restore, Some("a/b"), "does not say which dump"),
        (0, TaskAction::Restore, Some("\"; rm -rf /"), "does not say which dump"),
    ] {
        let task = begin("api-db", &wish(action, from), &valid(class), Timestamp::UNIX_EPOCH);
        assert_eq!(task.state, TaskState::Failed, "{from:?}");
        assert!(task.message.contains(why), "{from:?}: {}", task.message);
        assert!(task.until.is_some());
    }
}

#[test]
fn the_last_line_of_the_newest_pod_of_its_own_job_is_why_it_failed() {
    let pod = |job: &str, made: &str, said: &str| pod(made, job, made, said);
    let pods = [
        pod("db-restore-1", "2026-01-01T00:00:01Z", "before"),
        pod("db-restore-1", "2026-01-01T00:00:02Z", "reading\nx.dump is \u{1b}[31mno dump; nothing was changed\n\n"),
        pod("db-restore-0", "2026-01-01T00:00:03Z", "of another one"),
    ];
    let objects = [json!({ "kind": "Job", "metadata": { "name": "db-restore-1" } })];
    assert_eq!(said(&objects, &pods).as_deref(), Some("x.dump is [31mno dump; nothing was changed"));
    assert_eq!(said(&objects, &pods[2..]), None);
}

#[test]
fn a_task_never_begins_in_the_second_of_the_one_before() {
    let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
    let before = TaskStatus {
        id: "one".to_owned(),
        action: TaskAction::Backup,
        from: None,
        backup: String::new(),
        state: TaskState::Succeeded,
        message: String::new(),
        since: Time(at(10)),
        until: None,
    };
    for (before, now, wanted) in [(None, 10, 10), (Some(&before), 10, 11), (Some(&before), 12, 12)] {
        assert_eq!(after(before, at(now)), at(wanted));
    }
}
