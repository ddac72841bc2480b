//! Where the folder of a Template is.

use fairway_api::v1alpha1::Template;
use fairway_plan::template::{Folder, builtin};

use crate::{Context, Error};

/// What is at a Template's source.
#[derive(Debug)]
pub(super) enum Observed {
    /// Its folder, and the commit if it is from a repository.
    Folder(Folder, Option<String>),
    /// Nothing, and why.
    Nothing(String),
}

/// Reads the folder.
#[expect(clippy::unused_async, reason = "repositories are read by asking their host")]
pub(super) async fn observe(template: &Template, _ctx: &Context) -> Result<Observed, Error> {
    let source = &template.spec.source;
    Ok(match (&source.builtin, &source.repository) {
        (Some(name), None) => match builtin(name) {
            Some(folder) => Observed::Folder(folder, None),
            None => Observed::Nothing(format!("no template {name:?} comes with this version of the platform")),
        },
        (None, Some(_)) => Observed::Nothing("templates in repositories are not read yet".to_owned()),
        (None, None) => Observed::Nothing("spec.source says neither builtin nor repository".to_owned()),
        (Some(_), Some(_)) => Observed::Nothing("spec.source says both builtin and repository".to_owned()),
    })
}
