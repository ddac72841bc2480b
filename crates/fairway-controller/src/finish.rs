//! Finalizers: only for what owner references cannot reach.

use kube::api::{Api, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The object is wanted, and holds our finalizer.
    Wanted,
    /// The object is going: clean up; [`with_finalizer`] lets it go when told so.
    Leaving,
    /// The object is going and holds nothing of ours.
    Left,
}

/// Makes sure that a wanted object holds the finalizer before anything is made for it, and says what the pass is for.
/// `release` lets a leaving object go: call again with it once its clean-up is done.
pub async fn with_finalizer<K>(api: &Api<K>, object: &K, finalizer: &str, release: bool) -> Result<Phase, kube::Error>
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned,
{
    let held = object.finalizers().iter().any(|it| it == finalizer);
    let leaving = object.meta().deletion_timestamp.is_some();
    match (leaving, held) {
        (false, true) => Ok(Phase::Wanted),
        (false, false) => {
            let mut finalizers = object.finalizers().to_vec();
            finalizers.push(finalizer.to_owned());
            set(api, object, &finalizers).await?;
            Ok(Phase::Wanted)
        }
        (true, true) if release => {
            let rest: Vec<String> = object.finalizers().iter().filter(|it| *it != finalizer).cloned().collect();
            set(api, object, &rest).await?;
            Ok(Phase::Left)
        }
        (true, true) => Ok(Phase::Leaving),
        (true, false) => Ok(Phase::Left),
    }
}

/// Replaces the list, provided that nobody changed the object meanwhile.
async fn set<K>(api: &Api<K>, object: &K, finalizers: &[String]) -> Result<(), kube::Error>
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned,
{
    let patch = json!({ "metadata": {
        "uid": object.uid(),
        "resourceVersion": object.resource_version(),
        "finalizers": finalizers,
    }});
    match api.patch_metadata(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(error)) if error.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}
