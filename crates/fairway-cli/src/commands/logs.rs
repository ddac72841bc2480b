//! `logs`: what every instance of a service prints, together.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fairway_api::names::{LABEL_COMPONENT, LABEL_ENVIRONMENT};
use futures::{AsyncBufRead, AsyncBufReadExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, LogParams};
use kube::{Api, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Which;
use crate::failure::Failure;
use crate::place;
use crate::session::Session;
use crate::text::harmless;

/// How often new instances are looked for while following.
const LOOK: Duration = Duration::from_secs(1);
/// A longer line is cut: it could be gigabytes.
const MOST_LINE: usize = 64 << 10;

/// Show what a service prints
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Logs {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the only one the service is delivered to
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// Go on with what is printed from now on
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// What the containers printed before they were restarted last
    #[arg(long, short = 'p')]
    pub previous: bool,
    /// Only the last lines of each instance
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(i64).range(0..))]
    pub tail: Option<i64>,
    /// Only what is newer, like 10m
    #[arg(long, value_name = "SPAN", value_parser = crate::text::parse_span)]
    pub since: Option<Duration>,
    /// Only lines with this text
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
}

/// One printed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The instance.
    pub pod: String,
    /// What it printed.
    pub text: String,
}

/// Reads logs; each line is given to `show` as it comes, with whether there are several instances.
pub async fn logs(session: &Session, logs: &Logs, mut show: impl FnMut(&Line, bool)) -> Result<(), Failure> {
    let project = session.project().await?;
    let component = place::component(session, logs.which.named()?)?;
    let (place, _) = place::delivered_environment(session, &project, &component, logs.env.as_deref()).await?;
    let api: Api<Pod> = Api::namespaced(session.client.clone(), &place.namespace());
    let selector = format!("{LABEL_COMPONENT}={component},{LABEL_ENVIRONMENT}={}", place.environment);
    let wanted = Arc::new(logs.clone());
    let (sender, mut lines) = mpsc::channel::<Line>(256);
    let mut readers = JoinSet::new();
    let mut known = BTreeSet::new();
    let mut silent = true;
    let mut show = |line: &Line, several| {
        silent = false;
        show(line, several);
    };
    let mut looked = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => show(&line, known.len() > 1),
            _ = looked.tick(), if logs.follow || known.is_empty() => {
                let pods = instances(&api, &selector).await?;
                if pods.is_empty() && known.is_empty() && !logs.follow {
                    return Err(Failure::not_found(format!("{component} has no instance in {}", place.environment))
                        .hint(format!("platform status {component} --env={}", place.environment)));
                }
                for (pod, container) in pods {
                    if known.insert((pod.clone(), container.clone())) {
                        readers.spawn(read(api.clone(), pod, container, Arc::clone(&wanted), sender.clone()));
                    }
                }
            }
            Some(done) = readers.join_next(), if !readers.is_empty() => {
                if let Ok(Err(failure)) = done && !logs.follow {
                    return Err(failure);
                }
                if readers.is_empty() && !logs.follow {
                    while let Ok(line) = lines.try_recv() {
                        show(&line, known.len() > 1);
                    }
                    if silent {
                        let when = if logs.previous { " before a restart" } else { "" };
                        session.progress.note(&format!("nothing was printed in {}{when}", place.environment));
                    }
                    return Ok(());
                }
            }
        }
    }
}

/// Containers that printed or can print.
async fn instances(api: &Api<Pod>, selector: &str) -> Result<Vec<(String, String)>, Failure> {
    let found = api.list(&ListParams::default().labels(selector)).await.map_err(Failure::api("list instances"))?;
    let mut containers = Vec::new();
    for pod in found.items {
        let begun = |it: &k8s_openapi::api::core::v1::ContainerStatus| {
            let state = it.state.as_ref();
            it.restart_count > 0 || state.is_some_and(|it| it.running.is_some() || it.terminated.is_some())
        };
        let statuses = pod.status.as_ref().and_then(|it| it.container_statuses.clone()).unwrap_or_default();
        containers.extend(statuses.iter().filter(|it| begun(it)).map(|it| (pod.name_any(), it.name.clone())));
    }
    Ok(containers)
}

async fn read(
    api: Api<Pod>,
    pod: String,
    container: String,
    logs: Arc<Logs>,
    sender: mpsc::Sender<Line>,
) -> Result<(), Failure> {
    let parameters = LogParams {
        container: Some(container),
        follow: logs.follow && !logs.previous,
        previous: logs.previous,
        tail_lines: logs.tail,
        since_seconds: logs.since.map(|it| i64::try_from(it.as_secs().max(1)).unwrap_or(i64::MAX)),
        ..LogParams::default()
    };
    let stream = match api.log_stream(&pod, &parameters).await {
        Ok(stream) => stream,
        // An instance that was never restarted has nothing from before.
        Err(kube::Error::Api(status)) if logs.previous && (status.code == 400 || status.code == 404) => return Ok(()),
        Err(error) => return Err(Failure::api(format!("read the log of {pod}"))(error)),
    };
    let mut stream = std::pin::pin!(stream);
    let cut = |it: std::io::Error| Failure::not_running(format!("cannot read the log of {pod} to its end: {it}"));
    while let Some(bytes) = next_line(&mut stream).await.map_err(cut)? {
        let text = harmless(&String::from_utf8_lossy(&bytes));
        if logs.grep.as_ref().is_some_and(|it| !text.contains(it.as_str())) {
            continue;
        }
        if sender.send(Line { pod: pod.clone(), text }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The next line without its end; what is beyond the longest allowed is passed over.
async fn next_line(reader: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    let mut line: Option<Vec<u8>> = None;
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(line);
        }
        let end = chunk.iter().position(|it| *it == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let line = line.get_or_insert_default();
        line.extend_from_slice(&part[..part.len().min(MOST_LINE - line.len())]);
        let (used, whole) = (part.len() + usize::from(end.is_some()), end.is_some());
        if whole {
            let line = std::mem::take(line);
            reader.consume_unpin(used);
            return Ok(Some(line));
        }
        reader.consume_unpin(used);
    }
}

/// A line as it is printed.
pub(crate) fn shown(line: &Line, several: bool) -> String {
    if several { format!("{} | {}\n", line.pod, line.text) } else { format!("{}\n", line.text) }
}

#[cfg(test)]
mod tests;
