//! The event of a push. Pure.

use fairway_api::GROUP;
use fairway_git::{Commit, Update};
use fairway_ledger::{Event, ObjectRef, types};
use serde_json::{Value, json};

use super::super::hub::{Outcome, PushNote};

/// What a push is, in the ledger.
const KIND: &str = "dev.fairway.repository.pushed";
/// A longer reason is cut.
const REASON: usize = 1000;

/// A push, as the event whose id its refs name, or that it was refused.
pub(super) fn event(note: &PushNote) -> Event {
    let push = &note.push;
    let (project, component) = (push.repository.project.as_str(), push.repository.component.as_str());
    let mut data = json!({ "updates": push.updates.iter().map(update).collect::<Vec<_>>() });
    let kind = match &note.outcome {
        Outcome::Taken => KIND,
        Outcome::FoundLater => {
            data["foundLater"] = json!(true);
            KIND
        }
        Outcome::Refused { code, why } => {
            data["code"] = json!(code);
            data["message"] = json!(why[..why.floor_char_boundary(REASON)]);
            types::REQUEST_REFUSED
        }
    };
    Event {
        id: push.cause.clone(),
        source: "/git".to_owned(),
        kind: kind.to_owned(),
        subject: Some(format!("{project}/repositories/{component}")),
        time: note.at,
        actor: push.pushed_by.clone(),
        cause: None,
        verb: "push".to_owned(),
        object: Some(ObjectRef {
            group: GROUP.to_owned(),
            kind: "Component".to_owned(),
            namespace: project.to_owned(),
            name: component.to_owned(),
            ..ObjectRef::default()
        }),
        data,
    }
}

fn update(update: &Update) -> Value {
    let shown = |it: &Option<Commit>| it.as_ref().map(|it| it.as_str().to_owned());
    json!({ "ref": update.reference, "from": shown(&update.from), "to": shown(&update.to) })
}

#[cfg(test)]
mod tests;
