//! What is to be done with what a Resource holds: a dump, or the way back to one.
//!
//! A task is noted with the names of what it makes before anything is done, so a pass that is cut short does the same
//! again and finds the job that it made. A task that has begun ends before another one begins.

use fairway_api::names::{ANNOTATION_CAUSE, LABEL_RESOURCE};
use fairway_api::v1alpha1::{Resource, ResourceTask, TaskAction, TaskState, TaskStatus};
use fairway_plan::digest_of;
use fairway_plan::health::Health;
use fairway_plan::resource::{self, Sort, backup_name, may_be_backup};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde_json::Value;

use super::apply::inventory;
use super::plan::Course;
use super::validate::{Valid, refused};
use crate::last_words::{last_words, newest};
use crate::target::TargetBundle;
use crate::{Context, Error};

/// The inventory of a Resource's tasks.
pub(super) fn tasks(name: &str) -> String {
    format!("{}.task", inventory(name))
}

/// Takes the task that is wanted one step further; gives how far the last one is.
pub(super) async fn task(
    it: &Resource,
    valid: &Valid,
    course: &Course,
    image: &str,
    serial: u64,
    ctx: &Context,
) -> Result<Option<TaskStatus>, Error> {
    let now = ctx.kit.world.clock.now();
    let before = it.status.as_ref().and_then(|it| it.task.clone());
    let begun = match (before, &it.spec.task) {
        (Some(running), _) if running.state == TaskState::Running => running,
        (before, Some(wish)) if before.as_ref().is_none_or(|it| it.id != wish.id) => {
            return Ok(Some(begin(&it.name_any(), wish, valid, after(before.as_ref(), now))));
        }
        (before, _) => return Ok(before),
    };
    if let Course::Provisioning(why) | Course::Unavailable(why) = course {
        return Ok(Some(TaskStatus { message: format!("it waits: {why}"), ..begun }));
    }
    let facts = valid.facts(image, serial);
    let rendered = match begun.action {
        TaskAction::Backup => resource::dump(&valid.class, &facts, &begun.backup),
        TaskAction::Restore => {
            resource::restore(&valid.class, &facts, begun.from.as_deref().unwrap_or_default(), &begun.backup)
        }
    };
    let objects = match rendered {
        Ok(objects) => objects,
        Err(findings) => {
            let why = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return Ok(Some(ended(begun, TaskState::Failed, why, now)));
        }
    };
    let (health, said) = match work(it, &tasks(&it.name_any()), &objects, ctx).await? {
        Ok(seen) => seen,
        Err(refusal) => return Ok(Some(ended(begun, TaskState::Failed, refusal, now))),
    };
    Ok(Some(match health {
        Health::Progressing(how) => TaskStatus { message: how, ..begun },
        Health::Healthy => ended(begun, TaskState::Succeeded, String::new(), now),
        Health::Failed(why) => ended(begun, TaskState::Failed, said.unwrap_or(why), now),
    }))
}

/// When a task begins: not in the second of the one before, after which its dump is named.
fn after(before: Option<&TaskStatus>, now: Timestamp) -> Timestamp {
    let next = before.and_then(|it| it.since.0.checked_add(SignedDuration::from_secs(1)).ok());
    next.map_or(now, |next| next.max(now))
}

/// Notes a task, or why it cannot be begun.
fn begin(name: &str, wish: &ResourceTask, valid: &Valid, now: Timestamp) -> TaskStatus {
    let class = &valid.class.r#type;
    let (sort, problem) = match wish.action {
        TaskAction::Backup if valid.class.dump.is_none() => (Sort::Asked, Some(format!("{class} makes no dumps"))),
        TaskAction::Backup => (Sort::Asked, None),
        TaskAction::Restore if valid.class.restore.is_none() => {
            (Sort::Before, Some(format!("{class} restores no dumps")))
        }
        TaskAction::Restore => {
            let named = wish.from.as_deref().is_some_and(may_be_backup);
            (Sort::Before, (!named).then(|| "it does not say which dump, by the name of a file".to_owned()))
        }
    };
    let task = TaskStatus {
        id: wish.id.clone(),
        action: wish.action,
        from: wish.from.clone().filter(|_| wish.action == TaskAction::Restore),
        backup: backup_name(name, sort, now),
        state: TaskState::Running,
        message: "it begins".to_owned(),
        since: Time(now),
        until: None,
    };
    match problem {
        Some(why) => ended(task, TaskState::Failed, why, now),
        None => task,
    }
}

fn ended(task: TaskStatus, state: TaskState, message: String, now: Timestamp) -> TaskStatus {
    TaskStatus { state, message, until: Some(Time(now)), ..task }
}

/// What there is of some work: how far it is, and its last words. Or why the cluster does not take it.
pub(super) type Seen = Result<(Health, Option<String>), String>;

/// Has the objects of some work made, under this inventory, and looks how far it is.
pub(super) async fn work(it: &Resource, inventory: &str, objects: &[Value], ctx: &Context) -> Result<Seen, Error> {
    let (namespace, name) = (it.namespace().unwrap_or_default(), it.name_any());
    let digest = digest_of(objects).to_string();
    let cause = it.annotations().get(ANNOTATION_CAUSE).map(String::as_str);
    let bundle = TargetBundle { namespace: &namespace, name: inventory, objects, digest: &digest, cause };
    if let Err(error) = ctx.target.apply(&bundle).await {
        let refused = refused(error).map_err(|source| Error::Target { what: "make the job of a dump", source })?;
        return Ok(Err(refused.message));
    }
    let view = ctx.target.look(&bundle, (LABEL_RESOURCE, &name)).await;
    let view = view.map_err(|source| Error::Target { what: "look at the job of a dump", source })?;
    let seen: Vec<_> = objects.iter().zip(view.objects).collect();
    let unhealthy = |pod: &Pod| view.unhealthy.get(&pod.uid().unwrap_or_default()).cloned();
    let judged = resource::judge(&seen, &view.pods, &unhealthy).prepared;
    if !matches!(judged, Health::Progressing(_)) {
        // Those of work before.
        let pruned = ctx.target.prune(&bundle).await;
        pruned.map_err(|source| Error::Target { what: "prune jobs of dumps before", source })?;
    }
    Ok(Ok((judged, said(objects, &view.pods))))
}

/// What the newest pod of one of these said last, if it failed.
fn said(objects: &[Value], pods: &[Pod]) -> Option<String> {
    newest(pods, |name| objects.iter().any(|it| it["metadata"]["name"] == name)).and_then(last_words)
}

#[cfg(test)]
pub(super) mod tests;
