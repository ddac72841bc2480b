//! The claims that a pod uses, and the volumes of it that may hold only so much.

use std::path::PathBuf;
use std::time::Duration;

use kube::ResourceExt;

use super::Worker;
use crate::pods::claims::used_by;
use crate::pods::containers::{Source, milli};
use crate::pods::usage::Limited;
use crate::runner;

/// A claim that was made a moment before its pod is bound within milliseconds.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a claim holds stays after its pods.
const ADVICE: &str = "Raise its requests.storage; or delete the claim, with all it holds, to begin anew. ";

impl Worker {
    /// Finds the folders of the pod's claims.
    pub(super) async fn find_claims(&mut self) -> Result<(), String> {
        let namespace = self.pod.namespace().unwrap_or_default();
        for (volume, name) in used_by(&self.pod) {
            if self.claims.contains_key(&volume) {
                continue;
            }
            let bound = tokio::time::timeout(PATIENCE, self.shared.claims.wait(&namespace, &name)).await;
            let missing = |_| {
                format!(
                    "MountVolume.SetUp failed for volume {volume:?} : persistentvolumeclaim {name:?} not found or not bound"
                )
            };
            let bound = bound.map_err(missing)?;
            self.claims.insert(volume, bound);
        }
        Ok(())
    }

    /// As root: the user of the machine that the pod must be to write into what it shares with others.
    pub(super) fn claims_user(&self) -> Option<u32> {
        self.claims.values().find_map(|it| it.volume.owner())
    }

    /// Where the containers find a volume of the pod.
    pub(super) fn source(&self, name: &str) -> Option<Source> {
        let volumes = self.pod.spec.as_ref()?.volumes.as_ref()?;
        let volume = volumes.iter().find(|it| it.name == name)?;
        let Some(claim) = &volume.persistent_volume_claim else {
            return Some(Source { path: runner::volume_path(&self.uid, name), read_only: false });
        };
        let path = self.claims.get(name)?.volume.folder();
        let path = path.strip_prefix(self.shared.runner.state_folder()).unwrap_or(path);
        Some(Source { path: path.to_owned(), read_only: claim.read_only == Some(true) })
    }

    /// Has the pod's volumes looked after that may hold only so much.
    pub(super) fn watch_usage(&self) {
        let volumes = self.pod.spec.as_ref().and_then(|it| it.volumes.clone()).unwrap_or_default();
        let limited = volumes.into_iter().filter_map(|volume| {
            let name = volume.name;
            if let Some(claim) = volume.persistent_volume_claim {
                let bound = self.claims.get(&name)?;
                let what = format!("claim {:?}", claim.claim_name);
                let folder = bound.volume.folder().to_owned();
                return Some(Limited { what, folder, bytes: bound.limit?, advice: ADVICE });
            }
            // What is in memory is bounded by the kernel.
            let source = volume.empty_dir.filter(|it| it.medium.as_deref() != Some("Memory"))?;
            let bytes = milli(source.size_limit.as_ref()?)?.div_ceil(1000);
            let folder: PathBuf = self.shared.runner.state_folder().join(runner::volume_path(&self.uid, &name));
            Some(Limited { what: format!("EmptyDir volume {name:?}"), folder, bytes, advice: "" })
        });
        let limited = limited.chain(self.limited_containers()).collect();
        self.shared.usage.watch(&self.uid, limited, self.cuts.0.clone());
    }

    /// What containers write outside volumes, where they say how much that may be.
    fn limited_containers(&self) -> Vec<Limited> {
        let limited = self.containers().into_iter().filter_map(|container| {
            let limits = container.resources?.limits?;
            let bytes = milli(limits.get("ephemeral-storage")?)?.div_ceil(1000);
            let folder = self.shared.runner.state_folder().join(runner::container_path(&self.uid, &container.name));
            let what = format!("the local ephemeral storage of container {:?}", container.name);
            Some(Limited { what, folder, bytes, advice: "" })
        });
        limited.collect()
    }
}
