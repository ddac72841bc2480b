//! The kit every controller is made of: running reconcilers, backing off, applying, reporting, finishing.
//!
//! A controller brings a `reconcile` of five steps (observe, validate, plan, apply, report) and an error type that
//! implements [`Failure`]; everything else is here, once. No product noun in it.
#![warn(missing_docs)]

mod apply;
mod backoff;
mod controllers;
mod events;
mod failure;
mod finish;
mod guarded;
mod related;
mod rights;
mod run;

pub use apply::{apply, delete_exact, gone_is_fine, report, report_part};
pub use backoff::Backoffs;
pub use controllers::Controllers;
pub use events::Events;
pub use failure::{Failure, Retry, chain};
pub use finish::{Phase, with_finalizer};
pub use guarded::{Guarded, Unreadable};
pub use related::{among, concerns, list, list_all, related};
pub use rights::{MAKE, READ, Right, events, rule};
pub use run::{Kit, Metrics, Next, controller, run};
