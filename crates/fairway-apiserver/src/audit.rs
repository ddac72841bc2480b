//! What the journal is told about each write, and about each write that was refused.

use std::sync::Arc;

use jiff::Timestamp;

use crate::Identity;

/// The note of a batch. It names objects and people and never holds a value of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditNote {
    /// Who asked.
    pub identity: Identity,
    /// `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: Arc<str>,
    /// Empty for the core group.
    pub group: Arc<str>,
    pub version: Arc<str>,
    /// The plural name.
    pub resource: Arc<str>,
    /// Empty for the resource itself.
    pub subresource: Arc<str>,
    pub kind: Arc<str>,
    /// Empty for cluster-scoped objects.
    pub namespace: Arc<str>,
    /// Empty where a name could not be read.
    pub name: Arc<str>,
    /// As the client said, cut to 256 bytes.
    pub user_agent: Arc<str>,
    pub field_manager: Arc<str>,
    /// Whether the request came through the in-process service.
    pub in_process: bool,
    /// The code and message of the refusal, for a write that did not happen.
    pub refused: Option<(u16, String)>,
    /// For a session in a pod: which container and program, or which ports. Never what is said in it.
    pub entered: Option<serde_json::Value>,
    /// When it was asked.
    pub at: Timestamp,
}
