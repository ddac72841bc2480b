//! What the server knows about one served resource, whether it is built in or came with a CustomResourceDefinition.

use std::sync::Arc;

use fairway_schema::Link;

/// One resource in one version.
#[derive(Debug, Clone)]
pub struct Resource {
    /// `apps`; empty for the core group.
    pub group: Arc<str>,
    /// `v1`.
    pub version: Arc<str>,
    /// `deployments`.
    pub plural: Arc<str>,
    /// `deployment`.
    pub singular: Arc<str>,
    /// `Deployment`.
    pub kind: Arc<str>,
    /// `DeploymentList`.
    pub list_kind: Arc<str>,
    /// `deploy`.
    pub short_names: Vec<Arc<str>>,
    /// `all`.
    pub categories: Vec<Arc<str>>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// The verbs served on the resource itself, sorted.
    pub verbs: Vec<Arc<str>>,
    /// `status`, `scale`, `log` …
    pub subresources: Vec<Subresource>,
    /// The structure of its objects, of this version.
    pub schema: Link,
    /// Where its objects are kept: one for all versions of a resource, `apps/deployments`.
    pub storage: Arc<str>,
    /// Where it comes from.
    pub origin: Origin,
    /// The columns of its Table; Name first.
    pub columns: Vec<Column>,
}

/// A row `resource/subresource` of discovery.
#[derive(Debug, Clone)]
pub struct Subresource {
    /// `status`.
    pub name: Arc<str>,
    /// The kind it speaks, which may be of another group: Scale of autoscaling/v1.
    pub kind: Arc<str>,
    /// That kind's group.
    pub group: Arc<str>,
    /// That kind's version.
    pub version: Arc<str>,
    /// The verbs served, sorted.
    pub verbs: Vec<Arc<str>>,
    /// For `scale` of a custom resource: where the numbers are.
    pub scale: Option<ScalePaths>,
}

/// Where a custom resource keeps what `scale` shows: paths as in the CRD, `.spec.replicas`.
#[derive(Debug, Clone)]
pub struct ScalePaths {
    pub spec_replicas: Arc<str>,
    pub status_replicas: Arc<str>,
    pub label_selector: Option<Arc<str>>,
}

/// Where a resource comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Part of Kubernetes: typed key order, strategic merge, own defaulting and validation.
    BuiltIn,
    /// Defined by the CustomResourceDefinition of this name.
    Custom { crd: Arc<str> },
}

/// One column of a Table.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: Arc<str>,
    /// `string`, `integer`, `date` …
    pub r#type: Arc<str>,
    pub format: Arc<str>,
    pub description: Arc<str>,
    /// 0 is always shown, 1 with `-o wide`.
    pub priority: i32,
    /// Custom resources: the JSONPath of the cell, `.spec.replicas`. Built-in kinds compute theirs.
    pub json_path: Option<Arc<str>>,
}
