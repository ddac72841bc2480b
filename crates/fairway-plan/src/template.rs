//! Golden paths: from a template's folder, some parameters and a few facts to the files of a repository.
//!
//! A template is a [`Folder`]: `template.yaml` (the Template object), `files/` (what is rendered) and `tests/`. A file
//! whose name ends in `.jinja` is rendered and loses that ending; all others are taken as they are; every path is
//! rendered. The language is a part of Jinja: insert, choose, repeat, and nothing that could grow without end
//! ([`language`]). It gets no environment, network, file or clock, so the same input gives the same bytes.

mod folder;

mod manifest;

mod parameters;

pub(crate) mod language;

pub(crate) mod engine;

mod path;

mod render;

mod documents;

mod lint;

mod expectations;

mod builtin;

pub use builtin::{builtin, builtin_names};
pub use expectations::{TestResult, test};
pub use folder::{File, Files, Folder};
pub use lint::lint;
pub use manifest::{MANIFEST, manifest};
pub use parameters::{check, resolve};
pub use render::{Facts, render};

#[cfg(test)]
mod tests;
