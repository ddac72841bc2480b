//! Role-based access control over the Role, ClusterRole and binding objects of the store.
//!
//! [`Rbac`] keeps an index of them and brings it to the store's revision before each decision, so a grant or its
//! withdrawal counts for every request that starts after its write was acknowledged.

mod aggregation;
mod bootstrap;
mod escalation;
mod follow;
mod index;
mod rules;

use fairway_store::Store;
use serde_json::Value;

use crate::authorization::{Attributes, Authorize, Decision, Write};
use crate::{ApiError, Identity};
use follow::Followed;
use index::Visit;

pub use aggregation::Aggregation;
pub use bootstrap::{BootstrapRbac, bootstrap};
pub use rules::Rule;

/// Its API group.
pub const GROUP: &str = "rbac.authorization.k8s.io";
/// The group that may do everything, whatever the roles say: the way back in after a mistake with them.
pub const MASTERS: &str = "system:masters";

pub(crate) const ROLES: &str = "rbac.authorization.k8s.io/roles";
pub(crate) const CLUSTER_ROLES: &str = "rbac.authorization.k8s.io/clusterroles";
pub(crate) const ROLE_BINDINGS: &str = "rbac.authorization.k8s.io/rolebindings";
pub(crate) const CLUSTER_ROLE_BINDINGS: &str = "rbac.authorization.k8s.io/clusterrolebindings";

#[cfg(test)]
mod tests;

/// What an identity may do in a namespace, as far as rules can say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleList {
    /// All of them, doubles included.
    pub rules: Vec<Rule>,
    /// Roles that bindings name and that do not exist.
    pub problems: Vec<String>,
}

/// The authorizer that goes by the roles in the store.
pub struct Rbac {
    followed: Followed,
}

impl Rbac {
    /// Decides by the roles and bindings of this store.
    pub fn new(store: Store) -> Self {
        Self { followed: Followed::new(store) }
    }

    /// Calls back for each rule the identity has, until the callback says stop.
    fn visit(&self, identity: &Identity, namespace: &str, each: &mut dyn FnMut(Visit<'_>) -> bool) {
        self.followed.read(|index| index.visit(identity, namespace, each));
    }
}

impl Authorize for Rbac {
    fn authorize(&self, identity: &Identity, attributes: &Attributes<'_>) -> Decision {
        if is_master(identity) {
            return Decision::Allow;
        }
        let mut allowed = false;
        let mut problems = Vec::new();
        self.visit(identity, attributes.namespace, &mut |visit| {
            match visit {
                Visit::Rules(rules, _) => allowed = rules.iter().any(|it| it.allows(attributes)),
                Visit::Missing(problem) => problems.push(problem),
            }
            !allowed
        });
        if allowed { Decision::Allow } else { Decision::Deny { why: explain(problems) } }
    }

    fn rules(&self, identity: &Identity, namespace: &str) -> Option<RuleList> {
        let mut list = RuleList::default();
        if is_master(identity) {
            list.rules = Rule::everything();
        }
        self.visit(identity, namespace, &mut |visit| {
            match visit {
                Visit::Rules(rules, _) => list.rules.extend(rules.iter().cloned()),
                Visit::Missing(problem) => list.problems.push(problem),
            }
            true
        });
        list.problems.sort();
        list.problems.dedup();
        Some(list)
    }

    fn grant(&self, identity: &Identity, attributes: &Attributes<'_>) -> Option<String> {
        let mut grant = None;
        self.visit(identity, attributes.namespace, &mut |visit| {
            if let Visit::Rules(rules, by) = visit
                && rules.iter().any(|it| it.allows(attributes))
            {
                grant = Some(format!("RBAC: allowed by {by}"));
            }
            grant.is_none()
        });
        grant
    }

    fn guard(&self, identity: &Identity, write: &Write<'_>) -> Result<(), ApiError> {
        escalation::guard(self, identity, write)
    }
}

impl Rbac {
    /// The rules of the role that a binding in `namespace` refers to; 404 where there is none.
    fn role_rules(&self, namespace: &str, role_ref: &Value) -> Result<Vec<Rule>, ApiError> {
        let name = role_ref["name"].as_str().unwrap_or_default();
        let cluster = role_ref["kind"] == "ClusterRole";
        let place = if cluster { "" } else { namespace };
        let rules = self.followed.read(|index| index.role(place, name).map(<[Rule]>::to_vec));
        rules.ok_or_else(|| ApiError::not_found(GROUP, if cluster { "clusterroles" } else { "roles" }, name))
    }
}

fn is_master(identity: &Identity) -> bool {
    identity.groups.iter().any(|it| it == MASTERS)
}

fn explain(mut problems: Vec<String>) -> String {
    problems.sort();
    problems.dedup();
    match problems.as_slice() {
        [] => String::new(),
        [one] => format!("RBAC: {one}"),
        many => format!("RBAC: [{}]", many.join(", ")),
    }
}
