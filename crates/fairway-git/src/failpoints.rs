//! The places on the way of a push where a test can make the platform die.

/// Refs have moved; it is neither on the disk for sure nor recorded.
pub(crate) const PUSH_TAKEN: &str = "push-taken";
/// The push is recorded, and nobody has been told.
pub(crate) const PUSH_RECORDED: &str = "push-recorded";
/// A new repository has its name, and nobody has been told.
pub(crate) const REPOSITORY_MADE: &str = "repository-made";

/// Every named place of the Git host, in the order in which they are passed.
pub const FAILPOINTS: [&str; 3] = [REPOSITORY_MADE, PUSH_TAKEN, PUSH_RECORDED];
