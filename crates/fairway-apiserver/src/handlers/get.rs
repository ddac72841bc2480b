//! One object.

use fairway_store::Stored;

use crate::ApiError;
use crate::server::{Call, Reply};

pub(super) fn get(call: &Call) -> Result<Reply, ApiError> {
    super::list::check_not_ahead(call, super::parse_revision(&call.query)?)?;
    read(call).map(Reply::stored)
}

/// The object a path names, as it is now.
pub(super) fn read(call: &Call) -> Result<Stored, ApiError> {
    call.shared.store.get(&call.key()).ok_or_else(|| call.not_found())
}
