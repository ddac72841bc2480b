//! PersistentVolumeClaims: each is a folder of this machine, bound as soon as it is seen, removed with its claim.
//!
//! One watch of all claims. What is to be done for a claim is decided in pure code ([`decide`]); what cannot be done now is
//! tried again, and keeps no other claim waiting.

mod decide;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Shared, chain};
use crate::runner::Volume;
use decide::{Step, decide};

/// After something did not work, or a claim is still used; doubled up to the last.
const TRY_AGAIN: Duration = Duration::from_millis(100);
const LAST_TRY_AGAIN: Duration = Duration::from_secs(5);

/// A claim that is bound.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) volume: Volume,
    /// What it may hold, in bytes.
    pub(crate) limit: Option<u64>,
}

/// The claims that are bound, by namespace and name.
#[derive(Default)]
pub(crate) struct Claims {
    bound: Mutex<BTreeMap<(String, String), Bound>>,
    changed: watch::Sender<()>,
}

impl Claims {
    fn all(&self) -> MutexGuard<'_, BTreeMap<(String, String), Bound>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A claim, if it is bound now.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Bound> {
        self.all().get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// A claim, as soon as it is bound.
    pub(crate) async fn wait(&self, namespace: &str, name: &str) -> Bound {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(bound) = self.get(namespace, name) {
                return bound;
            }
            let _sender_lives_as_long_as_we = changed.changed().await;
        }
    }

    fn put(&self, claim: &PersistentVolumeClaim, bound: Bound) {
        self.all().insert(key(claim), bound);
        self.changed.send_replace(());
    }

    fn remove(&self, claim: &PersistentVolumeClaim) {
        self.all().remove(&key(claim));
    }
}

fn key(claim: &PersistentVolumeClaim) -> (String, String) {
    (claim.namespace().unwrap_or_default(), claim.name_any())
}

/// The claims that a pod uses, with the volumes that stand for them.
pub(crate) fn used_by(pod: &Pod) -> Vec<(String, String)> {
    let volumes = pod.spec.iter().flat_map(|it| it.volumes.iter().flatten());
    volumes.filter_map(|it| Some((it.name.clone(), it.persistent_volume_claim.as_ref()?.claim_name.clone()))).collect()
}

/// Follows the claims for ever.
pub(crate) async fn follow(shared: Arc<Shared>) {
    let api: Api<PersistentVolumeClaim> = Api::all(shared.settings.client.clone());
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    let mut keeper = Keeper { shared, claims: HashMap::new(), due: BTreeMap::new() };
    let mut listed = BTreeSet::new();
    loop {
        let soonest = keeper.due.values().map(|it| it.0).min();
        let event = tokio::select! {
            event = events.next() => event,
            () = sleep_until(soonest) => {
                keeper.catch_up().await;
                continue;
            }
        };
        match event {
            None => return,
            Some(Ok(watcher::Event::Init)) => listed.clear(),
            Some(Ok(watcher::Event::InitApply(claim))) => {
                listed.extend(claim.uid());
                keeper.take(claim).await;
            }
            Some(Ok(watcher::Event::InitDone)) => keeper.sweep(&listed),
            Some(Ok(watcher::Event::Apply(claim))) => keeper.take(claim).await,
            Some(Ok(watcher::Event::Delete(claim))) => keeper.gone(&claim).await,
            Some(Err(error)) => tracing::debug!(error = %error, "the watch of claims is interrupted"),
        }
    }
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

struct Keeper {
    shared: Arc<Shared>,
    /// By UID, as they were seen last.
    claims: HashMap<String, PersistentVolumeClaim>,
    /// What is to be tried again: when, and after how long a wait.
    due: BTreeMap<String, (Instant, Duration)>,
}

impl Keeper {
    async fn take(&mut self, claim: PersistentVolumeClaim) {
        let Some(uid) = claim.uid() else { return };
        self.claims.insert(uid.clone(), claim);
        self.due.remove(&uid);
        self.try_once(&uid).await;
    }

    async fn catch_up(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self.due.iter().filter(|it| it.1.0 <= now).map(|it| it.0.clone()).collect();
        for uid in due {
            self.try_once(&uid).await;
        }
    }

    async fn try_once(&mut self, uid: &str) {
        let Some(claim) = self.claims.get(uid).cloned() else { return };
        let done = match decide(&claim, self.is_used(&claim)) {
            Step::Nothing => true,
            Step::Wait => false,
            Step::Refuse(why) => {
                self.shared.events.warning(&claim, "ProvisioningFailed", &why).await;
                true
            }
            Step::Bind(limit) => self.bind(&claim, limit).await,
            Step::Remove => self.release(&claim).await,
        };
        if done {
            self.due.remove(uid);
            return;
        }
        let wait = self.due.get(uid).map_or(TRY_AGAIN, |it| (it.1 * 2).min(LAST_TRY_AGAIN));
        self.due.insert(uid.to_owned(), (Instant::now() + wait, wait));
    }

    /// Whether a pod of this node that has not ended uses the claim.
    fn is_used(&self, claim: &PersistentVolumeClaim) -> bool {
        let (namespace, name) = key(claim);
        // Before the pods are known, anyone may be.
        !*self.shared.listed.borrow()
            || self.shared.known().values().any(|it| it.namespace == namespace && it.uses(&name))
    }

    /// Makes the folder and says so. False if it must be tried again.
    async fn bind(&self, claim: &PersistentVolumeClaim, limit: Option<u64>) -> bool {
        let (namespace, uid) = (claim.namespace().unwrap_or_default(), claim.uid().unwrap_or_default());
        match self.shared.runner.shared_volume(&namespace, &uid) {
            Ok(volume) => self.shared.claims.put(claim, Bound { volume, limit }),
            Err(error) => {
                self.shared.events.warning(claim, "ProvisioningFailed", &chain(&error)).await;
                return false;
            }
        }
        let mut done = true;
        if let Some(patch) = decide::tie(claim) {
            done = self.patch(claim, &patch, "").await;
        }
        match decide::status(claim) {
            Some(patch) if done => self.patch(claim, &patch, "status").await,
            _ => done,
        }
    }

    /// Removes the folder, then lets the claim go. False if it must be tried again.
    async fn release(&self, claim: &PersistentVolumeClaim) -> bool {
        self.discard(claim).await && self.patch(claim, &decide::untie(claim), "").await
    }

    async fn discard(&self, claim: &PersistentVolumeClaim) -> bool {
        self.shared.claims.remove(claim);
        let (namespace, uid) = (claim.namespace().unwrap_or_default(), claim.uid().unwrap_or_default());
        remove(&self.shared, namespace, uid).await
    }

    /// The claim is not in the API any more; a pod that still used it was not asked.
    async fn gone(&mut self, claim: &PersistentVolumeClaim) {
        let uid = claim.uid().unwrap_or_default();
        self.claims.remove(&uid);
        self.due.remove(&uid);
        self.discard(claim).await;
    }

    /// After a full list: what is not in it is gone, whether it was known or is only a folder.
    fn sweep(&mut self, listed: &BTreeSet<String>) {
        self.claims.retain(|uid, claim| {
            let stays = listed.contains(uid);
            if !stays {
                self.shared.claims.remove(claim);
            }
            stays
        });
        self.due.retain(|uid, _| listed.contains(uid));
        let orphans = self.shared.runner.shared_volumes().into_iter().filter(|it| !listed.contains(&it.1));
        for (namespace, uid) in orphans {
            tracing::info!(volume.namespace = namespace, volume.uid = uid, "a volume without a claim is removed");
            let shared = Arc::clone(&self.shared);
            tokio::task::spawn_blocking(move || remove_now(&shared, &namespace, &uid));
        }
    }

    /// True when it is written, or need not be any more.
    async fn patch(&self, claim: &PersistentVolumeClaim, patch: &serde_json::Value, what: &str) -> bool {
        let (namespace, name) = key(claim);
        let api: Api<PersistentVolumeClaim> = Api::namespaced(self.shared.settings.client.clone(), &namespace);
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
        let done = match what {
            "" => api.patch(&name, &parameters, &patch).await,
            _ => api.patch_status(&name, &parameters, &patch).await,
        };
        match done {
            Ok(_) => true,
            // Somebody changed it: the watch brings what it is now.
            Err(kube::Error::Api(error)) if matches!(error.code, 404 | 409) => true,
            Err(error) => {
                tracing::debug!(claim.name = name, error = %error, "a claim was not written");
                false
            }
        }
    }
}

async fn remove(shared: &Arc<Shared>, namespace: String, uid: String) -> bool {
    let shared = Arc::clone(shared);
    tokio::task::spawn_blocking(move || remove_now(&shared, &namespace, &uid)).await.unwrap_or(false)
}

fn remove_now(shared: &Shared, namespace: &str, uid: &str) -> bool {
    let removed = shared.runner.remove_shared_volume(namespace, uid);
    if let Err(error) = &removed {
        tracing::warn!(volume.namespace = namespace, volume.uid = uid, error = %chain(error), "a volume stays");
    }
    removed.is_ok()
}
