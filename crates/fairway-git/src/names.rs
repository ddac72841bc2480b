//! Which repository: a Component's name in its Project's.

use std::fmt;

use fairway_api::names::{ComponentName, InvalidName, ProjectName};

/// One repository. Both names are checked, so neither can lead out of the host's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryId {
    /// Whose.
    pub project: ProjectName,
    /// Which of theirs.
    pub component: ComponentName,
}

impl RepositoryId {
    /// Checks both names.
    pub fn parse(project: &str, component: &str) -> Result<Self, InvalidName> {
        Ok(Self { project: ProjectName::parse(project)?, component: ComponentName::parse(component)? })
    }
}

impl fmt::Display for RepositoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.component)
    }
}
