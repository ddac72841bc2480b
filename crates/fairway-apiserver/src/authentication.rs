//! Who asks: from the credentials of a request to an [`Identity`].
//!
//! No credential at all is anonymous; a credential that does not hold is 401, never anonymous. [`impersonate`] comes
//! after it: a known caller asks to be treated as somebody else.

mod chain;
mod impersonation;

use http::request::Parts;
use serde_json::Value;

use crate::{ApiError, Identity};

pub use chain::Authenticators;
pub use impersonation::impersonate;

/// Tells who sends a request.
pub trait Authenticate: Send + Sync + 'static {
    /// The identity behind the head of a request. No credentials give [`Identity::anonymous`], wrong ones an error.
    fn authenticate(&self, parts: &Parts) -> Result<Identity, ApiError>;

    /// For `TokenReview`: whom a token stands for and which of the wanted audiences it is for (none wanted: the
    /// server's own), or why not.
    fn review_token(&self, _token: &str, _audiences: &[String]) -> Result<(Identity, Vec<String>), String> {
        Err("this server accepts no tokens".to_owned())
    }

    /// For `serviceaccounts/token`: the `TokenRequest` with its status.
    fn issue_token(&self, _namespace: &str, _name: &str, _request: &Value) -> Result<Value, ApiError> {
        Err(ApiError::no_such_resource())
    }

    /// The document at a path, by which others can check our tokens: `/.well-known/openid-configuration` and
    /// `/openid/v1/jwks`.
    fn document(&self, _path: &str) -> Option<Value> {
        None
    }
}
