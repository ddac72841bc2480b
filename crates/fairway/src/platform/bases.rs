//! Base images, made into this platform's image store when somebody first needs them.

use async_trait::async_trait;
use fairway_controllers::{BaseError, BaseImage, Bases};

/// The bases that the program knows.
pub(super) struct KnownBases;

#[async_trait]
impl Bases for KnownBases {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn image(&self, name: &str) -> Result<BaseImage, BaseError> {
        Err(BaseError::Unknown { name: name.to_owned(), known: self.names() })
    }

    fn progress(&self, _: &str) -> Option<String> {
        None
    }
}
