//! Archives, mirrors and packages: honest ones, and those that attackers make.

mod archive;
mod hostile;
mod made;
mod server;
mod signer;

pub(super) use archive::{Files, package};
pub(super) use signer::Signer;
