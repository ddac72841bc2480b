//! Kubernetes API machinery over `fairway-store`: no noun of any product in it.
//!
//! A request walks: connection → authentication → [`request`] (what is asked of which resource) → authorization →
//! handler → pipeline (decode, default, admit, validate, commit) → encoded answer.

mod access;
mod audit;
pub mod authentication;
pub mod authorization;
mod identity;
pub mod kinds;
pub mod pki;
mod pod_streams;
pub mod rbac;
mod resource;
pub mod reviews;
mod status;
pub mod tokens;

pub use access::{PeerCertificates, Unguarded};
pub use audit::AuditNote;
pub use authentication::Authenticate;
pub use authorization::{Attributes, Authorize, Decision};
pub use identity::Identity;
pub use pod_streams::{LogOptions, NoPods, PodRef, PodStreams};
pub use resource::{Column, Origin, Resource, ScalePaths, Subresource};
pub use status::ApiError;
