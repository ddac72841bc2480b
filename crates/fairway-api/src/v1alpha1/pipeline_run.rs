//! PipelineRun: one pass of a Component's pipeline over one commit.
//!
//! Made by the platform for every push, and by people who want a run again; lives in its Project's namespace. Its name
//! follows from what it is a run of, so that making it twice is one run.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: PipelineRun
//! metadata: { name: orders-4c1f09b2aa, namespace: shop }
//! spec:
//!   componentName: orders
//!   ref: refs/heads/main
//!   commit: 9fceb02d0ae598e95dc970b74767f19372d61af8
//!   pushedBy: local:1000
//!   trigger: Push
//!   number: 7
//! ```

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Explanation, reasons};

/// A PipelineRun: one pass of a Component's pipeline over one commit.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "PipelineRun",
    namespaced,
    status = "PipelineRunStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Component","type":"string","jsonPath":".spec.componentName"}"#,
    printcolumn = r#"{"name":"Number","type":"integer","jsonPath":".spec.number"}"#,
    printcolumn = r#"{"name":"Ref","type":"string","jsonPath":".spec.ref"}"#,
    printcolumn = r#"{"name":"Commit","type":"string","jsonPath":".spec.commit","priority":1}"#,
    printcolumn = r#"{"name":"Succeeded","type":"string","jsonPath":".status.conditions[?(@.type==\"Succeeded\")].status"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct PipelineRunSpec {
    /// The Component whose pipeline it is.
    #[schemars(length(min = 2, max = 40))]
    pub component_name: String,
    /// The whole name of the ref it runs for: `refs/heads/main`.
    #[schemars(length(min = 1, max = 255))]
    pub r#ref: String,
    /// The commit it runs over.
    #[schemars(regex(pattern = r"^([0-9a-f]{40}|[0-9a-f]{64})$"))]
    pub commit: String,
    /// Who pushed the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub pushed_by: Option<String>,
    /// Why it runs.
    #[serde(default)]
    pub trigger: PipelineTrigger,
    /// The run that it does again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub rerun_of: Option<String>,
    /// Its number among the runs of its Component; of two runs, the one with the higher number is the newer one.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub number: i64,
    /// Asks it to stop.
    #[serde(default)]
    pub cancel: bool,
}

/// Why a PipelineRun runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PipelineTrigger {
    /// Somebody pushed, or the repository was made.
    #[default]
    Push,
    /// Somebody asked for it.
    Manual,
    /// Somebody asked for another run's again.
    Rerun,
}

/// What is known of a PipelineRun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineRunStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// Its steps, in the order of the pipeline file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PipelineStep>,
    /// The Release it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_name: Option<String>,
    /// The Environments it delivered the Release to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delivered_to: Vec<String>,
    /// When its first step began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises, `Succeeded` says how it ended.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// One step of a PipelineRun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineStep {
    /// Its name in the pipeline file.
    pub name: String,
    /// How it stands.
    #[serde(default)]
    pub state: StepState,
    /// Why it stands so: a CamelCase word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// What its command ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The digest of all that it depends on: where it succeeded once, the same key need not run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The digest of the image made of its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// The Pod it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StepState {
    /// It has not begun.
    #[default]
    Waiting,
    /// It is under way.
    Running,
    /// It ended well.
    Succeeded,
    /// It did not.
    Failed,
    /// It was not run: nothing it depends on changed, or a step that it needs did not succeed.
    Skipped,
    /// It was stopped, or not begun because the run was.
    Cancelled,
}

impl StepState {
    /// Whether it will not change any more.
    pub fn ended(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// The condition that says how a run ended; Unknown until it has.
pub const SUCCEEDED: &str = "Succeeded";

reasons!(
    /// Why a step stands as it does.
    StepReason {
        /// Nothing that it depends on changed since it succeeded.
        Unchanged,
        /// A step that it needs did not succeed.
        NeedFailed,
        /// Its command ended with another code than 0.
        ExitCode,
        /// It took longer than it may.
        DeadlineExceeded,
        /// It needed more memory than it may have.
        OOMKilled,
        /// The node stopped it: its workspace grew over its size, for instance.
        Evicted,
        /// It never began.
        NotStarted,
        /// Its Pod was removed by somebody.
        PodLost,
        /// No image could be made of its program.
        ImageFailed,
        /// Its run was stopped.
        RunCancelled,
    }
);

reasons!(
    /// Why a PipelineRun is as it is.
    PipelineRunReason {
        /// Every step ended well, and what follows from it was made.
        Succeeded,
        /// Steps are under way.
        Running,
        /// It waits for its turn.
        Queued,
        /// A step did not end well.
        StepFailed,
        /// Somebody asked it to stop.
        Cancelled,
        /// A newer push to the same ref took its place.
        Superseded,
        /// The commit has no pipeline file.
        PipelineNotFound,
        /// The pipeline file has something to correct.
        InvalidPipeline,
        /// A step asks for a toolchain that there is not.
        ToolchainNotFound,
        /// The commit is not in the repository.
        SourceNotFound,
        /// The workload or the settings of the commit cannot be rendered.
        InvalidWorkload,
        /// The Release that it made is not deliverable.
        ReleaseNotReady,
        /// An Environment that it is to deliver to does not exist.
        EnvironmentNotFound,
        /// The Release is made, and whoever pushed may not deliver it where the pipeline file says.
        DeliveryForbidden,
        /// Its name is not allowed.
        InvalidName,
        /// Its Component does not exist.
        ComponentNotFound,
        /// The platform could not do its part; it tries again.
        ApplyFailed,
    }
);
