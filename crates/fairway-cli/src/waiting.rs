//! Waiting for an object to become something, by watching it.

use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Api;
use kube::runtime::watcher::{self, watch_object};
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::session::Session;

/// What is thought of an object while waiting.
pub(crate) enum Verdict<T> {
    /// Not yet; what to show meanwhile.
    Wait(String),
    /// This is it.
    Done(T),
    /// It will not come.
    Never(Failure),
}

/// Watches an object until it is judged. Stopping to wait changes nothing about the object.
pub(crate) async fn until<K, T>(
    session: &Session,
    api: Api<K>,
    name: &str,
    timeout: Duration,
    mut judge: impl FnMut(Option<&K>) -> Verdict<T>,
) -> Result<T, Failure>
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut last = String::new();
    let watching = async {
        let mut stream = std::pin::pin!(watch_object(api, name));
        while let Some(seen) = stream.next().await {
            match seen {
                Ok(object) => match judge(object.as_ref()) {
                    Verdict::Wait(text) => {
                        session.progress.step(&text);
                        last = text;
                    }
                    Verdict::Done(value) => return Ok(value),
                    Verdict::Never(failure) => return Err(failure),
                },
                Err(error) => wait_out(name, error).await?,
            }
        }
        Err(Failure::failed(format!("the watch of {name} ended")))
    };
    let outcome = tokio::time::timeout(timeout, watching).await;
    session.progress.end();
    outcome.unwrap_or_else(|_| {
        let so_far = if last.is_empty() { String::new() } else { format!("; so far: {last}") };
        Err(Failure::not_ready(format!("{name} is not there after {} seconds{so_far}", timeout.as_secs()))
            .hint("it goes on without us; platform status shows how it stands, --timeout=10m waits longer"))
    })
}

/// A watch that broke comes back, unless it was refused.
async fn wait_out(name: &str, error: watcher::Error) -> Result<(), Failure> {
    let source = match error {
        watcher::Error::InitialListFailed(it) | watcher::Error::WatchStartFailed(it) => it,
        watcher::Error::WatchFailed(_) | watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => {
            return Ok(());
        }
    };
    if matches!(&source, kube::Error::Api(status) if status.code == 403 || status.code == 401 || status.code == 404) {
        return Err(Failure::api(format!("watch {name}"))(source));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(())
}
