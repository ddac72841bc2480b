//! The image of a version: one of a registry, or a base that the platform builds when it is first asked for.

use std::time::Duration;

use fairway_api::v1alpha1::{ClassVersion, ResourceReason};

use super::validate::Problem;
use crate::Context;
use crate::hosting::BaseError;

/// How long a pass waits for an image: one that is there is found sooner.
const PATIENCE: Duration = Duration::from_millis(500);

/// An image, or how far it is.
pub(super) enum Image {
    /// It is there, under this reference.
    Ready(String),
    /// It is being built.
    Building(String),
    /// It cannot be had.
    None(Problem),
}

pub(super) async fn image(version: &ClassVersion, ctx: &Context) -> Image {
    let Some(base) = &version.base else { return Image::Ready(version.image.clone().unwrap_or_default()) };
    let Some(hosting) = &ctx.hosting else {
        return Image::None(problem(format!("base image {base} cannot be had: this platform builds no images"), None));
    };
    // Whoever goes away does not end the work.
    match tokio::time::timeout(PATIENCE, hosting.bases.image(base)).await {
        Ok(Ok(image)) => Image::Ready(image.reference),
        Err(_) => Image::Building(hosting.bases.progress(base).unwrap_or_else(|| "it has begun".to_owned())),
        Ok(Err(error)) => {
            let next = match &error {
                BaseError::Make { next_step, .. } => next_step.clone(),
                BaseError::Unknown { .. } => None,
            };
            Image::None(problem(crate::resource::report::chain(&error), next))
        }
    }
}

fn problem(message: String, next_step: Option<String>) -> Problem {
    Problem { reason: ResourceReason::ImageNotFound, message, stalled: false, next_step }
}
