//! Who asks: from the credentials of a request to an [`Identity`].
//!
//! No credential at all is anonymous; a credential that does not hold is 401, never anonymous. [`impersonate`] comes
//! after it: a known caller asks to be treated as somebody else.

mod impersonation;

use http::request::Parts;

use crate::{ApiError, Identity};

pub use impersonation::impersonate;

/// Tells who sends a request.
pub trait Authenticate: Send + Sync + 'static {
    /// The identity behind the head of a request. No credentials give [`Identity::anonymous`], wrong ones an error.
    fn authenticate(&self, parts: &Parts) -> Result<Identity, ApiError>;
}
