//! Apply: a manager sends all it wants, and gets exactly that.

use serde_json::Value;

use super::Write;
use super::check::check;
use super::compare::{Comparison, compare};
use super::conflict::{Conflict, ConflictCause, message};
use super::entries::{DecodeManagers, Entry, Id, Managers, Operation, decode, encode, without_managers, written_time};
use super::fields::{empties, of, with_declared};
use super::last_applied;
use super::merge::merge;
use super::ownership::{ownable, record_before_first_apply, settle, take};
use super::path::same;
use super::place::Place;
use super::remove::remove;
use super::set::FieldSet;

/// Why a configuration was not applied. Nothing has changed then.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ApplyError {
    /// Others own fields that would change: 409.
    #[error("{}", message(.0))]
    Conflicts(Vec<Conflict>),
    /// The configuration does not fit the schema: 500, as Kubernetes has it.
    #[error("failed to create typed patch object ({object}): {detail}")]
    Typed { object: String, detail: String },
    /// The configuration is of another version than the request: 400.
    #[error("Incorrect version specified in apply patch. Specified patch version: {given}, expected: {expected}")]
    WrongVersion { given: String, expected: String },
    /// The configuration holds a list of managers: 400.
    #[error("metadata.managedFields must be nil")]
    ManagersGiven,
    /// The stored list of managers cannot be read: 500.
    #[error("failed to decode managed fields")]
    DecodeManagers(#[source] DecodeManagers),
}

impl ApplyError {
    /// The message of the `Status`.
    pub fn to_message(&self) -> String {
        match self {
            Self::DecodeManagers(source) => format!("failed to decode managed fields: {source}"),
            other => other.to_string(),
        }
    }

    /// The causes of the `Status`, each of type `FieldManagerConflict`.
    pub fn causes(&self) -> Vec<ConflictCause> {
        match self {
            Self::Conflicts(conflicts) => conflicts.iter().map(Conflict::cause).collect(),
            _ => Vec::new(),
        }
    }
}

/// Applies a configuration to the live object, or makes a new one of it.
///
/// The manager owns afterwards what the configuration holds and nothing else. What it owned before, no longer sends and
/// nobody else owns is removed. Changing what others own is a conflict unless `force` is set; sharing a value is not.
/// The object comes back with its `managedFields`, before defaulting and admission.
pub fn apply(write: &Write<'_>, config: &Value, force: bool) -> Result<Value, ApplyError> {
    let place = Place::Root(write.schema);
    accept(write, config)?;
    let mut managers = write.live.map_or_else(|| Ok(Managers::new()), decode).map_err(ApplyError::DecodeManagers)?;
    let live = write.live.map(without_managers);
    if let Some(live) = live.as_ref().filter(|_| managers.is_empty()) {
        record_before_first_apply(write, &mut managers, live);
    }
    let live = live.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let former = managers.clone();
    settle(write, &mut managers);
    let id = Id::of(&write.manager, Operation::Apply);
    let last = managers.remove(&id);
    let own = of(place, config).outside(write.reset);
    let entry = Entry {
        api_version: write.manager.api_version.to_owned(),
        fields: own,
        time: last.as_ref().and_then(|it| it.time.clone()),
    };
    managers.insert(id.clone(), entry);
    let merged = merge(place, &live, config);
    let mut object = match &last {
        Some(last) if !last.fields.is_empty() => {
            let owned = managers.values().fold(empties(place, config), |all, entry| all.union(&entry.fields));
            prune(place, &merged, &owned, &last.fields)
        }
        _ => merged,
    };
    let changes = compare(place, &live, &object).outside(write.reset);
    settle_conflicts(write, &mut managers, &id, &changes, force)?;
    finish(write, &mut managers, &former, &id, !same(&live, &object));
    last_applied::refresh(&write.manager, &mut object, config);
    encode(&mut object, &managers);
    Ok(object)
}

fn accept(write: &Write<'_>, config: &Value) -> Result<(), ApplyError> {
    let text = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let given = text("/apiVersion");
    if given != write.manager.api_version {
        let expected = write.manager.api_version.to_owned();
        return Err(ApplyError::WrongVersion { given: given.to_owned(), expected });
    }
    if config.pointer("/metadata/managedFields").is_some_and(|it| !it.is_null()) {
        return Err(ApplyError::ManagersGiven);
    }
    let Some(detail) = check(Place::Root(write.schema), config) else { return Ok(()) };
    let version = if given.contains('/') { given.to_owned() } else { format!("/{given}") };
    let object =
        format!("{}/{}; {version}, Kind={}", text("/metadata/namespace"), text("/metadata/name"), text("/kind"));
    Err(ApplyError::Typed { object, detail })
}

/// Removes what the applier owned and no longer does, unless someone else owns it.
fn prune(place: Place<'_>, merged: &Value, kept: &FieldSet, last: &FieldSet) -> Value {
    let empty = || Value::Object(serde_json::Map::new());
    let last = with_declared(place, last);
    let without = |set: &FieldSet| remove(place, merged, set, kept).unwrap_or_else(empty);
    let pruned = without(&last);
    // What that took along although it is owned comes back …
    let owned = with_declared(place, kept);
    let whole = with_declared(place, &of(place, merged));
    let left = with_declared(place, &of(place, &pruned)).union(&owned);
    let pruned = without(&whole.difference(&left));
    // … and so does what the applier never owned.
    let left = with_declared(place, &of(place, &pruned)).union(&owned);
    without(&whole.difference(&left).intersection(&last))
}

fn settle_conflicts(
    write: &Write<'_>,
    managers: &mut Managers,
    id: &Id,
    changes: &Comparison,
    force: bool,
) -> Result<(), ApplyError> {
    let Err(conflicts) = take(managers, changes, Some(id), force) else { return Ok(()) };
    let conflicts = match last_applied::allowed(write) {
        Some(allowed) => conflicts.into_iter().filter(|it| !allowed.contains(&it.path.0)).collect(),
        None => conflicts,
    };
    if !conflicts.is_empty() {
        return Err(ApplyError::Conflicts(conflicts));
    }
    // What is left is forced, and then nothing conflicts.
    let _ = take(managers, changes, Some(id), true);
    Ok(())
}

/// Gives the applier's entry its final form: a time only when something changed, no entry when it owns nothing.
fn finish(write: &Write<'_>, managers: &mut Managers, former: &Managers, id: &Id, object_changed: bool) {
    if let Some(entry) = managers.get_mut(id) {
        entry.fields = ownable(&entry.fields);
        if entry.fields.is_empty() {
            managers.remove(id);
        }
    }
    let changed = object_changed || &*managers != former;
    if let Some(entry) = managers.get_mut(id).filter(|_| changed) {
        entry.time = Some(written_time(write.now));
    }
}
