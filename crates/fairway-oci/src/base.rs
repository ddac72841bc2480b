//! Base images from Debian packages, without root and without running a script of theirs.
//!
//! A base is declared (`bases/<name>.toml`: which packages), locked (`bases/<name>.lock`: which bytes, chosen from the signed
//! indexes of the archive) and built (the files of those packages, and a few that we write ourselves). Locking asks the
//! archive; building needs nothing but the lock and its packages, which are kept in a [`Cache`]. The same lock gives the same
//! image.

mod version;

mod relation;

mod packages;

mod resolve;

mod declaration;

mod lock;

mod openpgp;

mod release;

mod cache;

mod mirror;

mod deb;

mod image;

mod known;

mod make;

#[cfg(test)]
mod tests;

pub use cache::{Cache, UseCache};
pub use deb::ReadPackage;
pub use declaration::{Declaration, ReadDeclaration, User};
pub use image::AssembleBase;
pub use known::{Base, ReadBase, names, names_with};
pub use lock::{Change, Lock, LockedPackage, ReadLock};
pub use make::{Check, Made, MakeBase, Progress, Sources, find};
pub use mirror::{AskMirrors, FetchFile, Mirrors};
pub use openpgp::{Keys, Signed, VerifyText};
pub use packages::ReadPackages;
pub use relation::BadRelation;
pub use release::{ReadRelease, Release};
pub use resolve::ResolvePackages;
pub use version::BadVersion;
