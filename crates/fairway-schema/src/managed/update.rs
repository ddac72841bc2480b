//! Create, update and every patch but apply: who owns what afterwards.

use serde_json::Value;

use super::Write;
use super::entries::{Managers, decode, encode, is_reset, without_managers};
use super::ownership::{empty_object, record_update};

/// Recomputes the `managedFields` of an object that is about to be created or to replace the live one.
///
/// `new` comes as the client made it, with defaults set and before admission. Clients that send no `managedFields` keep
/// those of the live object; clients that send an empty list, or a list of one empty entry, have everyone's ownership
/// forgotten. This never fails: a list that cannot be read is answered with the live one.
pub fn update(write: &Write<'_>, new: &mut Value) {
    let mut managers = listed(write, new);
    let mut object = without_managers(new);
    // An object whose managers were forgotten is tracked again from its next apply on.
    if write.live.is_none() || !managers.is_empty() {
        let old = write.live.map_or_else(|| empty_object(write, &object), without_managers);
        record_update(write, &mut managers, &old, &object);
    }
    encode(&mut object, &managers);
    *new = object;
}

fn listed(write: &Write<'_>, new: &Value) -> Managers {
    let live = || write.live.and_then(|live| decode(live).ok()).unwrap_or_default();
    // Nobody changes the list through a subresource.
    if !write.manager.subresource.is_empty() {
        return live();
    }
    if is_reset(new) {
        return Managers::new();
    }
    match decode(new) {
        Ok(managers) if !managers.is_empty() => managers,
        _ => live(),
    }
}
