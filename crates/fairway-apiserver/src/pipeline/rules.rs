//! Which kinds a PUT treats in a way of their own.

use crate::registry::Served;

/// Kinds that a PUT makes where they are not there.
const MADE_BY_UPDATE: &[&str] = &[
    "coordination.k8s.io/leases",
    "coordination.k8s.io/leasecandidates",
    "core/endpoints",
    "core/events",
    "core/limitranges",
    "core/services",
    "node.k8s.io/runtimeclasses",
    "rbac.authorization.k8s.io/clusterrolebindings",
    "rbac.authorization.k8s.io/clusterroles",
    "rbac.authorization.k8s.io/rolebindings",
    "rbac.authorization.k8s.io/roles",
];

/// Built-in kinds of which a PUT must say the revision it is based on.
const NEED_REVISION: &[&str] = &[
    "apiextensions.k8s.io/customresourcedefinitions",
    "apiregistration.k8s.io/apiservices",
    "coordination.k8s.io/leases",
    "node.k8s.io/runtimeclasses",
    "policy/poddisruptionbudgets",
    "storage.k8s.io/csidrivers",
    "storage.k8s.io/csinodes",
    "storage.k8s.io/csistoragecapacities",
    "storage.k8s.io/volumeattachments",
];

/// Whether a PUT makes an object that is not there.
pub(crate) fn is_made_by_update(served: &Served) -> bool {
    MADE_BY_UPDATE.contains(&&*served.storage)
}

/// Whether a PUT must say the revision it is based on.
pub(crate) fn needs_revision(served: &Served) -> bool {
    served.is_custom() || &*served.group == "admissionregistration.k8s.io" || NEED_REVISION.contains(&&*served.storage)
}
