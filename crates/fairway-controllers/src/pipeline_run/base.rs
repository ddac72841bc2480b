//! The base images of a run: what a step's toolchain runs in, and what its image stands on. They are made when they are
//! first needed; nobody waits for that here, so that a run can say how far it is.

use std::collections::BTreeMap;

use fairway_controller::chain;
use fairway_plan::pipeline::file::ImageOf;

use super::Pipelines;
use super::source::Source;
use crate::hosting::bases::{self, Found};
use crate::hosting::{BaseError, BaseImage, Hosting};

/// How a base stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Based {
    /// It is in the store.
    Ready(Box<BaseImage>),
    /// It is being made: how far it is.
    Making(String),
    /// Why it cannot be made.
    Never(String),
}

/// The bases that can be made; those that this pipeline needs with the digest of what each is made from.
pub(super) fn known(hosting: &Hosting, source: Option<&Source>) -> BTreeMap<String, Option<String>> {
    let mut known: BTreeMap<String, Option<String>> =
        hosting.bases.names().into_iter().map(|name| (name, None)).collect();
    let pipeline = source.and_then(|it| it.pipeline.as_ref()?.0.as_ref());
    for step in pipeline.iter().flat_map(|it| &it.steps) {
        let runs_in = hosting.toolchains.get(&step.toolchain).and_then(|it| it.base.as_deref());
        let stands_on = step.image.as_ref().and_then(ImageOf::base);
        for name in runs_in.into_iter().chain(stands_on) {
            if let Some(digest) = known.get_mut(name).filter(|it| it.is_none()) {
                *digest = hosting.bases.lock(name);
            }
        }
    }
    known
}

/// Finds a base, or has it made.
pub(super) async fn find(name: &str, pipelines: &Pipelines) -> Based {
    match bases::find(pipelines.hosting.bases.as_ref(), name).await {
        Ok(Found::Ready(image)) => Based::Ready(image),
        Ok(Found::Making(progress)) => Based::Making(format!("it waits for base image {name}: {progress}")),
        Err(error) => Based::Never(said(&error)),
    }
}

/// The whole chain: a mirror that is away is named at its end.
fn said(error: &BaseError) -> String {
    let text = chain(error);
    match error {
        BaseError::Make { next_step: Some(next), .. } => format!("{text} ({next})"),
        _ => text,
    }
}
