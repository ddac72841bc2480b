//! Kubernetes API machinery over `fairway-store`: no noun of any product in it.
//!
//! A request walks: connection → authentication → [`request`] (what is asked of which resource) → authorization →
//! handler → pipeline (decode, default, admit, validate, commit) → encoded answer.

mod access;
mod admission;
mod audit;
pub mod authentication;
pub mod authorization;
mod background;
mod body;
pub mod crd;
mod custom;
mod frames;
mod handlers;
mod identity;
pub mod kinds;
mod namespaces;
mod object;
mod pipeline;
pub mod pki;
mod pod_streams;
mod protobuf;
pub mod rbac;
mod registry;
mod request;
mod resource;
pub mod reviews;
mod selection;
mod server;
mod status;
mod table;
pub mod tokens;

pub use access::{PeerCertificates, Unguarded};
pub use audit::AuditNote;
pub use authentication::Authenticate;
pub use authorization::{Attributes, Authorize, Decision};
pub use body::{Body, BodyError};
pub use identity::Identity;
pub use pod_streams::{Command, Connection, Execution, LogOptions, NoPods, PodRef, PodStreams, Resize};
pub use resource::{Column, Origin, Resource, ScalePaths, Subresource};
pub use server::{ApiServer, ApiService, ExtraRoutes, Settings, StartServer};
pub use status::ApiError;
