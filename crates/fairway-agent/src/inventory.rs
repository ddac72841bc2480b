//! The inventory: which objects a bundle made. Written before they are applied, completed with UIDs after.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Agent, Error, MANAGER};

/// The key of the entries in the ConfigMap.
const ENTRIES: &str = "entries.json";
/// Label: what the ConfigMap is.
const LABEL: &str = "fairway.dev/inventory";

/// One object of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Known once it was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
    /// The digest of what was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    /// The cause it was applied with: an unchanged object keeps it, so that applying it again writes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
}

impl Entry {
    /// The entry of an object that is about to be applied.
    pub(crate) fn of(object: &Value, namespace: &str) -> Self {
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        Self {
            api_version: text(&object["apiVersion"]),
            kind: text(&object["kind"]),
            namespace: object["metadata"]["namespace"].as_str().unwrap_or(namespace).to_owned(),
            name: text(&object["metadata"]["name"]),
            uid: None,
            digest: None,
            cause: None,
        }
    }

    /// Whether it is about the same object.
    pub(crate) fn names(&self, other: &Self) -> bool {
        let group = |it: &Self| it.api_version.rsplit_once('/').map(|it| it.0.to_owned());
        group(self) == group(other)
            && self.kind == other.kind
            && self.namespace == other.namespace
            && self.name == other.name
    }

    /// `Deployment/web`.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// All entries: those of before, with those of the bundle over them. Nothing is dropped here; that is pruning.
pub(crate) fn intended(before: &[Entry], bundle: &[Entry]) -> Vec<Entry> {
    let mut all = before.to_vec();
    for it in bundle {
        if !all.iter().any(|other| other.names(it)) {
            all.push(it.clone());
        }
    }
    all
}

/// The entries that the bundle no longer has. A claim is none of them: what it holds goes only with all the rest.
pub(crate) fn surplus(inventory: &[Entry], bundle: &[Entry]) -> Vec<Entry> {
    let is_left = |it: &&Entry| !bundle.iter().any(|other| other.names(it)) && it.kind != "PersistentVolumeClaim";
    inventory.iter().filter(is_left).cloned().collect()
}

impl Agent {
    pub(crate) async fn read_inventory(&self, namespace: &str, name: &str) -> Result<Vec<Entry>, Error> {
        let failed = |source| Error::ReadInventory { namespace: namespace.to_owned(), name: name.to_owned(), source };
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let map = api.get_opt(&object_name(name)).await.map_err(|it| failed(Box::new(it)))?;
        let text = map.and_then(|it| it.data).and_then(|it| it.get(ENTRIES).cloned());
        // An inventory that cannot be read must not be taken for an empty one: everything would look like others'.
        text.map_or(Ok(Vec::new()), |it| serde_json::from_str(&it).map_err(|it| failed(Box::new(it))))
    }

    pub(crate) async fn write_inventory(&self, namespace: &str, name: &str, entries: &[Entry]) -> Result<(), Error> {
        let failed = |source| Error::WriteInventory { namespace: namespace.to_owned(), name: name.to_owned(), source };
        let text = serde_json::to_string(entries).map_err(|it| failed(kube::Error::SerdeError(it)))?;
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(object_name(name)),
                namespace: Some(namespace.to_owned()),
                labels: Some(BTreeMap::from([(LABEL.to_owned(), name.to_owned())])),
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from([(ENTRIES.to_owned(), text)])),
            ..ConfigMap::default()
        };
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let parameters = PatchParams::apply(MANAGER).force();
        api.patch(&object_name(name), &parameters, &Patch::Apply(&map)).await.map(|_| ()).map_err(failed)
    }

    pub(crate) async fn forget_inventory(&self, namespace: &str, name: &str) -> Result<(), Error> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        match api.delete(&object_name(name), &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(error)) if error.code == 404 => Ok(()),
            Err(source) => {
                Err(Error::WriteInventory { namespace: namespace.to_owned(), name: name.to_owned(), source })
            }
        }
    }
}

fn object_name(name: &str) -> String {
    format!("{name}.inventory")
}

#[cfg(test)]
mod tests;
