//! Resources: which version and plan one gets, the Kubernetes objects it becomes, what a workload is told of it, when
//! its passwords change, and whether it can be used.
//!
//! A class is data: its texts are rendered by the engine of the templates, which knows no environment, network, file or
//! clock. What is generated is given to [`outputs`] alone; the objects name the Secret that holds it.

mod facts;

mod check;

mod choice;

mod render;

mod room;

mod credentials;

mod health;

mod backups;

mod builtin;

pub use backups::{MAX_BACKUPS, Sort, backup_name, listed, may_be_backup};
pub use builtin::builtin;
pub use check::check;
pub use choice::{Choice, Refusal, choose};
pub use credentials::{Credentials, Step, rotates};
pub use facts::Facts;
pub use health::{State, judge};
pub use render::{dump, outputs, render, restore};
pub use room::{Shrinks, keep_room};

/// The longest name of a Resource: what is made of it has longer ones.
pub const MAX_NAME: usize = 45;

/// The name of the Resource that a Component's score file calls `need`.
pub fn name(component: &str, need: &str) -> String {
    format!("{component}-{need}")
}

/// The Secret with what a workload is told of a Resource.
pub fn connection_secret(resource: &str) -> String {
    format!("{resource}-connection")
}

/// The Secret with what was generated for a Resource.
pub fn credentials_secret(resource: &str) -> String {
    format!("{resource}-credentials")
}

/// The claim that dumps of a Resource are kept in.
pub fn dumps_claim(resource: &str) -> String {
    format!("{resource}-dumps")
}

#[cfg(test)]
mod tests;
