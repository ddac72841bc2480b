//! Delivery: one Component in one Environment: which Release is wanted, how it gets there, what is there now.
//!
//! Lives in the Environment's namespace under the Component's name.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: Delivery
//! metadata: { name: my-api, namespace: shop--staging }
//! spec:
//!   releaseName: my-api-0f3a9c21b7
//!   replicas: 2
//! ```

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Explanation, MigrationKind, reasons};

/// A Delivery: one Component in one Environment.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "Delivery",
    plural = "deliveries",
    namespaced,
    status = "DeliveryStatus",
    derive = "Default",
    derive = "PartialEq",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas.total",
        label_selector_path = ".status.selector"
    ),
    printcolumn = r#"{"name":"Wanted","type":"string","jsonPath":".spec.releaseName","priority":1}"#,
    printcolumn = r#"{"name":"Version","type":"string","jsonPath":".status.current.version"}"#,
    printcolumn = r#"{"name":"Replicas","type":"integer","jsonPath":".status.replicas.ready"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"URL","type":"string","jsonPath":".status.url","priority":1}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySpec {
    /// The Release that is wanted, by object name.
    #[schemars(length(min = 1, max = 63))]
    pub release_name: String,
    /// How many instances run. Belongs to the Environment: a rollback does not touch it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: Option<i32>,
    /// A word that, when it changes, restarts every instance one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub restart: Option<String>,
    /// What somebody says about migrations here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<MigrationWish>,
}

/// What somebody says about migrations in an Environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationWish {
    /// The id of the migration up to which it is accepted that the version that serves cannot run on the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{1,14}$"))]
    pub allow_breaking: Option<String>,
    /// A word that, when it changes, has migrations looked at again: one that failed is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub run: Option<String>,
}

/// What is known of a Delivery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// What serves now: the last Release that became healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Delivered>,
    /// What served before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Delivered>,
    /// The attempt to reach what is wanted: the one going on, or the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// The Resources that it uses, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub resources: Vec<BoundResource>,
    /// The schema of its database, where it has migrations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaStatus>,
    /// Where it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How many instances there are.
    #[serde(default)]
    pub replicas: ReplicaCounts,
    /// The label selector of its pods, for `scale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// What has become of a database's schema.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaStatus {
    /// The Resource whose schema it is, by object name.
    pub resource: String,
    /// What ran, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applied: Vec<AppliedMigration>,
    /// The Job that runs migrations now, or that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Why that Job failed, in what it said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// The number of the migration that failed, where its program said so: those before it ran, those after it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_step: Option<String>,
}

/// A migration that ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedMigration {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The digest of its file.
    pub digest: String,
    /// What it declares.
    pub kind: MigrationKind,
    /// The Release that brought it, by object name.
    pub release_name: String,
    /// When.
    pub since: Time,
}

impl AppliedMigration {
    /// What its file was called.
    pub fn file(&self) -> String {
        format!("{}_{}.sql", self.id, self.name)
    }
}

/// A Release that became healthy here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// The Release's object name.
    pub release_name: String,
    /// Its version.
    pub version: String,
    /// Its number.
    pub number: i64,
    /// The digest of its first image.
    pub image_digest: String,
    /// The digest of the Bundle that was applied.
    pub bundle_digest: String,
    /// Since when.
    pub since: Time,
}

/// A Resource that a Delivery uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoundResource {
    /// The Resource's object name.
    pub name: String,
    /// The `status.connection` of it that every instance was started with; none until there is one such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
}

/// An attempt to bring a Release here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The Release's object name.
    pub release_name: String,
    /// The `restart` of the Delivery that asked for it: another one asks anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// Changes when what it was told of its Resources does: another one asks anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<String>,
    /// The digest of the Bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_digest: Option<String>,
    /// When it began.
    pub started: Time,
    /// How it went.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AttemptOutcome {
    /// It is going on.
    Progressing,
    /// It became healthy.
    Succeeded,
    /// It did not, and what served before goes on serving.
    Failed,
}

/// How many instances there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaCounts {
    /// Wanted.
    #[serde(default)]
    pub wanted: i32,
    /// All that there are.
    #[serde(default)]
    pub total: i32,
    /// Those that pass their readiness check.
    #[serde(default)]
    pub ready: i32,
}

reasons!(
    /// Why a Delivery is as it is.
    DeliveryReason {
        /// What is wanted serves.
        Serving,
        /// What is wanted is on its way.
        RollingOut,
        /// The Release never became healthy; the one before goes on serving.
        HealthCheckFailed,
        /// It was healthy here and is not any more.
        Degraded,
        /// The Release does not exist.
        ReleaseNotFound,
        /// The Release is not deliverable.
        ReleaseNotReady,
        /// The Release belongs to another Component.
        WrongComponent,
        /// The Release was made from uncommitted changes, which this tier does not take.
        UncommittedNotAllowed,
        /// The Release has not proved itself where it must first.
        NotProven,
        /// The workload could not be rendered.
        RenderFailed,
        /// The cluster refused an object.
        ApplyFailed,
        /// The namespace is not that of an Environment.
        EnvironmentNotFound,
        /// An object of the same name exists and is not ours.
        ObjectTaken,
        /// It waits for the Resources it needs.
        ResourcesPending,
        /// The schema of its database is being changed.
        Migrating,
        /// A migration failed; what serves goes on serving.
        MigrationFailed,
        /// The Release cannot run on the schema, or what serves could not live with the one it needs.
        MigrationRefused,
        /// It is scaled to nothing.
        ScaledToZero,
        /// It is being removed.
        Deleting,
    }
);
