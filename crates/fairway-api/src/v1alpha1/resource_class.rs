//! ResourceClass: a way in which the platform offers a kind of resource: versions, plans, what is generated, what a
//! workload is told, and the Kubernetes objects it becomes. A class is data: adding one needs no code.
//!
//! The platform team writes it; those that come with the platform are made at its start.
//!
//! ```yaml
//! apiVersion: fairway.dev/v1alpha1
//! kind: ResourceClass
//! metadata: { name: redis }
//! spec:
//!   type: redis
//!   description: A cache
//!   versions:
//!     - { name: "7", base: redis }
//!   plans:
//!     - { name: small, values: { memory: 64Mi } }
//!   secrets:
//!     - { name: password, length: 32 }
//!   outputs:
//!     - { name: host, value: "{{ resource.name }}.{{ resource.namespace }}.svc" }
//!     - { name: password, value: "{{ secrets.password }}" }
//!   manifests: |
//!     apiVersion: v1
//!     kind: Service
//!     metadata: { name: "{{ resource.name }}" }
//!     spec: { ports: [{ port: 6379 }] }
//! ```

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Explanation, reasons};

/// A ResourceClass: a way in which the platform offers a kind of resource.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "fairway.dev",
    version = "v1alpha1",
    kind = "ResourceClass",
    plural = "resourceclasses",
    status = "ResourceClassStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.type"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Description","type":"string","jsonPath":".spec.description"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ResourceClassSpec {
    /// What it gives, in the word that score files use: `postgres`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*$"), length(min = 1, max = 40))]
    pub r#type: String,
    /// What one gets, in a sentence.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub description: String,
    /// How it is made.
    #[serde(default)]
    pub driver: Driver,
    /// The versions there are; the first one is taken where none is asked for.
    #[serde(default)]
    #[schemars(length(min = 1, max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub versions: Vec<ClassVersion>,
    /// The sizes there are.
    #[serde(default)]
    #[schemars(length(min = 1, max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub plans: Vec<ClassPlan>,
    /// The plan by tier of the Environment, where none is asked for; the first one for a tier that is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub defaults: BTreeMap<String, String>,
    /// What is generated for each Resource, once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub secrets: Vec<ClassSecret>,
    /// The secrets that are passwords of logins of the same names, which take turns: at a rotation the next one gets a
    /// new password, and the one before loses its own when nobody uses it any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2), inner(length(max = 40)))]
    pub logins: Vec<String>,
    /// What a workload is told: the keys of the connection Secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 30), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub outputs: Vec<ClassOutput>,
    /// The Kubernetes objects, as a text of several YAML documents with Jinja in it. None of them holds a secret: they
    /// refer to the Secret that `secret.name` names.
    #[schemars(length(max = 65536))]
    pub manifests: String,
    /// The objects that make a dump of what a Resource holds, when somebody asks and before it is removed: a Job among
    /// them, which writes the file `backup.name` into the claim `claim.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub dump: Option<String>,
    /// The objects that put the dump `restore.from` in the place of what a Resource holds, whole or not at all, and make
    /// the dump `backup.name` of that first: a Job among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub restore: Option<String>,
    /// The command that a person speaks with a Resource through, with the rights of a workload. It runs in a pod that
    /// carries the label `app.kubernetes.io/component: server`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 300)))]
    pub shell: Vec<String>,
}

/// How a ResourceClass makes a Resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Driver {
    /// Plain Kubernetes objects.
    #[default]
    Manifests,
}

/// A version that a class offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassVersion {
    /// Its name: `15`.
    #[schemars(length(min = 1, max = 40))]
    pub name: String,
    /// The base image it runs, which the platform builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    pub base: Option<String>,
    /// An image of a registry, by digest, instead of a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub image: Option<String>,
}

/// A size that a class offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassPlan {
    /// Its name: `small`.
    #[schemars(length(min = 1, max = 40))]
    pub name: String,
    /// What it is good for, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 500))]
    pub description: String,
    /// What the manifests call `plan.NAME`. Every plan has the same names.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 40))]
    pub values: BTreeMap<String, String>,
}

/// Something that is generated for each Resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassSecret {
    /// Its name; also its key in the credentials Secret.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*$"), length(min = 1, max = 40))]
    pub name: String,
    /// How many letters and digits it has.
    #[serde(default = "thirty_two")]
    #[schemars(range(min = 16, max = 128))]
    pub length: u32,
}

/// Something that a workload is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassOutput {
    /// Its name, as in `${resources.db.NAME}`; also its key in the connection Secret.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*$"), length(min = 1, max = 40))]
    pub name: String,
    /// Its value, with Jinja in it.
    #[schemars(length(max = 2000))]
    pub value: String,
}

fn thirty_two() -> u32 {
    32
}

/// What is known of a ResourceClass.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceClassStatus {
    /// The state in a sentence.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// What is to be mended in it; the first twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<ClassFinding>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Standard conditions; `Ready` summarises.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// Something to be mended in a ResourceClass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassFinding {
    /// The field, and the line where one is known: `spec.manifests:12`.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

reasons!(
    /// Why a ResourceClass is as it is.
    ResourceClassReason {
        /// Resources can be made of it.
        Usable,
        /// Its name is not allowed.
        InvalidName,
        /// It has mistakes.
        InvalidClass,
    }
);
