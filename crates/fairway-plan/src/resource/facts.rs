//! What the texts of a class can name.

use std::collections::BTreeMap;

use fairway_api::v1alpha1::{ClassPlan, ResourceClassSpec};
use serde_json::{Value, json};

use super::{credentials_secret, dumps_claim};
use crate::template::language::Words;

/// What a Resource is, beside its class.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The Component whose pods may reach it.
    pub component: Option<&'a str>,
    /// The Project.
    pub project: &'a str,
    /// The Environment.
    pub environment: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its plan.
    pub plan: &'a ClassPlan,
    /// Its image, by digest.
    pub image: &'a str,
    /// How often what is generated for it has changed.
    pub serial: u64,
}

impl Facts<'_> {
    fn common(&self) -> Value {
        json!({
            "resource": {
                "name": self.name,
                "namespace": self.namespace,
                "component": self.component.unwrap_or_default(),
                "database": database(self.name),
            },
            "project": { "name": self.project },
            "environment": { "name": self.environment },
            "version": { "name": self.version },
            "plan": self.plan.values,
        })
    }

    /// For manifests.
    pub(super) fn of_manifests(&self) -> Value {
        let mut facts = self.common();
        facts["image"] = json!({ "reference": self.image });
        facts["secret"] = json!({ "name": credentials_secret(self.name) });
        facts["claim"] = json!({ "name": dumps_claim(self.name) });
        facts
    }

    /// For a dump under a name, and for a restore from another one.
    pub(super) fn of_dump(&self, backup: &str, from: Option<&str>) -> Value {
        let mut facts = self.of_manifests();
        facts["backup"] = json!({ "name": backup });
        if let Some(from) = from {
            facts["restore"] = json!({ "from": from });
        }
        facts
    }

    /// For outputs.
    pub(super) fn of_outputs(&self, login: Option<&str>, secrets: &BTreeMap<String, String>) -> Value {
        let mut facts = self.common();
        let password = login.and_then(|it| secrets.get(it));
        facts["login"] = json!({ "name": login.unwrap_or_default(), "password": password.map_or("", |it| it) });
        facts["secrets"] = json!(secrets);
        facts
    }
}

/// Names that servers of databases, and our logins in them, have themselves; `pg_` and more is the server's too.
const NOT_FREE: [&str; 10] =
    ["admin", "app_a", "app_b", "migration", "none", "postgres", "public", "shell", "template0", "template1"];

/// A name for a database and for the role that owns it, which no login and no role of the server has: `my_api_db`.
fn database(resource: &str) -> String {
    let name = resource.replace('-', "_");
    if NOT_FREE.contains(&name.as_str()) || name.starts_with("pg_") { format!("db_{name}") } else { name }
}

/// The words of both.
fn common(class: &ResourceClassSpec) -> Words<'_> {
    let values = class.plans.first().into_iter().flat_map(|it| it.values.keys().map(String::as_str));
    Words::default()
        .with("resource", ["name", "namespace", "component", "database"])
        .with("project", ["name"])
        .with("environment", ["name"])
        .with("version", ["name"])
        .with("plan", values)
}

/// The words of manifests.
pub(super) fn of_manifests(class: &ResourceClassSpec) -> Words<'_> {
    common(class).with("image", ["reference"]).with("secret", ["name"]).with("claim", ["name"])
}

/// The words of a dump.
pub(super) fn of_dump(class: &ResourceClassSpec) -> Words<'_> {
    of_manifests(class).with("backup", ["name"])
}

/// The words of a restore.
pub(super) fn of_restore(class: &ResourceClassSpec) -> Words<'_> {
    of_dump(class).with("restore", ["from"])
}

/// The words of outputs.
pub(super) fn of_outputs(class: &ResourceClassSpec) -> Words<'_> {
    let secrets = class.secrets.iter().map(|it| it.name.as_str());
    common(class).with("login", ["name", "password"]).with("secrets", secrets)
}
