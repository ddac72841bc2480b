//! Template: a versioned golden path, from which the platform makes a Component's repository. The platform team writes
//! it; those that come with the platform are made at its start.
//!
//! The same object, in a file `template.yaml`, heads the folder with what is rendered. Whoever changes what a Template
//! renders gives it another version.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: Template
//! metadata: { name: rust-service }
//! spec:
//!   version: v1.0.0
//!   description: An HTTP service in Rust
//!   componentType: Service
//!   parameters:
//!     - { name: port, description: The port it listens on, type: integer, default: 8080, minimum: 1024, maximum: 65535 }
//!   source: { builtin: rust-service }
//! ```

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ComponentType, Explanation, reasons};

/// A Template: a versioned golden path.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "Template",
    status = "TemplateStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Version","type":"string","jsonPath":".spec.version"}"#,
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.componentType"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Description","type":"string","jsonPath":".spec.description"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSpec {
    /// Its version. What it renders changes only with it.
    #[schemars(regex(pattern = r"^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$"), length(max = 64))]
    pub version: String,
    /// What one gets, in a sentence.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub description: String,
    /// The type of the Components made from it.
    #[serde(default)]
    pub component_type: ComponentType,
    /// What can be chosen when a Component is made from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub parameters: Vec<TemplateParameter>,
    /// Where its files are.
    pub source: TemplateSource,
}

/// One thing that can be chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateParameter {
    /// Its name: a lower-case letter, then lower-case letters, digits and `_`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*$"), length(max = 40))]
    pub name: String,
    /// What it decides, in a sentence.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub description: String,
    /// What its values are.
    #[serde(default)]
    pub r#type: ParameterType,
    /// Its value where none is given. Without it, and where it is not required, a text is empty, a number the smallest
    /// allowed, a boolean false, and a choice the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub default: Option<Value>,
    /// The regular expression that a whole text matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub pattern: Option<String>,
    /// The smallest number, or the least characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// The largest number, or the most characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<i64>,
    /// The words of a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 100)))]
    pub values: Vec<String>,
    /// Whether it has to be given; then it has no default.
    #[serde(default)]
    pub required: bool,
}

/// What a parameter's values are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ParameterType {
    /// Text of one line.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// One of several words.
    Enum,
}

/// Where the files of a Template are: one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSource {
    /// The name of one that comes with the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub builtin: Option<String>,
    /// A folder of a repository that the platform hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<TemplateRepository>,
}

/// A folder of a repository that the platform hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateRepository {
    /// The Project.
    #[schemars(length(min = 3, max = 30))]
    pub project: String,
    /// The Component whose repository it is.
    #[schemars(length(min = 2, max = 40))]
    pub component: String,
    /// The branch, tag or commit; `main` where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 250))]
    pub r#ref: Option<String>,
    /// The folder with `template.yaml`; the top of the repository where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub path: Option<String>,
}

/// What is known of a Template.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The version that is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The digest of the folder that is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The commit that is in use, if it comes from a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What is to be mended in its folder; the first twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<TemplateFinding>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// Something to be mended in a Template's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateFinding {
    /// The file, and the line where one is known: `files/README.md:3`.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

fn anything(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
}

reasons!(
    /// Why a Template is as it is.
    TemplateReason {
        /// Components can be made from it.
        Usable,
        /// Its name is not allowed.
        InvalidName,
        /// Its folder is not where it says.
        SourceNotFound,
        /// Its folder has mistakes.
        InvalidTemplate,
        /// Its folder changed and its version did not, or the object and its file are of two versions.
        VersionDiffers,
    }
);
