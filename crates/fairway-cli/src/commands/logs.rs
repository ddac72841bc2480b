//! `logs`: what every instance of a service prints, together, in the order in which it was printed; and what its
//! migrations and its pipeline printed.

mod merge;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fairway_api::names::{LABEL_COMPONENT, LABEL_ENVIRONMENT, LABEL_MIGRATION, LABEL_VERSION, ProjectName};
use fairway_api::v1alpha1::{AttemptOutcome, Delivery};
use fairway_plan::release::version;
use futures::{AsyncBufRead, AsyncBufReadExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{ListParams, LogParams};
use kube::{Api, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Which;
use crate::failure::Failure;
use crate::hub::{self, PastInstance};
use crate::session::Session;
use crate::text::harmless;
use crate::{place, releases};

/// How often new instances are looked for while following.
const LOOK: Duration = Duration::from_secs(1);
/// A longer line is cut: it could be gigabytes.
const MOST_LINE: usize = 64 << 10;
/// Of the instances that are gone the last ones are told of.
const MOST_GONE: usize = 5;

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
    /// What was printed before the last restart, or by instances that were taken away
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
    /// What the last run of its pipeline printed
    #[arg(long, conflicts_with_all = ["env", "previous", "tail", "since", "migration"])]
    pub pipeline: bool,
    /// What its migrations printed
    #[arg(long, conflicts_with = "previous")]
    pub migration: bool,
}

/// One printed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The instance.
    pub pod: String,
    /// What it printed.
    pub text: String,
    /// When, where that is known.
    pub at: Option<Timestamp>,
}

/// Whose logs are read.
struct Wanted {
    api: Api<Pod>,
    selector: String,
    logs: Arc<Logs>,
    /// The version that was refused last, if the newest was: its instances are what `--previous` is asked for.
    refused: Option<String>,
}

/// A container that printed or can print.
struct Instance {
    pod: String,
    container: String,
    /// Whether what it prints now is from before already.
    is_over: bool,
}

/// Reads logs; each line is given to `show` as it comes, with whether there are several instances.
pub async fn logs(session: &Session, logs: &Logs, mut show: impl FnMut(&Line, bool)) -> Result<(), Failure> {
    if logs.pipeline {
        return of_pipeline(session, logs, show).await;
    }
    let project = session.project().await?;
    let component = place::component(session, logs.which.named()?)?;
    let (place, delivery) = place::delivered_environment(session, &project, &component, logs.env.as_deref()).await?;
    let refused = if logs.previous { refused(session, &project, &delivery).await? } else { None };
    let wanted = Wanted {
        api: Api::namespaced(session.client.clone(), &place.namespace()),
        selector: if logs.migration {
            format!("{LABEL_MIGRATION}={component}")
        } else {
            format!("{LABEL_COMPONENT}={component},{LABEL_ENVIRONMENT}={}", place.environment)
        },
        logs: Arc::new(logs.clone()),
        refused,
    };
    let silent = Cell::new(true);
    let mut show = |line: &Line, several| {
        silent.set(false);
        show(line, several);
    };
    let any = live(&wanted, &mut show).await?;
    if logs.previous && (silent.get() || wanted.refused.is_some()) {
        let refused = wanted.refused.as_deref();
        let past = hub::past_instances(session, &place.namespace(), component.as_str(), refused).await?;
        gone(&past, logs, session.world.clock.now(), &mut show);
    } else if !any && logs.migration {
        return Err(Failure::not_found(format!("no migration of {component} ran in {} lately", place.environment))
            .hint(format!("platform history {component} --env={}", place.environment)));
    } else if !any {
        return Err(Failure::not_found(format!("{component} has no instance in {}", place.environment))
            .hint(format!("platform status {component} --env={}", place.environment)));
    }
    if silent.get() {
        let when = if logs.previous { " before a restart or by an instance that is gone" } else { "" };
        session.progress.note(&format!("nothing was printed in {}{when}", place.environment));
    }
    Ok(())
}

/// The version that was refused, if that is how the last attempt went.
async fn refused(session: &Session, project: &ProjectName, delivery: &Delivery) -> Result<Option<String>, Failure> {
    let attempt = delivery.status.as_ref().and_then(|it| it.attempt.as_ref());
    let Some(attempt) = attempt.filter(|it| it.outcome == AttemptOutcome::Failed) else { return Ok(None) };
    let release = releases::api(session, project).get_opt(&attempt.release_name).await;
    let release = release.map_err(Failure::api(format!("read release {}", attempt.release_name)))?;
    Ok(release.map(|it| version(&it)))
}

/// What the steps of the last run printed.
async fn of_pipeline(session: &Session, logs: &Logs, mut show: impl FnMut(&Line, bool)) -> Result<(), Failure> {
    let run =
        super::pipeline::Run { service: logs.which.named()?.map(str::to_owned), ..super::pipeline::Run::default() };
    let log = super::pipeline::Log { run, step: None, follow: logs.follow };
    let whole = |text: &str| {
        for text in text.lines().filter(|it| it.starts_with("== ") || logs.wants(it)) {
            show(&Line { pod: String::new(), text: text.to_owned(), at: None }, false);
        }
    };
    super::pipeline::logs(session, &log, whole).await
}

/// Reads what instances that are there print; gives whether there are any.
async fn live(wanted: &Wanted, show: &mut impl FnMut(&Line, bool)) -> Result<bool, Failure> {
    let logs = &wanted.logs;
    if !logs.follow {
        return merge::in_order(wanted, show).await;
    }
    let (sender, mut lines) = mpsc::channel::<Line>(256);
    let mut readers = JoinSet::new();
    let mut known = BTreeSet::new();
    let mut looked = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => show(&line, known.len() > 1),
            _ = looked.tick() => {
                for it in instances(wanted).await? {
                    if known.insert((it.pod.clone(), it.container.clone())) {
                        readers.spawn(read(wanted.api.clone(), it, Arc::clone(logs), sender.clone()));
                    }
                }
            }
            // One that ends is looked for again as another.
            Some(_) = readers.join_next(), if !readers.is_empty() => {}
        }
    }
}

/// Containers that printed or can print.
async fn instances(wanted: &Wanted) -> Result<Vec<Instance>, Failure> {
    let found = wanted.api.list(&ListParams::default().labels(&wanted.selector)).await;
    let mut found = found.map_err(Failure::api("list instances"))?.items;
    if let Some(refused) = &wanted.refused {
        found.retain(|it| it.labels().get(LABEL_VERSION) == Some(refused));
    }
    let mut containers = Vec::new();
    for pod in found {
        let begun = |it: &ContainerStatus| {
            let state = it.state.as_ref();
            it.restart_count > 0 || state.is_some_and(|it| it.running.is_some() || it.terminated.is_some())
        };
        let is_over = wanted.refused.is_some() || pod.metadata.deletion_timestamp.is_some();
        let statuses = pod.status.as_ref().and_then(|it| it.container_statuses.clone()).unwrap_or_default();
        let instance = |it: ContainerStatus| Instance { pod: pod.name_any(), container: it.name, is_over };
        containers.extend(statuses.into_iter().filter(begun).map(instance));
    }
    Ok(containers)
}

async fn read(api: Api<Pod>, it: Instance, logs: Arc<Logs>, sender: mpsc::Sender<Line>) -> Result<(), Failure> {
    let pod = it.pod;
    let mut parameters = LogParams {
        container: Some(it.container),
        follow: logs.follow && !logs.previous,
        previous: logs.previous,
        tail_lines: logs.tail,
        since_seconds: logs.since.map(|it| i64::try_from(it.as_secs().max(1)).unwrap_or(i64::MAX)),
        timestamps: !logs.follow,
        ..LogParams::default()
    };
    // An instance that was never restarted has nothing from before; what is on its way out has only that.
    let nothing = |it: &kube::Error| matches!(it, kube::Error::Api(status) if status.code == 400 || status.code == 404);
    let mut opened = api.log_stream(&pod, &parameters).await;
    if logs.previous && it.is_over && opened.as_ref().is_err_and(nothing) {
        parameters.previous = false;
        opened = api.log_stream(&pod, &parameters).await;
    }
    let stream = match opened {
        Ok(stream) => stream,
        Err(error) if logs.previous && nothing(&error) => return Ok(()),
        Err(error) => return Err(Failure::api(format!("read the log of {pod}"))(error)),
    };
    let mut stream = std::pin::pin!(stream);
    let cut = |it: std::io::Error| Failure::not_running(format!("cannot read the log of {pod} to its end: {it}"));
    while let Some(bytes) = next_line(&mut stream).await.map_err(cut)? {
        let text = harmless(&String::from_utf8_lossy(&bytes));
        let (at, text) = if parameters.timestamps { merge::timed(&text) } else { (None, text.as_str()) };
        if !logs.wants(text) {
            continue;
        }
        if sender.send(Line { pod: pod.clone(), text: text.to_owned(), at }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Shows what instances that are gone printed last, oldest first.
fn gone(past: &[PastInstance], logs: &Logs, now: Timestamp, show: &mut impl FnMut(&Line, bool)) {
    let recent =
        |it: &&PastInstance| logs.since.is_none_or(|since| now.duration_since(it.ended).unsigned_abs() <= since);
    let shown: Vec<&PastInstance> = past.iter().filter(recent).take(MOST_GONE).collect();
    for instance in shown.iter().rev() {
        for container in &instance.containers {
            let all: Vec<String> = container.log.lines().map(harmless).filter(|it| logs.wants(it)).collect();
            let tail = logs.tail.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX);
            for text in &all[all.len().saturating_sub(tail)..] {
                show(&Line { pod: instance.name.clone(), text: text.clone(), at: None }, shown.len() > 1);
            }
        }
    }
}

impl Logs {
    fn wants(&self, text: &str) -> bool {
        self.grep.as_ref().is_none_or(|it| text.contains(it.as_str()))
    }
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
