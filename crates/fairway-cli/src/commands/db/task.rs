//! A task of a database: the wish for it, and waiting until it was carried out.

use fairway_api::names::ANNOTATION_CAUSE;
use fairway_api::v1alpha1::{Resource, ResourceBackup, TaskAction, TaskState, TaskStatus};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::choose::Database;
use crate::commands::Wait;
use crate::failure::Failure;
use crate::releases::MANAGER;
use crate::session::Session;
use crate::waiting::{Verdict, until};

/// How often a wish is written anew because something else was written meanwhile.
const TRIES: usize = 10;

/// What became of a task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    /// The task; none where nobody waited for it.
    pub(super) task: Option<TaskStatus>,
    /// The dumps that are kept now.
    pub(super) backups: Vec<ResourceBackup>,
    /// The id of the event.
    pub(super) cause: String,
}

/// Has a task done: none is wished for while another one is under way.
pub(super) async fn carry_out(
    session: &Session,
    database: &Database,
    action: TaskAction,
    from: Option<&str>,
    wait: &Wait,
) -> Result<Done, Failure> {
    let cause = session.new_cause();
    wish(session, database, action, from, &cause).await?;
    if wait.no_wait {
        return Ok(Done { task: None, backups: Vec::new(), cause });
    }
    let name = database.name();
    let judge = |it: Option<&Resource>| match it {
        None => Verdict::Never(Failure::not_found(format!("{name} was removed meanwhile"))),
        Some(it) => judge(it, &cause),
    };
    let (task, backups) = until(session, database.api(session), &name, wait.timeout, judge).await?;
    Ok(Done { task: Some(task), backups, cause })
}

async fn wish(
    session: &Session,
    database: &Database,
    action: TaskAction,
    from: Option<&str>,
    cause: &str,
) -> Result<(), Failure> {
    let (api, name) = (database.api(session), database.name());
    let verb = word(action);
    let parameters = PatchParams { field_manager: Some(format!("{MANAGER}-{verb}")), ..PatchParams::default() };
    let mut now = database.object.clone();
    for _ in 0..TRIES {
        if let Some(refusal) = refusal(&now, &database.environment()) {
            return Err(refusal);
        }
        // Whoever writes a second wish at the same time has not seen the first one.
        let patch = json!({
            "metadata": { "resourceVersion": now.metadata.resource_version, "annotations": { ANNOTATION_CAUSE: cause } },
            "spec": { "task": { "id": cause, "action": action, "from": from } },
        });
        match api.patch(&name, &parameters, &Patch::Merge(&patch)).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                now = api.get(&name).await.map_err(Failure::api(format!("read resource {name}")))?;
            }
            Err(error) => return Err(Failure::api(format!("ask for a {verb} of {name}"))(error)),
        }
    }
    Err(Failure::failed(format!("{name} changes too fast to be asked for a {verb}")).hint("try again"))
}

/// What a task is called.
fn word(action: TaskAction) -> &'static str {
    match action {
        TaskAction::Backup => "backup",
        TaskAction::Restore => "restore",
    }
}

/// Why nothing may be asked of it now.
fn refusal(it: &Resource, environment: &str) -> Option<Failure> {
    let name = it.metadata.name.clone().unwrap_or_default();
    let look = format!("platform resource show {name} --env={environment}");
    let status = it.status.clone().unwrap_or_default();
    if it.metadata.deletion_timestamp.is_some() {
        return Some(Failure::refused(format!("{name} is being removed")).hint(look));
    }
    if status.connection.is_none() {
        return Some(Failure::not_ready(format!("{name} was never ready: {}", status.explanation.summary)).hint(look));
    }
    let wished = it.spec.task.as_ref()?;
    let begun = status.task.filter(|it| it.id == wished.id);
    if begun.is_some_and(|it| it.state != TaskState::Running) {
        return None;
    }
    let what = word(wished.action);
    Some(Failure::refused(format!("a {what} of {name} is under way; one comes after the other")).hint(look))
}

fn judge(it: &Resource, id: &str) -> Verdict<(TaskStatus, Vec<ResourceBackup>)> {
    let status = it.status.clone().unwrap_or_default();
    match status.task.filter(|it| it.id == id) {
        Some(task) if task.state == TaskState::Succeeded => Verdict::Done((task, status.backups)),
        Some(task) if task.state == TaskState::Failed => {
            let what = word(task.action);
            Verdict::Never(Failure::failed(format!("the {what} failed: {}", task.message)))
        }
        Some(task) => Verdict::Wait(task.message),
        None => Verdict::Wait(status.explanation.summary),
    }
}

/// How long a task took, in seconds.
pub(super) fn took(task: &TaskStatus) -> Option<f64> {
    let until = task.until.as_ref()?;
    Some(until.0.duration_since(task.since.0).as_secs_f64().max(0.0))
}

#[cfg(test)]
mod tests;
