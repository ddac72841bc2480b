//! Bearer tokens: those of service accounts, signed and checked against the store, and static ones.

mod claims;
mod handles;
mod key;
mod request;
mod service_accounts;

pub use handles::{StaticTokens, TokenInfo, UseTokens};
pub use key::OpenKey;
pub use service_accounts::{RefuseToken, ServiceAccountTokens, TokenOptions};

pub(crate) use handles::PREFIX as STATIC_PREFIX;
