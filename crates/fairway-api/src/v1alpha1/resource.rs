//! Resource: a database, a cache or something else that a Component needs, in one Environment.
//!
//! Lives in the Environment's namespace. One that a score file names is made by the Delivery, as
//! `<component>-<name in the score file>`, and stays when the score file names it no more: what it holds is removed only
//! by somebody who says so.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: Resource
//! metadata: { name: my-api-db, namespace: shop--staging }
//! spec:
//!   className: postgres
//!   plan: small
//!   componentName: my-api
//! ```

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Explanation, reasons};

/// A Resource: a database, a cache or something else that a Component needs.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "Resource",
    namespaced,
    status = "ResourceStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Class","type":"string","jsonPath":".spec.className"}"#,
    printcolumn = r#"{"name":"Version","type":"string","jsonPath":".status.version"}"#,
    printcolumn = r#"{"name":"Plan","type":"string","jsonPath":".status.plan"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ResourceSpec {
    /// The ResourceClass it is made of.
    #[schemars(length(min = 1, max = 40))]
    pub class_name: String,
    /// The version; the first of the class where it is not said. It does not change afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 40))]
    pub version: Option<String>,
    /// The plan; that of the class for the Environment's tier where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 40))]
    pub plan: Option<String>,
    /// The Component whose pods may reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 40))]
    pub component_name: Option<String>,
    /// A word that, when it changes, gives it new credentials. Those before are valid until nobody uses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub rotate: Option<String>,
    /// A dump that is to be made, or brought back: once for each `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<ResourceTask>,
    /// What becomes of what it holds when it is removed.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// Something that is to be done with what a Resource holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTask {
    /// A word that tells it from the task before. One that is under way is finished first.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// What is to be done.
    pub action: TaskAction,
    /// The dump to restore, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"), length(max = 120))]
    pub from: Option<String>,
}

/// What is to be done with what a Resource holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaskAction {
    /// Make a dump of it.
    #[default]
    Backup,
    /// Put a dump in its place; a dump of what there is comes first.
    Restore,
}

/// What becomes of what a Resource holds when it is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// A dump is kept, where its class knows how to make one.
    #[default]
    Dump,
    /// Nothing is kept.
    Discard,
}

/// What is known of a Resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The Secret with what a workload is told, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// The keys of that Secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Changes whenever what a workload is told changes: a workload that was started before has to be started anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The version that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The plan that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The image it runs, by digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The Components whose Deliveries in this Environment use it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_by: Vec<String>,
    /// The `rotate` that was carried out last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<String>,
    /// The task that was begun last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskStatus>,
    /// The dumps that are kept, the newest first; at most a hundred are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<ResourceBackup>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// The `id` of the task.
    pub id: String,
    /// What is done.
    pub action: TaskAction,
    /// The dump that is restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The dump that is made: the one that was asked for, or that of what there was before a restore.
    pub backup: String,
    /// How far it is.
    pub state: TaskState,
    /// What is awaited, or why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it was begun.
    pub since: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaskState {
    /// It is under way.
    Running,
    /// It was done.
    Succeeded,
    /// It was not done, and is not tried again. What the Resource holds is as it was.
    Failed,
}

/// A dump that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceBackup {
    /// Its name, by which it is restored.
    pub name: String,
    /// Its size.
    pub bytes: i64,
    /// When it was made.
    pub time: Time,
}

reasons!(
    /// Why a Resource is as it is.
    ResourceReason {
        /// It can be used.
        Available,
        /// It is on its way.
        Provisioning,
        /// Its image is being built.
        BuildingImage,
        /// It can be used, and its credentials are being changed.
        Rotating,
        /// It could be used, and cannot any more.
        Unavailable,
        /// Its image cannot be had.
        ImageNotFound,
        /// Its name is not allowed.
        InvalidName,
        /// Its ResourceClass does not exist.
        ClassNotFound,
        /// Its ResourceClass has mistakes.
        ClassNotReady,
        /// Its ResourceClass has no such version.
        VersionNotFound,
        /// Another version is asked for than it was made with.
        VersionFixed,
        /// Its ResourceClass has no such plan.
        PlanNotFound,
        /// Another plan is asked for, with less room than what it holds has.
        PlanTooSmall,
        /// Its objects could not be rendered.
        RenderFailed,
        /// The cluster refused an object.
        ApplyFailed,
        /// An object of the same name exists and is not ours.
        ObjectTaken,
        /// The namespace is not that of an Environment.
        EnvironmentNotFound,
        /// It is to be removed, and something uses it.
        InUse,
        /// It is being removed.
        Deleting,
    }
);
