//! Project: the unit of tenancy, owned by a Team; a namespace of its own name.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: Project
//! metadata: { name: shop }
//! spec: { teamName: checkout }
//! ```

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Explanation, reasons};

/// A Project: what one Team owns together.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "Project",
    status = "ProjectStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Team","type":"string","jsonPath":".spec.teamName"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSpec {
    /// The Team that owns it.
    #[schemars(length(min = 2, max = 40))]
    pub team_name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub description: Option<String>,
}

/// What is known of a Project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

reasons!(
    /// Why a Project is as it is.
    ProjectReason {
        /// Its namespace and rights are in force.
        NamespaceInForce,
        /// Its Team does not exist.
        TeamNotFound,
        /// A namespace of its name exists and is not ours.
        NamespaceTaken,
        /// Its name is not allowed.
        InvalidName,
        /// The platform could not do its part; it tries again.
        ApplyFailed,
        /// It is being removed.
        Deleting,
    }
);

reasons!(
    /// Why `EgressEnforced` of a Project or an Environment is as it is.
    EgressReason {
        /// Pods reach the addresses outside that are listed, and no other.
        EgressInForce,
        /// The list, or some entry of it, is not there or cannot be read; it allows nothing.
        EgressListUnreadable,
        /// The cluster cannot keep pods to a list of names.
        EgressNotEnforced,
    }
);
