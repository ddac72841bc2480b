//! Hosted Git. [`Forge`] is the seam: all that the product needs of a Git host. [`Host`] is its first implementation:
//! bare repositories in a folder, everything done by the real `git` program, and smart HTTP in front of them.
//!
//! What may be pushed is decided in pure code ([`rules`]), which a pre-receive hook asks: this very program, executed
//! again ([`reexec`]), while the pushed objects are still in quarantine.

mod names;

mod forge;

pub mod rules;

mod run;

mod host;

mod hook;

mod http;

mod failpoints;

pub use failpoints::FAILPOINTS;
pub use forge::{
    Commit, Entry, Facts, File, Forge, ForgeError, Initial, InvalidCommit, InvalidPerson, Mode, Person, Push, Ref,
    Update,
};
pub use hook::reexec;
pub use host::{DEFAULT_BRANCH, Host, HostSettings, OpenHost};
pub use http::{Access, Body, Call, Caller, RefusedPush, Witness};
pub use names::RepositoryId;
pub use run::{RunGit, is_new_enough};
