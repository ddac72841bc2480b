//! Copying what steps print, while they print.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use fairway_api::v1alpha1::PipelineRun;
use fairway_failpoints::Failpoints;
use futures::AsyncReadExt as _;
use futures::channel::mpsc;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, ResourceExt};
use tokio::task::JoinSet;

use super::steps::{has_ended, has_log};
use super::{Pipelines, pod};
use crate::Error;
use crate::failpoints::LOG_COPIED;
use crate::hosting::RunLogs;

/// How much is read at a time.
const CHUNK: usize = 64 << 10;
/// A node that keeps the same limit says at its end that the log is full: there is room for that too.
const LAST_WORDS: u64 = 256;

/// A run of which a log is whole now.
pub(super) struct Whole {
    pub(super) project: String,
    pub(super) run: String,
}

/// Who copies which log. What stops in the middle is begun again by a later pass.
pub(super) struct Followers {
    whole: mpsc::UnboundedSender<Whole>,
    tasks: Mutex<JoinSet<()>>,
    under_way: Arc<Mutex<BTreeSet<String>>>,
}

/// One log.
struct Log {
    api: Api<Pod>,
    logs: RunLogs,
    project: String,
    run: String,
    step: String,
    pod: String,
    limit: u64,
    failpoints: Failpoints,
}

impl Followers {
    /// Followers that tell when they are done.
    pub(super) fn telling(whole: mpsc::UnboundedSender<Whole>) -> Self {
        Self { whole, tasks: Mutex::default(), under_way: Arc::default() }
    }

    fn follow(&self, log: Log) {
        let key = format!("{}/{}", log.project, log.pod);
        if !self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            return;
        }
        let under_way = Arc::clone(&self.under_way);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        let whole = self.whole.clone();
        tasks.spawn(async move {
            let copied = copy(&log).await;
            under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            match copied {
                // Nobody listens when the controller stops.
                Ok(true) => drop(whole.unbounded_send(Whole { project: log.project, run: log.run })),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(pod.name = log.pod, error = %error, "the log of a step was not copied; it is tried again");
                }
            }
        });
    }

    /// Stops copying.
    pub(super) async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}

/// Follows the logs of all steps that print and are not copied yet.
pub(super) fn follow(
    run: &PipelineRun,
    pods: &std::collections::BTreeMap<String, Pod>,
    limit: impl Fn(&str) -> u64,
    pipelines: &Pipelines,
) {
    let home = run.namespace().unwrap_or_default();
    for (step, _) in pods.iter().filter(|it| has_log(it.1)) {
        if pipelines.hosting.logs.is_whole(&home, &run.name_any(), step) {
            continue;
        }
        pipelines.followers.follow(Log {
            api: Api::namespaced(pipelines.ctx.kit.client.clone(), &home),
            logs: pipelines.hosting.logs.clone(),
            project: home.clone(),
            run: run.name_any(),
            step: step.clone(),
            pod: pod::pod_name(run, step),
            limit: limit(step).saturating_add(LAST_WORDS),
            failpoints: pipelines.ctx.failpoints.clone(),
        });
    }
}

/// Copies a log to its end, and says whether it is whole. Without its end it does not get its name.
async fn copy(log: &Log) -> Result<bool, Error> {
    let mut writer =
        log.logs.begin(&log.project, &log.run, &log.step, log.limit).await.map_err(Error::disk("begin the log"))?;
    let parameters = LogParams { follow: true, ..LogParams::default() };
    let stream = log.api.log_stream(&log.pod, &parameters).await.map_err(Error::read("the log"))?;
    let mut stream = std::pin::pin!(stream);
    let mut chunk = vec![0u8; CHUNK];
    loop {
        let length = stream.read(&mut chunk).await.map_err(Error::disk("read the log"))?;
        if length == 0 {
            break;
        }
        writer.append(&chunk[..length]).await.map_err(Error::disk("write the log"))?;
    }
    let pod = log.api.get_opt(&log.pod).await.map_err(Error::read("the step's pod"))?;
    // A stream may end before what it is of does.
    if pod.as_ref().is_some_and(|it| it.metadata.deletion_timestamp.is_none() && !ends(it)) {
        return Ok(false);
    }
    writer.finish().await.map_err(Error::disk("end the log"))?;
    log.failpoints.pass(LOG_COPIED);
    Ok(true)
}

/// Whether nothing more will be printed.
fn ends(pod: &Pod) -> bool {
    let states = pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten());
    has_ended(pod) || states.into_iter().all(|it| it.state.as_ref().is_some_and(|it| it.terminated.is_some()))
}
