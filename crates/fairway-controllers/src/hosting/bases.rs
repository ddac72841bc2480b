//! Base images: what a name such as `postgres-15` is here. They are made of Debian packages when they are first asked for.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use fairway_oci::{Descriptor, Digest};

/// The base images that this platform can make.
#[async_trait]
pub trait Bases: Send + Sync + 'static {
    /// The names that [`Bases::image`] knows, sorted.
    fn names(&self) -> Vec<String>;

    /// The image in the platform's store. The first call makes it, which may take as long as its packages take to come;
    /// calls for the same one share the work, and a caller that goes away does not end it.
    async fn image(&self, name: &str) -> Result<BaseImage, BaseError>;

    /// What an image is made from, as a digest that changes with it; known before it is made.
    fn lock(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// How far the making of an image is: `fetching package 12 of 40`. Nothing while nobody makes it.
    fn progress(&self, name: &str) -> Option<String>;
}

/// A base image in the platform's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseImage {
    /// What a Pod names: `bases/postgres-15@sha256:…`.
    pub reference: String,
    /// Of its manifest.
    pub digest: Digest,
    /// What other images are built onto ([`fairway_oci::Layout::build`]).
    pub descriptor: Descriptor,
    /// What it starts; empty where whoever uses it says.
    pub entrypoint: Vec<String>,
    /// Bytes of its layers, as they are stored.
    pub size: u64,
}

/// One that is there already is found by then.
const PATIENCE: Duration = Duration::from_millis(200);

/// How an image stands that can be had.
#[derive(Debug)]
pub(crate) enum Found {
    /// It is in the store.
    Ready(Box<BaseImage>),
    /// It is being made: how far it is.
    Making(String),
}

/// Finds an image; if it is not there, has it made, and waits no longer than it takes to find one: others may wait for a
/// place meanwhile, and whoever goes away does not end the work.
pub(crate) async fn find(bases: &dyn Bases, name: &str) -> Result<Found, BaseError> {
    if let Some(progress) = bases.progress(name) {
        return Ok(Found::Making(progress));
    }
    match tokio::time::timeout(PATIENCE, bases.image(name)).await {
        Ok(image) => Ok(Found::Ready(Box::new(image?))),
        Err(_) => Ok(Found::Making(bases.progress(name).unwrap_or_else(|| "it is being made".to_owned()))),
    }
}

/// Why there is no such image.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// Nobody declared it: asking again changes nothing.
    #[error("there is no base image {name:?}; there are {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It could not be made. Asking again tries again.
    #[error("make the base image {name}")]
    Make {
        /// Which.
        name: String,
        /// What to do about it, if it is known.
        next_step: Option<String>,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}
