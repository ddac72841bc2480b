//! OCI images without a daemon: a store that is an OCI image layout, deterministic images from files, and unpacking
//! that trusts nothing it reads.
//!
//! Everything is named by its digest and checked against it whenever it is written or read. The store is a folder that
//! several processes may use at once.

mod digest;
mod document;
mod reference;

mod layout;

mod build;
mod folder;
mod program;
mod transfer;

#[cfg(target_os = "linux")]
mod unpack;

#[cfg(target_os = "linux")]
pub mod base;

mod registry;

pub use build::{BuildImage, Contents, ImageSpec, Owner, Packing};
pub use digest::{BadDigest, Digest, Hasher};
pub use document::{
    Descriptor, History, ImageConfig, Index, Manifest, ParseDocument, Platform, RootFs, RunConfig, media_type,
};
pub use folder::{BASE_DIGEST, BASE_NAME, FolderOnBase, ImageOfFolder};
pub use layout::{Blob, Ingest, Layout, LayoutError, Tagged};
pub use program::ImageOfProgram;
pub use reference::{BadReference, Reference, Target};
pub use registry::{Access, Body, Call, Registry, RegistryLimits};
pub use transfer::TransferImage;
#[cfg(target_os = "linux")]
pub use unpack::{Limits, Owners, Rejected, UnpackImage};
