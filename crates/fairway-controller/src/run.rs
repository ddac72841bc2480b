//! Running a reconciler: per-object backoff, contained panics, one log line a pass.

use std::fmt::Debug;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fairway_clock::World;
use futures::{FutureExt, StreamExt};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::watcher;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

use crate::{Backoffs, Events, Failure, Guarded, Retry, chain};

/// A settled object is looked at again about this often, instead of trusting watches for ever.
const SETTLED: Duration = Duration::from_secs(3600);
/// An object whose reconciler panicked is left alone for this long.
const QUARANTINE: Duration = Duration::from_secs(600);

/// What every controller holds.
pub struct Kit {
    /// The API.
    pub client: Client,
    /// Time and randomness.
    pub world: World,
    /// The controller's name: its field manager and the source of its Events.
    pub name: &'static str,
    /// Its Events.
    pub events: Events,
    /// Its counters.
    pub metrics: Metrics,
    backoffs: Backoffs,
}

/// What a controller counts.
#[derive(Default)]
pub struct Metrics {
    /// Passes that ended well.
    pub succeeded: AtomicU64,
    /// Passes that failed.
    pub failed: AtomicU64,
    /// Passes that panicked.
    pub panicked: AtomicU64,
}

/// When an object is looked at again if nothing changes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is as it should be.
    Settled,
    /// Something is expected by then.
    After(Duration),
}

impl Kit {
    /// The kit of the controller `name`.
    pub fn new(client: Client, world: World, name: &'static str) -> Arc<Self> {
        let events = Events::new(client.clone(), name, world.clone());
        Arc::new(Self { client, world, name, events, metrics: Metrics::default(), backoffs: Backoffs::default() })
    }

    fn settle(&self, object: &str, next: Next) -> Action {
        self.backoffs.succeeded(object);
        self.metrics.succeeded.fetch_add(1, Ordering::Relaxed);
        match next {
            Next::After(wait) => Action::requeue(wait),
            Next::Settled => {
                let mut byte = [0u8; 1];
                self.world.entropy.fill(&mut byte);
                Action::requeue(SETTLED.mul_f64(0.9 + f64::from(byte[0]) / 1275.0))
            }
        }
    }

    fn retry(&self, object: &str, retry: Retry) -> Action {
        self.metrics.failed.fetch_add(1, Ordering::Relaxed);
        match retry {
            Retry::Backoff => Action::requeue(self.backoffs.failed(object, self.world.entropy.as_ref())),
            Retry::After(wait) => Action::requeue(wait),
            Retry::OnChange => Action::requeue(SETTLED),
        }
    }
}

/// A controller over all objects of a kind. An object that cannot be read waits for its change and harms nobody else.
pub fn controller<K>(client: &Client, config: watcher::Config) -> Controller<Guarded<K>>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    Controller::new(Api::<Guarded<K>>::all(client.clone()), config)
}

/// Runs until `stop`. Every pass ends in one log line; a failed one in a later pass.
pub async fn run<K, F, Running, E>(
    controller: Controller<Guarded<K>>,
    kit: Arc<Kit>,
    stop: CancellationToken,
    reconcile: F,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    F: Fn(Arc<K>) -> Running + Send + Sync + 'static,
    Running: Future<Output = Result<Next, E>> + Send + 'static,
    E: Failure,
{
    let reconcile = Arc::new(reconcile);
    // Read by every pass; who may write it knows that none is under way.
    let passes = Arc::new(RwLock::new(()));
    let under_way = Arc::clone(&passes);
    let pass = move |object: Arc<Guarded<K>>, kit: Arc<Kit>| {
        let (reconcile, under_way) = (Arc::clone(&reconcile), Arc::clone(&under_way));
        async move {
            let _under_way = under_way.read().await;
            one_pass(object, kit, reconcile).await
        }
        .boxed()
    };
    let running = controller
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(pass, |_, _, _| Action::requeue(QUARANTINE), kit)
        .for_each(|_| std::future::ready(()));
    // A controller that is stopped before it has seen its objects would wait for them for ever.
    let stopped = async {
        stop.cancelled().await;
        let _none_is = passes.write().await;
    };
    tokio::select! {
        () = running => {}
        () = stopped => {}
    }
}

/// One look at one object. Never fails: what went wrong is in the action.
async fn one_pass<K, F, Running, E>(
    object: Arc<Guarded<K>>,
    kit: Arc<Kit>,
    reconcile: Arc<F>,
) -> Result<Action, std::convert::Infallible>
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
    F: Fn(Arc<K>) -> Running + Send + Sync + 'static,
    Running: Future<Output = Result<Next, E>> + Send + 'static,
    E: Failure,
{
    let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
    let readable = match object.0.as_ref() {
        Ok(readable) => Arc::new(readable.clone()),
        Err(error) => {
            tracing::warn!(controller = kit.name, object = name, error = %error.error, "an object cannot be read");
            return Ok(kit.retry(&name, Retry::OnChange));
        }
    };
    match AssertUnwindSafe(reconcile(readable)).catch_unwind().await {
        Ok(Ok(next)) => {
            tracing::debug!(controller = kit.name, object = name, "reconciled");
            Ok(kit.settle(&name, next))
        }
        Ok(Err(error)) => {
            tracing::warn!(
                controller = kit.name,
                object = name,
                reason = error.reason(),
                error = chain(&error),
                "a pass failed"
            );
            Ok(kit.retry(&name, error.retry()))
        }
        Err(_) => {
            kit.metrics.panicked.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                controller = kit.name,
                object = name,
                "a pass panicked; the object is left alone for a while"
            );
            Ok(Action::requeue(QUARANTINE))
        }
    }
}
