//! Version v1alpha1: one module per kind. This version only ever gains optional fields.

mod team;

mod project;

mod environment;

mod template;

mod resource_class;

mod component;

mod release;

mod delivery;

mod resource;

mod pipeline_run;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use component::{
    Component, ComponentReason, ComponentRepository, ComponentSource, ComponentSpec, ComponentStatus,
    ComponentTemplate, ComponentType,
};
pub use delivery::{
    AppliedMigration, Attempt, AttemptOutcome, BoundResource, Delivered, Delivery, DeliveryReason, DeliverySpec,
    DeliveryStatus, MigrationWish, ReplicaCounts, SchemaStatus,
};
pub use environment::{Environment, EnvironmentReason, EnvironmentSpec, EnvironmentStatus, Tier};
pub use pipeline_run::{
    PipelineRun, PipelineRunReason, PipelineRunSpec, PipelineRunStatus, PipelineStep, PipelineTrigger, SUCCEEDED,
    StepReason, StepState,
};
pub use project::{EgressReason, Project, ProjectReason, ProjectSpec, ProjectStatus};
pub use release::{
    Migration, MigrationKind, Release, ReleaseImage, ReleaseMigrations, ReleaseReason, ReleaseSource, ReleaseSpec,
    ReleaseStatus, Toolchain,
};
pub use resource::{
    DeletionPolicy, Resource, ResourceBackup, ResourceReason, ResourceSpec, ResourceStatus, ResourceTask, TaskAction,
    TaskState, TaskStatus,
};
pub use resource_class::{
    ClassFinding, ClassOutput, ClassPlan, ClassSecret, ClassVersion, Driver, ResourceClass, ResourceClassReason,
    ResourceClassSpec, ResourceClassStatus,
};
pub use team::{Contact, Members, Team, TeamReason, TeamSpec, TeamStatus};
pub use template::{
    ParameterType, Template, TemplateFinding, TemplateParameter, TemplateReason, TemplateRepository, TemplateSource,
    TemplateSpec, TemplateStatus,
};

/// The definitions of all kinds, as they are applied to an API server.
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![
        Team::crd(),
        Project::crd(),
        Environment::crd(),
        Template::crd(),
        ResourceClass::crd(),
        Component::crd(),
        Release::crd(),
        Delivery::crd(),
        Resource::crd(),
        PipelineRun::crd(),
    ]
}

/// What every top-level status says beside its conditions: the state in one sentence, who can change it, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// One sentence: what is, and if it is not as wanted, why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Who can change it: a team, the platform team, the developer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<String>,
    /// The next command to run, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

/// A reason of a condition: an enum whose names are the words on the wire.
macro_rules! reasons {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type { $($(#[$variant_doc])* $variant),+ }

        impl $type {
            /// Every reason, for documentation and its tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }
        }
    };
}
use reasons;

#[cfg(test)]
mod tests;
