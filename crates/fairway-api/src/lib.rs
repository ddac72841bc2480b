//! The kinds of `fairway.dev/v1alpha1`, the names they live under, and the conditions they report with.
//!
//! Data only: no client, no clock, no disk. Every field has a sentence of documentation, which becomes
//! `kubectl explain`.
#![warn(missing_docs)]

pub mod conditions;
pub mod names;
pub mod v1alpha1;

/// The API group of every kind here.
pub const GROUP: &str = "fairway.dev";
