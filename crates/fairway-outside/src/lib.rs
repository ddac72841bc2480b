//! How this machine reaches addresses outside: the one place that knows proxies, extra authorities, and which addresses are
//! not outside at all.
//!
//! Everything that dials out uses [`Outside`], so a proxy or a company's authority is set once and holds everywhere, and a
//! name that leads to the machine itself or to its network is never followed: what is checked is the address that is dialled.
//!
//! - [`Destinations`]: a list of allowed `host:port`, as people write it.
//! - [`proxies`]: `HTTPS_PROXY` and `NO_PROXY`.
//! - [`Exceptions`]: the addresses inside that may be dialled all the same.
//! - [`trust`]: the bundle of certificate authorities.

mod addresses;
mod dial;
pub mod proxies;
pub mod trust;

/// The annotation by which namespaces and pods carry a list of [`Destinations`].
pub const EGRESS_ANNOTATION: &str = "node.fairway.dev/egress";

pub use addresses::{Exceptions, InvalidException, why_inside};
pub use dial::{Outside, ReachOutside, ReadOutside, Route};
pub use fairway_schema::destinations::{Destinations, InvalidHost, MAX_DESTINATIONS, host_name};
