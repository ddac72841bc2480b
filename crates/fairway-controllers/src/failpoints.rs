//! The places on the way from a push to a URL where a test can make the platform die: each after something was done, and
//! before any status says so.

/// The run of a push is made; its Component does not know which commit was seen.
pub(crate) const RUN_MADE: &str = "run-made";
/// A workspace holds its commit; its claim does not say so.
pub(crate) const WORKSPACE_FILLED: &str = "workspace-filled";
/// A step's Pod is made.
pub(crate) const STEP_STARTED: &str = "step-started";
/// A step's log is copied to its end.
pub(crate) const LOG_COPIED: &str = "log-copied";
/// The image of a step's program is in the store.
pub(crate) const IMAGE_MADE: &str = "image-made";
/// The Release is written.
pub(crate) const RELEASE_WRITTEN: &str = "release-written";
/// A Delivery wishes for the Release.
pub(crate) const DELIVERY_WRITTEN: &str = "delivery-written";
/// A run said that it ended; what it leaves behind is there.
pub(crate) const RUN_ENDED: &str = "run-ended";
/// The Bundle of a Delivery is applied and changed something; whoever is the [`Target`](crate::Target) passes it.
pub const BUNDLE_APPLIED: &str = "bundle-applied";

/// Every named place of the controllers, in the order in which a push passes them.
pub const FAILPOINTS: [&str; 9] = [
    RUN_MADE,
    WORKSPACE_FILLED,
    STEP_STARTED,
    LOG_COPIED,
    IMAGE_MADE,
    RELEASE_WRITTEN,
    DELIVERY_WRITTEN,
    RUN_ENDED,
    BUNDLE_APPLIED,
];
