//! Ending a container as its pod asks: the hook, a request, patience, and then force.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, LifecycleHandler};

use super::probes::{Target, command, get};

const SIGKILL: i32 = 9;
/// What is left for the request after a hook that used up all the time.
const LEAST: Duration = Duration::from_secs(2);

/// Ends a run: the hook, whose failure is told, and whoever still comes to it, then its image's signal, patience, and
/// force. Comes back when it has ended, or when its pod is gone.
pub(crate) async fn stop(
    target: &Target,
    container: &Container,
    attempt: u32,
    signal: i32,
    grace: Duration,
    quiet: impl Future<Output = ()>,
    tell: impl AsyncFnOnce(String),
) {
    let begun = tokio::time::Instant::now();
    let name = &container.name;
    if !grace.is_zero() {
        // Whoever may still come is waited for while the hook runs, and never for longer than half of the time.
        let quiet = tokio::time::timeout(grace / 2, quiet);
        let (why, _or_late) = tokio::join!(run_hook(target, container, grace), quiet);
        if let Some(why) = why {
            tell(why).await;
        }
        let left = grace.saturating_sub(begun.elapsed()).max(LEAST.min(grace));
        let _gone = target.pod.signal(name, attempt, signal).await;
        if tokio::time::timeout(left, ended(target, name, attempt)).await.is_ok() {
            return;
        }
    }
    let _gone = target.pod.signal(name, attempt, SIGKILL).await;
    ended(target, name, attempt).await;
}

async fn ended(target: &Target, name: &str, attempt: u32) {
    let mut states = target.pod.watch();
    let over = states.wait_for(|state| {
        !state.containers.iter().any(|it| it.name == name && it.attempt == attempt && it.finished.is_none())
    });
    tokio::select! {
        _ = over => {}
        () = target.pod.gone() => {}
    }
}

async fn run_hook(target: &Target, container: &Container, grace: Duration) -> Option<String> {
    let hook = container.lifecycle.as_ref()?.pre_stop.as_ref()?;
    let late = |_| Err("the hook took all of the grace period".to_owned());
    tokio::time::timeout(grace, follow_hook(target, container, hook, grace)).await.unwrap_or_else(late).err()
}

/// Does what a hook says.
pub(crate) async fn follow_hook(
    target: &Target,
    container: &Container,
    hook: &LifecycleHandler,
    patience: Duration,
) -> Result<(), String> {
    if let Some(exec) = &hook.exec {
        return command(target, container, exec.command.as_deref().unwrap_or_default(), patience).await;
    }
    if let Some(http) = &hook.http_get {
        return get(target, container, http).await;
    }
    if let Some(sleep) = &hook.sleep {
        tokio::time::sleep(Duration::from_secs(u64::try_from(sleep.seconds).unwrap_or(0))).await;
    }
    Ok(())
}
