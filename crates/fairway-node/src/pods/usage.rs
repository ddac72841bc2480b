//! Volumes that hold more than they may: looked at again and again, and the pods that use them told.
//!
//! Looking costs time on big volumes. It happens off the runtime, and the longer it takes the longer it rests.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fairway_clock::World;
use tokio::sync::mpsc;

use crate::runner::walk::{Allowance, Usage as Held, measure};

/// How long to rest at least after having looked at everything.
const REST: Duration = Duration::from_millis(500);
/// Of ten parts of the time, one is for looking.
const REST_FACTOR: u32 = 9;

/// Why a pod is ended before its containers are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// A volume of a pod that may only hold so much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limited {
    /// What people call it: `EmptyDir volume "x"` or `claim "y"`.
    pub(crate) what: String,
    pub(crate) folder: PathBuf,
    pub(crate) bytes: u64,
    /// What to do about it, where that is not plain: a sentence, or nothing.
    pub(crate) advice: &'static str,
}

struct Watched {
    volumes: Vec<Limited>,
    tell: mpsc::Sender<Cut>,
}

/// The volumes that are watched, by pod.
#[derive(Default)]
pub(crate) struct Usage(Mutex<HashMap<String, Watched>>);

impl Usage {
    fn pods(&self) -> MutexGuard<'_, HashMap<String, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches the volumes of a pod, instead of those that were said before.
    pub(crate) fn watch(&self, pod: &str, volumes: Vec<Limited>, tell: mpsc::Sender<Cut>) {
        if volumes.is_empty() {
            self.pods().remove(pod);
        } else {
            self.pods().insert(pod.to_owned(), Watched { volumes, tell });
        }
    }

    /// Lets a pod be.
    pub(crate) fn forget(&self, pod: &str) {
        self.pods().remove(pod);
    }

    /// Looks at all of them once; volumes that several pods share only once.
    fn look(&self) {
        let folders: BTreeMap<PathBuf, u64> = {
            let pods = self.pods();
            pods.values().flat_map(|it| &it.volumes).map(|it| (it.folder.clone(), it.bytes)).collect()
        };
        for (folder, bytes) in folders {
            let allowance = Allowance::of(bytes);
            match measure(&folder, allowance) {
                Ok(held) if allowance.is_kept_by(&held) => {}
                Ok(held) => self.tell(&folder, &held, allowance),
                // It may just have been removed with its pod.
                Err(error) => tracing::debug!(path = %folder.display(), error = %error, "a volume was not measured"),
            }
        }
    }

    fn tell(&self, folder: &PathBuf, held: &Held, allowance: Allowance) {
        for watched in self.pods().values() {
            for volume in watched.volumes.iter().filter(|it| it.folder == *folder) {
                // Who has not taken in the last one yet needs no more.
                let _busy = watched.tell.try_send(cut(volume, held, allowance));
            }
        }
    }
}

/// What is said of a volume that holds too much. Deterministic: how much it holds by now is not.
fn cut(volume: &Limited, held: &Held, allowance: Allowance) -> Cut {
    let what = &volume.what;
    let message = if held.bytes > allowance.bytes {
        format!("Usage of {what} exceeds the limit {:?}. ", size(volume.bytes))
    } else if held.is_too_deep {
        format!("Folders of {what} lie in each other deeper than can be looked after. ")
    } else {
        let (limit, files) = (size(volume.bytes), allowance.files);
        format!("Usage of {what} exceeds the {files} files that go with the limit {limit:?}. ")
    };
    Cut { reason: "Evicted", message: message + volume.advice }
}

/// Bytes in the biggest unit that they are whole in.
fn size(bytes: u64) -> String {
    let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
    let fits = |shift: u32| bytes > 0 && bytes.trailing_zeros() >= shift;
    match units.iter().find(|it| fits(it.1)) {
        Some((unit, shift)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// Looks for ever.
pub(crate) async fn watch(usage: Arc<Usage>, world: World) {
    loop {
        let before = world.clock.monotonic();
        let looking = Arc::clone(&usage);
        let _stopped = tokio::task::spawn_blocking(move || looking.look()).await;
        let took = world.clock.monotonic().saturating_sub(before);
        tokio::time::sleep(REST.max(took * REST_FACTOR)).await;
    }
}

#[cfg(test)]
mod tests;
