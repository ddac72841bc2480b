//! Roles by name and grants by subject: what a decision needs, without a search.

use std::collections::HashMap;
use std::sync::Arc;

use fairway_store::{Key, Stored};
use serde::Deserialize;

use super::aggregation::{AggregationRule, Labelled, unite};
use super::rules::Rule;
use super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GROUP, ROLE_BINDINGS, ROLES};
use crate::Identity;

/// Namespace and name; the namespace is empty for cluster roles.
type Name = (Arc<str>, Arc<str>);

#[cfg(test)]
mod tests;

/// Everything known about roles and bindings.
#[derive(Default)]
pub(crate) struct Index {
    /// By namespace, which is empty for cluster roles, and name.
    roles: HashMap<Arc<str>, HashMap<Arc<str>, Role>>,
    /// By namespace of the binding; empty for the cluster.
    grants: HashMap<Arc<str>, Grants>,
    /// Who a binding names, so that it can be withdrawn.
    bindings: HashMap<Name, Vec<Subject>>,
}

struct Role {
    /// What it allows; of an aggregated one the union of those it selects.
    rules: Arc<[Rule]>,
    written: Arc<[Rule]>,
    aggregation: Option<AggregationRule>,
    labels: fairway_store::Labels,
}

/// What the bindings of one place give, by whom they name.
#[derive(Default)]
struct Grants {
    users: HashMap<Arc<str>, Vec<Grant>>,
    groups: HashMap<Arc<str>, Vec<Grant>>,
}

/// A user name (service accounts have one too) or a group.
enum Subject {
    User(Arc<str>),
    Group(Arc<str>),
}

/// A role given to a subject by a binding.
pub(crate) struct Grant {
    namespace: Arc<str>,
    binding: Arc<str>,
    cluster_role: bool,
    role: Arc<str>,
    /// How the binding spells the subject, for people.
    subject: Arc<str>,
}

/// One step of a walk over what an identity has.
pub(crate) enum Visit<'a> {
    /// The rules of a role, and how they are given.
    Rules(&'a [Rule], &'a Grant),
    /// A binding names a role that is not there.
    Missing(String),
}

impl Index {
    /// Takes an object in, as it is now. What cannot be read gives no rights.
    pub(crate) fn put(&mut self, object: &Stored) {
        let key = &object.key;
        match &*key.resource {
            ROLES | CLUSTER_ROLES => self.put_role(object),
            ROLE_BINDINGS | CLUSTER_ROLE_BINDINGS => self.put_binding(object),
            _ => {}
        }
    }

    /// Forgets an object.
    pub(crate) fn remove(&mut self, key: &Key) {
        match &*key.resource {
            ROLES | CLUSTER_ROLES => self.remove_role(key),
            ROLE_BINDINGS | CLUSTER_ROLE_BINDINGS => self.withdraw(&name(key)),
            _ => {}
        }
    }

    /// The rules of a role; cluster roles have an empty namespace.
    pub(crate) fn role(&self, namespace: &str, name: &str) -> Option<&[Rule]> {
        Some(&self.roles.get(namespace)?.get(name)?.rules)
    }

    /// Cluster roles whose stored rules are not those they should have, with those.
    pub(crate) fn outdated(&self) -> Vec<(Arc<str>, Arc<[Rule]>)> {
        let cluster = self.roles.get("").into_iter().flatten();
        let outdated = cluster.filter(|(_, role)| role.aggregation.is_some() && role.rules != role.written);
        outdated.map(|(name, role)| (Arc::clone(name), Arc::clone(&role.rules))).collect()
    }

    /// Walks over the rules an identity has in the cluster and, if one is given, in a namespace, until told to stop.
    pub(crate) fn visit(&self, identity: &Identity, namespace: &str, each: &mut dyn FnMut(Visit<'_>) -> bool) {
        let places: &[&str] = if namespace.is_empty() { &[""] } else { &["", namespace] };
        for grants in places.iter().filter_map(|it| self.grants.get(*it)) {
            let by_group = identity.groups.iter().filter_map(|it| grants.groups.get(it.as_str())).flatten();
            for grant in grants.users.get(identity.user.as_str()).into_iter().flatten().chain(by_group) {
                if !each(self.follow(grant)) {
                    return;
                }
            }
        }
    }

    fn follow<'a>(&'a self, grant: &'a Grant) -> Visit<'a> {
        let home = if grant.cluster_role { "" } else { &*grant.namespace };
        match self.role(home, &grant.role) {
            Some(rules) => Visit::Rules(rules, grant),
            None => Visit::Missing(format!("{}.{GROUP} {:?} not found", grant.kind().to_lowercase(), grant.role)),
        }
    }

    fn put_role(&mut self, object: &Stored) {
        let read: RoleBody = read(object);
        let rules: Arc<[Rule]> = read.rules.unwrap_or_default().into();
        let (namespace, name) = name(&object.key);
        let cluster = namespace.is_empty();
        let aggregation = read.aggregation_rule.filter(|_| cluster);
        let role = Role { written: Arc::clone(&rules), rules, aggregation, labels: Arc::clone(&object.labels) };
        self.roles.entry(namespace).or_default().insert(name, role);
        if cluster {
            self.aggregate();
        }
    }

    fn remove_role(&mut self, key: &Key) {
        if let Some(roles) = self.roles.get_mut(&key.namespace) {
            roles.remove(&key.name);
            if roles.is_empty() {
                self.roles.remove(&key.namespace);
            }
        }
        if key.namespace.is_empty() {
            self.aggregate();
        }
    }

    fn put_binding(&mut self, object: &Stored) {
        let (namespace, binding) = name(&object.key);
        self.withdraw(&name(&object.key));
        let read: BindingBody = read(object);
        let cluster_role = read.role_ref.kind == "ClusterRole";
        if !cluster_role && (read.role_ref.kind != "Role" || namespace.is_empty()) {
            return;
        }
        let role: Arc<str> = read.role_ref.name.into();
        let grants = self.grants.entry(Arc::clone(&namespace)).or_default();
        let mut subjects = Vec::new();
        for (subject, shown) in read.subjects.into_iter().flatten().filter_map(|it| it.resolve(&namespace)) {
            grants.held(&subject).push(Grant {
                namespace: Arc::clone(&namespace),
                binding: Arc::clone(&binding),
                cluster_role,
                role: Arc::clone(&role),
                subject: shown.into(),
            });
            subjects.push(subject);
        }
        self.bindings.insert((namespace, binding), subjects);
    }

    fn withdraw(&mut self, name: &Name) {
        let Some(subjects) = self.bindings.remove(name) else { return };
        let Some(grants) = self.grants.get_mut(&name.0) else { return };
        for subject in subjects {
            grants.held(&subject).retain(|it| it.binding != name.1);
        }
        grants.users.retain(|_, it| !it.is_empty());
        grants.groups.retain(|_, it| !it.is_empty());
        if grants.users.is_empty() && grants.groups.is_empty() {
            self.grants.remove(&name.0);
        }
    }

    /// Gives aggregated cluster roles the rules of those they select.
    fn aggregate(&mut self) {
        let Some(cluster) = self.roles.get_mut("") else { return };
        let mut sorted: Vec<_> = cluster.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(b.0));
        let labelled: Vec<Labelled<'_>> = sorted
            .into_iter()
            .map(|(name, role)| Labelled {
                name,
                labels: &role.labels,
                rules: &role.written,
                aggregation: role.aggregation.as_ref(),
            })
            .collect();
        for (name, rules) in unite(&labelled) {
            if let Some(role) = cluster.get_mut(&name) {
                role.rules = rules;
            }
        }
    }
}

impl Grants {
    fn held(&mut self, subject: &Subject) -> &mut Vec<Grant> {
        match subject {
            Subject::User(name) => self.users.entry(Arc::clone(name)).or_default(),
            Subject::Group(name) => self.groups.entry(Arc::clone(name)).or_default(),
        }
    }
}

impl Grant {
    fn kind(&self) -> &'static str {
        if self.cluster_role { "ClusterRole" } else { "Role" }
    }
}

impl std::fmt::Display for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { namespace, binding, role, subject, .. } = self;
        if namespace.is_empty() {
            write!(f, "ClusterRoleBinding {binding:?}")?;
        } else {
            write!(f, "RoleBinding {:?}", format!("{binding}/{namespace}"))?;
        }
        write!(f, " of {} {role:?} to {subject}", self.kind())
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RoleBody {
    rules: Option<Vec<Rule>>,
    aggregation_rule: Option<AggregationRule>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BindingBody {
    subjects: Option<Vec<SubjectBody>>,
    role_ref: RoleRef,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RoleRef {
    kind: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SubjectBody {
    kind: String,
    name: String,
    namespace: String,
}

impl SubjectBody {
    /// What it is looked up by, and how people call it. A service account without a namespace is one of the binding's.
    fn resolve(self, place: &str) -> Option<(Subject, String)> {
        let Self { kind, name, namespace } = self;
        match kind.as_str() {
            "User" => Some((Subject::User(name.as_str().into()), format!("User {name:?}"))),
            "Group" => Some((Subject::Group(name.as_str().into()), format!("Group {name:?}"))),
            "ServiceAccount" => {
                let home = if namespace.is_empty() { place } else { &namespace };
                let user = Subject::User(Identity::service_account(home, &name).user.into());
                (!home.is_empty()).then(|| (user, format!("ServiceAccount {:?}", format!("{name}/{home}"))))
            }
            _ => None,
        }
    }
}

fn name(key: &Key) -> Name {
    (Arc::clone(&key.namespace), Arc::clone(&key.name))
}

fn read<T: Default + for<'de> Deserialize<'de>>(object: &Stored) -> T {
    serde_json::from_slice(&object.value).unwrap_or_else(|error| {
        let key = &object.key;
        tracing::warn!(object.resource = %key.resource, object.namespace = %key.namespace, object.name = %key.name,
            %error, "an access rule cannot be read and gives no rights");
        T::default()
    })
}
