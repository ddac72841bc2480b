//! The classes that come with the platform: `classes/` of its repository, in the program.

use fairway_api::v1alpha1::ResourceClass;

/// Their files; written by `build.rs`.
const CLASSES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/classes.rs"));

/// The classes that come with the platform.
pub fn builtin() -> Vec<ResourceClass> {
    // Each parses: a test reads them all.
    CLASSES.iter().filter_map(|(_, text)| serde_saphyr::from_str(text).ok()).collect()
}

/// The names of their files.
#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    CLASSES.iter().map(|it| it.0.trim_end_matches(".yaml")).collect()
}
