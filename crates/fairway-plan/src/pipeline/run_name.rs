//! The name of a run: it follows from what it is a run of, so that making it twice is one run.

use crate::digest_of;

/// The object name of a run. `after` tells runs of the same commit apart: the commit that the ref had before, or for a
/// rerun the id of whoever asked for it.
pub fn run_name(component: &str, reference: &str, commit: &str, after: &str) -> String {
    format!("{component}-{}", digest_of(&[component, reference, commit, after]).short())
}

#[cfg(test)]
mod tests;
