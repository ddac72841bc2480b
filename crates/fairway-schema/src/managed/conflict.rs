//! What is said when a manager wants to change what another one owns.

use std::collections::BTreeMap;

use super::entries::{Id, Operation};
use super::path::Path;

/// One field that another manager owns with another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub(super) owner: Id,
    /// The field.
    pub path: Path,
}

/// A conflict as a cause of a `Status`; its type is `FieldManagerConflict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictCause {
    /// `conflict with "m" using v1`
    pub message: String,
    /// `.spec.replicas`
    pub field: String,
}

impl Conflict {
    /// The name of the manager that owns the field.
    pub fn manager(&self) -> &str {
        &self.owner.manager
    }

    /// The conflict as a cause of a `Status`.
    pub fn cause(&self) -> ConflictCause {
        ConflictCause { message: format!("conflict with {}", shown(&self.owner)), field: self.path.to_string() }
    }
}

/// The message of a `Status` about these conflicts.
pub(super) fn message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", shown(&only.owner), only.path);
    }
    let mut by_owner: BTreeMap<&Id, Vec<&Path>> = BTreeMap::new();
    for conflict in conflicts {
        by_owner.entry(&conflict.owner).or_default().push(&conflict.path);
    }
    let mut lines = Vec::new();
    for (owner, paths) in by_owner {
        lines.push(format!("conflicts with {}:", shown(owner)));
        lines.extend(paths.iter().map(|path| format!("- {path}")));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

fn shown(owner: &Id) -> String {
    let manager = &owner.manager;
    let part = match owner.subresource.as_str() {
        "" => String::new(),
        subresource => format!(" with subresource {subresource:?}"),
    };
    match owner.operation {
        Operation::Update => format!("{manager:?}{part} using {}", owner.api_version),
        Operation::Apply => format!("{manager:?}{part}"),
    }
}
