//! What a controller may do, in the words in which it asks for it.

use k8s_openapi::api::rbac::v1::PolicyRule;

/// Looking at objects of a kind.
pub const READ: &[&str] = &["get", "list", "watch"];
/// Making objects of a kind, and taking them away again.
pub const MAKE: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// One controller's rights, for whoever sets up its account.
pub struct Right {
    /// The controller, and the name of its ServiceAccount.
    pub name: &'static str,
    /// What it may do.
    pub rules: Vec<PolicyRule>,
}

/// The rule that allows these verbs on these resources of one group; the core group is `""`.
pub fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}

/// What [`Events`](crate::Events) needs.
pub fn events() -> PolicyRule {
    rule("", &["events"], &["create", "patch"])
}
