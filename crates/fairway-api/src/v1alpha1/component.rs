//! Component: something a Team owns and runs.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: Component
//! metadata: { name: my-api, namespace: shop }
//! spec:
//!   type: Service
//!   description: Answers questions about orders
//! ```

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Explanation, reasons};

/// A Component: something a Team owns and runs.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "Component",
    namespaced,
    status = "ComponentStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.type"}"#,
    printcolumn = r#"{"name":"Latest","type":"string","jsonPath":".status.latestVersion"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ComponentSpec {
    /// What kind of thing it is.
    #[serde(default)]
    pub r#type: ComponentType,
    /// What it is for, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub description: Option<String>,
    /// Where its source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ComponentSource>,
}

/// What kind of thing a Component is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ComponentType {
    /// Answers requests; has a URL.
    #[default]
    Service,
    /// Works without being asked; has no URL.
    Worker,
    /// Runs to its end.
    Job,
    /// Runs to its end, on a schedule.
    Cron,
    /// Files that a browser shows.
    Website,
    /// A model that is served.
    Model,
}

/// Where the source of a Component is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentSource {
    /// A folder on the machine of whoever created it; an address for people, never read by the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub folder: Option<String>,
    /// An image that someone else builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub image: Option<String>,
}

/// What is known of a Component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The version of its newest Release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_version: Option<String>,
    /// The name of its newest Release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_release_name: Option<String>,
    /// The highest release number given so far; numbers are never given twice.
    #[serde(default)]
    pub last_number: i64,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

reasons!(
    /// Why a Component is as it is.
    ComponentReason {
        /// It has a Release.
        Released,
        /// It is registered and has no Release yet.
        NoRelease,
        /// Its name is not allowed.
        InvalidName,
        /// Its namespace is not that of a Project.
        ProjectNotFound,
        /// Its type is not run yet.
        TypeNotSupported,
        /// The platform could not do its part; it tries again.
        ApplyFailed,
        /// It is being removed with its Deliveries.
        Deleting,
    }
);
