//! Team: people. Written by platform teams; Projects are owned by Teams.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: Team
//! metadata: { name: checkout }
//! spec:
//!   displayName: Checkout
//!   members: { users: ["local:1000"], groups: ["checkout-developers"] }
//!   contact: { chat: "#checkout" }
//!   costCentre: "4711"
//! ```

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Explanation, reasons};

/// A Team: people who own Projects.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "Team",
    status = "TeamStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct TeamSpec {
    /// The name people read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub display_name: Option<String>,
    /// Who belongs to it.
    #[serde(default)]
    pub members: Members,
    /// How to reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub cost_centre: Option<String>,
}

/// Users and groups as the identity provider names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Members {
    /// User names: `<issuer>:<immutable subject>`.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub users: Vec<String>,
    /// Group names.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub groups: Vec<String>,
}

/// How to reach a Team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// A mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub email: Option<String>,
    /// A chat channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub chat: Option<String>,
    /// Where the on-call rota is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub on_call: Option<String>,
}

/// What is known of a Team.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TeamStatus {
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
    /// Why a Team is as it is.
    TeamReason {
        /// It has members.
        HasMembers,
        /// Nobody belongs to it.
        NoMembers,
        /// Its name is not allowed.
        InvalidName,
    }
);
