//! What a ref leads to: whether it is run at all, whether it makes a Release, and where that is delivered.

use super::file::Pipeline;
use super::glob;

/// What a run of a ref leads to when its steps ended well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeadsTo {
    /// Whether a Release is made.
    pub release: bool,
    /// The Environments it is delivered to.
    pub deliver_to: Vec<String>,
}

/// What makes a Release where the file says nothing about refs.
const USUAL: [&str; 3] = ["main", "release/*", "hotfix/*"];

/// The branch of a ref; only branches are run, and what is fetched or reviewed elsewhere is not.
pub fn branch(reference: &str) -> Option<&str> {
    reference.strip_prefix("refs/heads/").filter(|it| !it.is_empty())
}

/// What a ref leads to. The first rule that matches counts; a branch without one is tested and built.
pub fn leads_to(pipeline: &Pipeline, reference: &str) -> LeadsTo {
    let Some(branch) = branch(reference) else { return LeadsTo::default() };
    if pipeline.refs.is_empty() {
        let release = USUAL.iter().any(|it| glob::branch(it, branch));
        return LeadsTo { release, deliver_to: Vec::new() };
    }
    let rule = pipeline.refs.iter().find(|it| glob::branch(&it.r#match, branch));
    rule.map_or_else(LeadsTo::default, |it| LeadsTo { release: it.release, deliver_to: it.deliver_to.clone() })
}

#[cfg(test)]
mod tests;
