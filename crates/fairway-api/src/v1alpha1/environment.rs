//! Environment: a place to run a Project's components; a namespace `<project>--<environment>`.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: Environment
//! metadata: { name: staging, namespace: shop }
//! spec: { tier: staging }
//! ```

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Explanation, reasons};

/// An Environment: where components of a Project run, and what they are held to there.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "Environment",
    namespaced,
    status = "EnvironmentStatus",
    derive = "Default",
    derive = "PartialEq",
    shortname = "env",
    printcolumn = r#"{"name":"Tier","type":"string","jsonPath":".spec.tier"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentSpec {
    /// What it is held to.
    #[serde(default)]
    pub tier: Tier,
    /// The Environment in which a Release must have proved itself before it may come here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 30))]
    pub promotes_from: Option<String>,
    /// An existing namespace to use instead of `<project>--<environment>`; only at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}

/// What an Environment is held to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// For trying things out.
    #[default]
    Development,
    /// Where a Release proves itself.
    Staging,
    /// Where customers are.
    Production,
    /// Lives as long as a change is open.
    Preview,
}

impl Tier {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
            Self::Preview => "preview",
        }
    }

    /// Whether a Release made from uncommitted changes may run there.
    pub fn takes_uncommitted(self) -> bool {
        matches!(self, Self::Development | Self::Staging)
    }
}

/// What is known of an Environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The namespace its components run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

reasons!(
    /// Why an Environment is as it is.
    EnvironmentReason {
        /// Namespace, rights, network policy and quota are in force.
        InForce,
        /// Its namespace is not that of a Project.
        ProjectNotFound,
        /// A namespace of its name exists and is not ours.
        NamespaceTaken,
        /// Its name is not allowed.
        InvalidName,
        /// `promotesFrom` names an Environment that does not exist.
        PromotionSourceNotFound,
        /// The platform could not do its part; it tries again.
        ApplyFailed,
        /// It is being removed.
        Deleting,
    }
);
