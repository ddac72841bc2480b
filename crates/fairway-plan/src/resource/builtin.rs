//! The classes that come with the platform: `classes/` of its repository, in the program.

use fairway_api::v1alpha1::ResourceClass;

/// Their files.
const CLASSES: [(&str, &str); 2] = [
    ("postgres", include_str!("../../../../classes/postgres.yaml")),
    ("redis", include_str!("../../../../classes/redis.yaml")),
];

/// The classes that come with the platform.
pub fn builtin() -> Vec<ResourceClass> {
    // Each parses: a test reads them all.
    CLASSES.iter().filter_map(|(_, text)| serde_saphyr::from_str(text).ok()).collect()
}

/// Their names.
#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    CLASSES.iter().map(|it| it.0).collect()
}
