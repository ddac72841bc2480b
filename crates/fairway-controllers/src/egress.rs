//! What pods may reach outside: data of the platform team, in one ConfigMap, which the controllers of Projects and
//! Environments write to their namespaces. There it holds for every pod ([`fairway_outside::EGRESS_ANNOTATION`]).

use std::fmt::Write as _;

use fairway_api::conditions::Wanted;
use fairway_api::names::NAMESPACE_SYSTEM;
use fairway_api::v1alpha1::EgressReason;
use fairway_controller::{Guarded, READ, rule};
use fairway_outside::Destinations;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::runtime::watcher;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::{Context, Error};

/// The condition that says whether the list holds.
pub(crate) const EGRESS_ENFORCED: &str = "EgressEnforced";
/// The ConfigMap in [`NAMESPACE_SYSTEM`]: a list for each tier, and one for pipelines.
pub const CONFIG_MAP: &str = "egress";
/// The list for pipelines, which run in the namespace of the Project.
pub(crate) const PIPELINE: &str = "pipeline";
/// What pipelines may reach until the platform team says otherwise: where packages come from.
const REGISTRIES: &str = "\
# Package registries. One host:port a line; *.example.com:443 stands for every name below example.com.
index.crates.io:443
static.crates.io:443
crates.io:443
pypi.org:443
files.pythonhosted.org:443
registry.npmjs.org:443
proxy.golang.org:443
sum.golang.org:443
repo.maven.apache.org:443
repo1.maven.org:443
deb.debian.org:80
deb.debian.org:443
security.debian.org:80
security.debian.org:443
";
/// Entries that cannot be read that a condition names.
const NAMED: usize = 3;

/// The ConfigMap as a plane begins with it. Whoever changes it keeps the change: it is made once.
pub fn defaults() -> Value {
    let nothing = "# Nothing outside. One host:port a line.\n";
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": CONFIG_MAP, "namespace": NAMESPACE_SYSTEM },
        "data": {
            PIPELINE: REGISTRIES, "development": nothing, "staging": nothing, "production": nothing, "preview": nothing,
        },
    })
}

/// What a controller that writes the lists may do for it: read this one ConfigMap.
pub(crate) fn right() -> PolicyRule {
    PolicyRule { resource_names: Some(vec![CONFIG_MAP.to_owned()]), ..rule("", &["configmaps"], READ) }
}

/// The ConfigMap, to be watched with [`only`].
pub(crate) fn followed(client: &Client) -> Api<Guarded<ConfigMap>> {
    Api::namespaced(client.clone(), NAMESPACE_SYSTEM)
}

/// Chooses the one ConfigMap.
pub(crate) fn only() -> watcher::Config {
    watcher::Config::default().fields(&format!("metadata.name={CONFIG_MAP}"))
}

/// Reads the ConfigMap.
pub(crate) async fn observe(ctx: &Context) -> Result<Option<ConfigMap>, Error> {
    let api: Api<ConfigMap> = Api::namespaced(ctx.kit.client.clone(), NAMESPACE_SYSTEM);
    api.get_opt(CONFIG_MAP).await.map_err(Error::read("the list of addresses outside"))
}

/// What the pods of one namespace may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Egress {
    key: &'static str,
    list: Destinations,
    /// The ConfigMap or its key is not there.
    missing: Option<String>,
}

impl Egress {
    /// The list under a key. What is not there or cannot be read allows nothing.
    pub(crate) fn plan(config: Option<&ConfigMap>, key: &'static str) -> Self {
        let text = config.map(|it| it.data.as_ref().and_then(|it| it.get(key)));
        let missing = match text {
            None => Some(format!("ConfigMap {CONFIG_MAP} in namespace {NAMESPACE_SYSTEM} does not exist")),
            Some(None) => Some(format!("ConfigMap {CONFIG_MAP} in namespace {NAMESPACE_SYSTEM} has no key {key:?}")),
            Some(Some(_)) => None,
        };
        let lines = text.flatten().map(String::as_str).unwrap_or_default().lines();
        let entries = lines.map(|it| it.split('#').next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        Self { key, list: Destinations::parse(&entries), missing }
    }

    /// The value of the namespace's annotation.
    pub(crate) fn annotation(&self) -> String {
        self.list.to_string()
    }

    /// Whether it holds; a plane that cannot keep pods to it says so.
    pub(crate) fn condition(&self, enforced: bool) -> Wanted {
        let wanted = |status: fn(&'static str, &'static str, String) -> Wanted, reason: EgressReason, message| {
            status(EGRESS_ENFORCED, reason.as_str(), message)
        };
        if !enforced {
            let message = "this cluster cannot keep pods to a list of names: they reach what its network lets them";
            return wanted(Wanted::no, EgressReason::EgressNotEnforced, message.to_owned());
        }
        let count = self.list.len();
        let mut message = match (&self.missing, count) {
            (Some(why), _) => format!("pods reach nothing outside: {why}"),
            (None, 0) => "pods reach nothing outside".to_owned(),
            (None, _) => format!("pods reach {count} addresses outside and no other"),
        };
        let wrong = self.list.unreadable();
        if wrong.is_empty() && self.missing.is_none() {
            return wanted(Wanted::yes, EgressReason::EgressInForce, message);
        }
        for it in wrong.iter().take(NAMED) {
            let _never_fails = write!(message, "; key {}: {it}", self.key);
        }
        if wrong.len() > NAMED {
            let _never_fails = write!(message, "; and {} more entries that allow nothing", wrong.len() - NAMED);
        }
        wanted(Wanted::yes, EgressReason::EgressListUnreadable, message)
    }
}

#[cfg(test)]
mod tests;
