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

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// The golden path it is made from; then the platform makes and hosts its repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<ComponentTemplate>,
}

/// The golden path a Component is made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentTemplate {
    /// The Template.
    #[schemars(length(min = 2, max = 40))]
    pub name: String,
    /// Its version; the one there is where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub version: Option<String>,
    /// What is chosen of what the Template lets one choose. A number or boolean may also be given as text.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "free_form")]
    pub parameters: Map<String, Value>,
}

fn free_form(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
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
    /// Its repository, once the platform has made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<ComponentRepository>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// The repository that the platform hosts for a Component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentRepository {
    /// Where it is cloned from.
    pub url: String,
    /// The branch that is protected and released.
    pub default_branch: String,
    /// The commit that it was made with.
    pub created: String,
    /// The last commit of each branch that became a pipeline run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refs: BTreeMap<String, String>,
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
        /// Its Template does not exist, or not in that version.
        TemplateNotFound,
        /// Its Template cannot be used at present.
        TemplateNotReady,
        /// What it chooses is not what its Template lets one choose.
        InvalidParameters,
        /// Its repository is being made.
        RepositoryPending,
        /// The platform could not do its part; it tries again.
        ApplyFailed,
        /// It is being removed with its Deliveries.
        Deleting,
    }
);
