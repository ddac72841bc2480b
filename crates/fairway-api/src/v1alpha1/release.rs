//! Release: immutable and content-addressed; everything that is needed to run a Component again as it was.
//!
//! Its name is `<component>-<first ten digits of the digest of its spec>`: the same content is the same Release.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: Release
//! metadata: { name: my-api-0f3a9c21b7, namespace: shop }
//! spec:
//!   componentName: my-api
//!   source: { commit: 9fceb02d0ae598e95dc970b74767f19372d61af8, uncommitted: false }
//!   images:
//!     - { container: web, reference: "shop/my-api@sha256:0f3a…", digest: "sha256:0f3a…" }
//!   workload: { containers: { web: { image: "." } }, service: { ports: { http: { port: 8080 } } } }
//!   config: { default: { GREETING: hello } }
//! ```

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Explanation, reasons};

/// A Release: one immutable version of a Component.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "Release",
    namespaced,
    status = "ReleaseStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Component","type":"string","jsonPath":".spec.componentName"}"#,
    printcolumn = r#"{"name":"Version","type":"string","jsonPath":".status.version"}"#,
    printcolumn = r#"{"name":"Commit","type":"string","jsonPath":".spec.source.commit"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseSpec {
    /// The Component it is a version of.
    #[schemars(length(min = 2, max = 40))]
    pub component_name: String,
    /// The version it was tagged with (`v1.2.3`); without it the next patch version is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$"), length(max = 64))]
    pub version: Option<String>,
    /// What it was made from.
    #[serde(default)]
    pub source: ReleaseSource,
    /// One image per container of the workload, each named by digest.
    #[schemars(length(min = 1, max = 20))]
    pub images: Vec<ReleaseImage>,
    /// What it was built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<Toolchain>,
    /// The workload as `score.yaml` had it (its `containers`, `service` and `resources`).
    #[schemars(schema_with = "free_form")]
    pub workload: Map<String, Value>,
    /// Settings: those of every environment under `default`, those of one under its name. They become environment
    /// variables.
    #[serde(default)]
    pub config: BTreeMap<String, BTreeMap<String, String>>,
    /// What it changes of the schema of a database before it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<ReleaseMigrations>,
}

/// What a Release was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseSource {
    /// The commit, if the folder was a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub commit: Option<String>,
    /// Whether the folder held changes that no commit has.
    #[serde(default)]
    pub uncommitted: bool,
    /// The digest of the source tree, so that what was built can be told apart without a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub tree: Option<String>,
}

/// One image of a Release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseImage {
    /// The container of the workload it is for.
    #[schemars(length(min = 1, max = 63))]
    pub container: String,
    /// Where it is kept, by digest.
    #[schemars(length(min = 1, max = 500))]
    pub reference: String,
    /// The digest of its manifest.
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: String,
}

/// What a Release was built with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Toolchain {
    /// `rust`.
    #[schemars(length(max = 60))]
    pub name: String,
    /// As the tool itself says it.
    #[schemars(length(max = 200))]
    pub version: String,
    /// The base image that its image stands on, by digest; none if it stands on nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub base: Option<String>,
}

/// How a Release brings a database to the schema it was written for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseMigrations {
    /// The resource that is changed, by its name in the score file.
    #[schemars(length(max = 63))]
    pub resource: String,
    /// The container in whose image the command runs.
    #[schemars(length(max = 63))]
    pub container: String,
    /// The command.
    #[schemars(length(max = 50), inner(length(max = 1000)))]
    pub command: Vec<String>,
    /// Every migration that there is, in order. The Release can run on the schema after the last of them, and on every
    /// later one as long as what came after is compatible.
    #[schemars(length(min = 1, max = 500))]
    pub steps: Vec<Migration>,
    /// How many seconds all of them may take together, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub within: Option<u32>,
}

/// One change of a schema: the file `migrations/<id>_<name>.sql`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    /// Its number, as it is written: `0002`.
    #[schemars(regex(pattern = r"^[0-9]{1,14}$"))]
    pub id: String,
    /// Its name.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// The digest of its file.
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: String,
    /// What it means for the version before.
    pub kind: MigrationKind,
}

impl Migration {
    /// What its file is called.
    pub fn file(&self) -> String {
        format!("{}_{}.sql", self.id, self.name)
    }
}

/// What a migration means for the version before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MigrationKind {
    /// It can live with it.
    Compatible,
    /// It cannot, and the migration can be taken back.
    Reversible,
    /// It cannot, and nothing takes it back.
    Breaking,
}

impl MigrationKind {
    /// As people write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Reversible => "reversible",
            Self::Breaking => "breaking",
        }
    }
}

/// What is known of a Release.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// Its version: the tag's, or the next patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its number within the Component, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// The digest of its spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The Environments in which it became healthy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proven_in: Vec<String>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

reasons!(
    /// Why a Release is as it is.
    ReleaseReason {
        /// It is whole and can be delivered.
        Deliverable,
        /// Its name does not follow from its content: it was made by hand or changed.
        DigestMismatch,
        /// Its Component does not exist.
        ComponentNotFound,
        /// Its workload or settings cannot be rendered.
        InvalidWorkload,
        /// Another Release of the Component has its version.
        VersionTaken,
        /// The platform could not do its part; it tries again.
        ApplyFailed,
    }
);

/// An object of any shape.
fn free_form(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}
