//! From a kind to the path it is served under: asked of the cluster once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use kube::Client;
use kube::api::{ApiResource, GroupVersionKind};

/// What the cluster serves, as far as it was asked.
pub(crate) struct Kinds {
    client: Client,
    known: RwLock<HashMap<GroupVersionKind, ApiResource>>,
}

impl Kinds {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, known: RwLock::default() }
    }

    /// How to reach objects of a kind.
    pub(crate) async fn resource(&self, api_version: &str, kind: &str) -> Result<ApiResource, kube::Error> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let wanted = GroupVersionKind::gvk(group, version, kind);
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&wanted) {
            return Ok(known.clone());
        }
        let (resource, _) = kube::discovery::pinned_kind(&self.client, &wanted).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(wanted, resource.clone());
        Ok(resource)
    }
}
