//! Names: which are allowed, and the fixed ones that controllers, agents and people look for.

use std::fmt;

/// Label on everything that belongs to a Project.
pub const LABEL_PROJECT: &str = "fairway.dev/project";
/// Label on everything that belongs to an Environment.
pub const LABEL_ENVIRONMENT: &str = "fairway.dev/environment";
/// Label on everything that belongs to a Component.
pub const LABEL_COMPONENT: &str = "fairway.dev/component";
/// Label with the version a rendered object came from.
pub const LABEL_VERSION: &str = "fairway.dev/version";
/// Label on everything that a Resource is made of: its name.
pub const LABEL_RESOURCE: &str = "fairway.dev/resource";
/// Label on the claim that dumps of a Resource are kept in, which outlives it: its name.
pub const LABEL_DUMPS: &str = "fairway.dev/dumps-of";
/// Label on pods that may reach a Resource beside those of its Component: its name.
pub const LABEL_CLIENT_OF: &str = "fairway.dev/client-of";
/// Label on the Job and the pod that run migrations: the Component.
pub const LABEL_MIGRATION: &str = "fairway.dev/migration";
/// Label on everything that belongs to a PipelineRun.
pub const LABEL_RUN: &str = "fairway.dev/run";
/// Label with the step of a PipelineRun that something is for.
pub const LABEL_STEP: &str = "fairway.dev/step";
/// Annotation: the id of the event that led to a write.
pub const ANNOTATION_CAUSE: &str = "fairway.dev/cause";
/// Annotation on a namespace that is ours: without it a namespace of the same name is not touched.
pub const ANNOTATION_OWNER: &str = "fairway.dev/owner";
/// Finalizer on objects whose children owner references cannot reach.
pub const FINALIZER: &str = "fairway.dev/cleanup";
/// The namespace of what everyone may read: where the hub is.
pub const NAMESPACE_PUBLIC: &str = "fairway-public";
/// The namespace of the platform's own bookkeeping.
pub const NAMESPACE_SYSTEM: &str = "fairway-system";

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} name {name:?} {why}")]
pub struct InvalidName {
    /// `component`, `project` …
    pub what: &'static str,
    /// What was given, cut to a length that fits a line.
    pub name: String,
    /// The rule it breaks and what to do.
    pub why: String,
}

/// The lengths a kind of name may have.
struct Bounds {
    what: &'static str,
    min: usize,
    max: usize,
}

/// A DNS label without `--`, within bounds, and not one of the reserved names.
fn parse(bounds: &Bounds, name: &str) -> Result<String, InvalidName> {
    let refuse = |why: String| {
        let shown: String = name.chars().take(60).collect();
        Err(InvalidName { what: bounds.what, name: shown, why })
    };
    if name.is_empty() {
        return refuse("is empty: give it one, such as \"my-api\"".to_owned());
    }
    if name.len() < bounds.min || name.len() > bounds.max {
        return refuse(format!(
            "has {} characters: {} to {} are allowed",
            name.chars().count(),
            bounds.min,
            bounds.max
        ));
    }
    if let Some(odd) = name.chars().find(|it| !(it.is_ascii_lowercase() || it.is_ascii_digit() || *it == '-')) {
        return refuse(format!("contains {odd:?}: use lower-case letters, digits and \"-\""));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return refuse("begins or ends with \"-\": begin with a letter, end with a letter or digit".to_owned());
    }
    if !name.starts_with(|it: char| it.is_ascii_lowercase()) {
        return refuse("begins with a digit: begin with a letter".to_owned());
    }
    if name.contains("--") {
        return refuse("contains \"--\": it separates project and environment, use single \"-\"".to_owned());
    }
    if is_reserved(name) {
        return refuse("is reserved: choose another".to_owned());
    }
    Ok(name.to_owned())
}

fn is_reserved(name: &str) -> bool {
    name == "default"
        || name == "kube"
        || name == "fairway"
        || name.starts_with("kube-")
        || name.starts_with("fairway-")
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $min:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// Checks the name.
            pub fn parse(name: &str) -> Result<Self, InvalidName> {
                parse(&Bounds { what: $what, min: $min, max: $max }, name).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A Project's name; also its namespace's.
    ProjectName, "project", 3, 30
);
name!(
    /// An Environment's name within its Project.
    EnvironmentName, "environment", 1, 30
);
name!(
    /// A Component's name within its Project.
    ComponentName, "component", 2, 40
);
name!(
    /// A Team's name.
    TeamName, "team", 2, 40
);
name!(
    /// A Template's name.
    TemplateName, "template", 2, 40
);
name!(
    /// A ResourceClass's name.
    ResourceClassName, "resource class", 2, 40
);
name!(
    /// A Resource's name in its Environment: what is made of it has longer ones.
    ResourceName, "resource", 2, 45
);

/// The namespace of an Environment: `<project>--<environment>`.
pub fn environment_namespace(project: &ProjectName, environment: &EnvironmentName) -> String {
    format!("{project}--{environment}")
}

/// Splits the namespace of an Environment into project and environment.
pub fn split_environment_namespace(namespace: &str) -> Option<(ProjectName, EnvironmentName)> {
    let (project, environment) = namespace.split_once("--")?;
    Some((ProjectName::parse(project).ok()?, EnvironmentName::parse(environment).ok()?))
}

#[cfg(test)]
mod tests;
