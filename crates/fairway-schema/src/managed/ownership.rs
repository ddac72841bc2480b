//! The rules by which ownership moves, shared by apply and update.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::conflict::Conflict;
use super::entries::{Entry, Id, Managers, Operation, seconds, written_time};
use super::fields::settled;
use super::path::Path;
use super::place::Place;
use super::set::FieldSet;
use super::zero::fresh_for;
use super::{Manager, Write};

/// How many managers that update an object are listed by their own name.
const MOST_UPDATERS: usize = 10;

/// The manager under which older updates are gathered.
const ANCIENT: &str = "ancient-changes";

/// The manager that owns what an object held before its first apply.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What nobody owns: what names an object, and what the server keeps for itself.
static NEVER_OWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    let own = ["apiVersion", "kind", "metadata"].map(|name| Path::of_fields(&[name]));
    let server = ["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation"];
    let kept = server.into_iter().chain(["managedFields", "resourceVersion"]);
    FieldSet::of(own.into_iter().chain(kept.map(|name| Path::of_fields(&["metadata", name]))))
});

/// What a set becomes when what nobody owns is left out.
pub(super) fn ownable(fields: &FieldSet) -> FieldSet {
    fields.difference(&NEVER_OWNED)
}

/// The managers with their sets as the present schema reads them.
pub(super) fn settle(write: &Write<'_>, managers: &mut Managers) {
    for entry in managers.values_mut() {
        entry.fields = settled(Place::Root(write.schema), &entry.fields);
    }
}

/// Takes what changed from everyone but `writer`: fields that got another value and fields that are gone. Without
/// `force`, taking a changed field is a conflict, and nothing is taken.
pub(super) fn take(
    managers: &mut Managers,
    changes: &Comparison,
    writer: Option<&Id>,
    force: bool,
) -> Result<(), Vec<Conflict>> {
    let set = changes.set();
    if !force {
        let others = managers.iter().filter(|(id, _)| Some(*id) != writer);
        let conflicts: Vec<_> = others
            .flat_map(|(id, entry)| {
                let paths = entry.fields.intersection(&set).paths();
                paths.into_iter().map(|path| Conflict { owner: id.clone(), path })
            })
            .collect();
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
    }
    for (_, entry) in managers.iter_mut().filter(|(id, _)| Some(*id) != writer) {
        entry.fields = entry.fields.difference(&set).difference(&changes.removed);
    }
    managers.retain(|_, entry| !entry.fields.is_empty());
    Ok(())
}

/// Records a write that was not an apply: what it changed is the writer's now, and no longer anyone else's.
pub(super) fn record_update(write: &Write<'_>, managers: &mut Managers, old: &Value, new: &Value) {
    settle(write, managers);
    let changes = compare(Place::Root(write.schema), old, new).outside(write.reset);
    // Without a writer nothing can conflict, for everything is taken by force.
    let _ = take(managers, &changes, None, true);
    let won = ownable(&changes.set());
    if !won.is_empty() {
        let entry = managers.entry(Id::of(&write.manager, Operation::Update)).or_insert_with(|| Entry {
            api_version: write.manager.api_version.to_owned(),
            fields: FieldSet::new(),
            time: None,
        });
        entry.fields = ownable(&entry.fields.union(&won));
        entry.time = Some(written_time(write.now));
    }
    gather_oldest(managers);
}

/// What an object without managers holds is owned by a manager of its own from the first apply on.
pub(super) fn record_before_first_apply(write: &Write<'_>, managers: &mut Managers, live: &Value) {
    let manager = Manager { name: BEFORE_FIRST_APPLY, ..write.manager };
    let before = Write { manager, reset: &FieldSet::new(), ..*write };
    record_update(&before, managers, &empty_object(write, live), live);
}

/// The object that a create starts from.
pub(super) fn empty_object(write: &Write<'_>, new: &Value) -> Value {
    if write.built_in { fresh_for(write.schema, new) } else { Value::Object(serde_json::Map::new()) }
}

/// Keeps the list of updaters short: the oldest are gathered into one entry for each version.
fn gather_oldest(managers: &mut Managers) {
    let mut updaters: Vec<_> = managers
        .iter()
        .filter(|(id, _)| id.operation == Operation::Update)
        .map(|(id, entry)| (seconds(entry), id.clone()))
        .collect();
    let mut excess = updaters.len().saturating_sub(MOST_UPDATERS);
    updaters.sort();
    let mut first: BTreeMap<String, Id> = BTreeMap::new();
    for (_, id) in updaters {
        if excess == 0 {
            return;
        }
        let Some(entry) = managers.get(&id).cloned() else { continue };
        // The first of a version is gathered only once there is a second one to join it with.
        let Some(oldest) = first.get(&entry.api_version) else {
            first.insert(entry.api_version.clone(), id);
            continue;
        };
        let bucket = Id::new(ANCIENT, Operation::Update, &entry.api_version, "");
        managers.remove(&id);
        let older = managers.remove(&bucket).or_else(|| managers.remove(oldest));
        let fields = older.map_or_else(FieldSet::new, |it| it.fields).union(&entry.fields);
        managers.insert(bucket, Entry { fields, ..entry });
        excess -= 1;
    }
}
