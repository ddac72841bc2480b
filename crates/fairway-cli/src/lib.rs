//! The command line of `platform`.
//!
//! Every command is a library function from a [`Session`] and its arguments to a typed result, which is then printed as
//! people or programs want it; the tour calls the very same functions. What needs the platform itself in this process
//! stands behind [`PlatformHost`], which the binary provides.

pub mod failure;

mod git_access;
pub mod home;

pub mod session;

pub mod progress;

pub mod output;

mod text;

mod waiting;

mod place;

mod source;

mod build;

mod registry;

mod releases;

mod delivering;

mod hub;

mod inside;

mod observing;

pub mod commands;

mod arguments;

pub mod reference;

mod run;

pub use arguments::{Cli, command};
pub use failure::{Exit, Failure};
pub use home::{Home, Running};
pub use run::{PlatformHost, ServeOptions, TourOptions, run};
pub use session::{Session, SessionOptions};
