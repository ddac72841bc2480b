//! Writing: server-side apply, status only when it changed, deletes that name what they mean.

use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Applies one object under one field manager, taking over fields that others set: a controller owns what it applies.
pub async fn apply<K>(api: &Api<K>, manager: &str, object: &K) -> Result<K, kube::Error>
where
    K: Resource<DynamicType: Default> + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let mut tree = serde_json::to_value(object).map_err(kube::Error::SerdeError)?;
    tree["apiVersion"] = json!(K::api_version(&K::DynamicType::default()));
    tree["kind"] = json!(K::kind(&K::DynamicType::default()));
    if let Some(metadata) = tree["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    api.patch(&object.name_any(), &PatchParams::apply(manager).force(), &Patch::Apply(&tree)).await
}

/// Writes `status` if it differs from what is there. An unchanged world is not written to.
pub async fn report<K, S>(
    api: &Api<K>,
    object: &K,
    before: Option<&S>,
    wanted: &S,
    manager: &str,
) -> Result<(), kube::Error>
where
    K: Resource<DynamicType: Default> + Clone + std::fmt::Debug + DeserializeOwned,
    S: Serialize + PartialEq,
{
    if before == Some(wanted) {
        return Ok(());
    }
    send(api, object, &serde_json::to_value(wanted).map_err(kube::Error::SerdeError)?, manager).await
}

async fn send<K>(api: &Api<K>, object: &K, status: &Value, manager: &str) -> Result<(), kube::Error>
where
    K: Resource<DynamicType: Default> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let patch = json!({
        "apiVersion": K::api_version(&K::DynamicType::default()),
        "kind": K::kind(&K::DynamicType::default()),
        "metadata": { "name": object.name_any(), "uid": object.uid() },
        "status": status,
    });
    let parameters = PatchParams::apply(manager).force();
    match api.patch_status(&object.name_any(), &parameters, &Patch::Apply::<Value>(patch)).await {
        Ok(_) => Ok(()),
        // Deleted meanwhile, perhaps made anew: this status is nobody's any more.
        Err(kube::Error::Api(error)) if error.code == 404 || (error.code == 409 && error.message.contains("uid")) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Writes some fields of the status, and only if one of them differs: for a status that two controllers share. `part`
/// holds every field that is this controller's, `null` where it has no value.
pub async fn report_part<K>(api: &Api<K>, object: &K, part: &Value, manager: &str) -> Result<(), kube::Error>
where
    K: Resource<DynamicType: Default> + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let before = serde_json::to_value(object).map_err(kube::Error::SerdeError)?;
    let empty = serde_json::Map::new();
    let fields = part.as_object().unwrap_or(&empty);
    if fields.iter().all(|(name, value)| before["status"][name] == *value) {
        return Ok(());
    }
    let given: serde_json::Map<String, Value> = fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    send(api, object, &Value::Object(given), manager).await
}

/// Deletes exactly this object: not another of the same name.
pub async fn delete_exact<K>(api: &Api<K>, name: &str, uid: Option<String>) -> Result<(), kube::Error>
where
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    let parameters =
        DeleteParams { preconditions: Some(Preconditions { uid, resource_version: None }), ..DeleteParams::default() };
    gone_is_fine(api.delete(name, &parameters).await.map(|_| ()))
}

/// Turns "not found" (and "no longer that one") into success.
pub fn gone_is_fine(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(kube::Error::Api(error)) if error.code == 404 || error.code == 409 => Ok(()),
        other => other,
    }
}
