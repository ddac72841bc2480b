//! The image of a version: one of a registry, or a base that the platform builds when it is first asked for.

use fairway_api::v1alpha1::{ClassVersion, ResourceReason};
use fairway_controller::chain;

use super::validate::Problem;
use crate::Context;
use crate::hosting::BaseError;
use crate::hosting::bases::{self, Found};

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
    match bases::find(hosting.bases.as_ref(), base).await {
        Ok(Found::Ready(image)) => Image::Ready(image.reference),
        Ok(Found::Making(progress)) => Image::Building(progress),
        Err(error) => {
            let next = match &error {
                BaseError::Make { next_step, .. } => next_step.clone(),
                BaseError::Unknown { .. } => None,
            };
            Image::None(problem(first_line(&chain(&error)), next))
        }
    }
}

fn problem(message: String, next_step: Option<String>) -> Problem {
    Problem { reason: ResourceReason::ImageNotFound, message, stalled: false, next_step }
}

/// As much as a status has room for.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(500).collect()
}
