//! `status`: one sentence, the next step, and a row for each environment.

use clap::Args;
use fairway_api::conditions::{READY, is_true};
use fairway_api::v1alpha1::Delivery;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

use super::Which;
use crate::delivering::{self, Patience};
use crate::failure::{Exit, Failure};
use crate::observing::{self, Cause};
use crate::output::Report;
use crate::place::{self, Place};
use crate::session::Session;
use crate::text::{ago, columns};

/// Say how a service is doing, and why
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Status {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// Only this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// Wait until what is on its way has arrived, or is refused
    #[arg(long)]
    pub wait: bool,
    /// How long to wait, like 30s or 5m
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = crate::text::parse_span)]
    pub timeout: Duration,
}

/// How a service is doing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// The project.
    pub project: String,
    /// The component.
    pub component: String,
    /// One sentence.
    pub summary: String,
    /// Who can change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<String>,
    /// The next command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Whether everything is as wanted.
    pub ready: bool,
    /// One for each environment it is delivered to.
    pub environments: Vec<EnvironmentStatus>,
}

/// How a service is doing in one environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// The environment.
    pub environment: String,
    /// The version that serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The release that is wanted.
    pub wanted_release: String,
    /// Instances that are ready.
    pub ready_replicas: i32,
    /// Instances that are wanted.
    pub wanted_replicas: i32,
    /// Since when this version serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// For how long.
    #[serde(skip)]
    pub age: String,
    /// Where it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether what is wanted serves.
    pub ready: bool,
    /// One sentence.
    pub summary: String,
    /// Who can change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<String>,
    /// The next command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

impl Report for StatusReport {
    fn table(&self) -> String {
        let mut text = format!("{}\n", self.summary);
        if let Some(next) = &self.next_step {
            let _ = writeln!(text, "next: {next}");
        }
        if self.environments.is_empty() {
            return text;
        }
        let row = |it: &EnvironmentStatus| {
            let replicas = format!("{}/{}", it.ready_replicas, it.wanted_replicas);
            let (version, url) = (it.version.clone().unwrap_or_default(), it.url.clone().unwrap_or_default());
            vec![it.environment.clone(), version, replicas, it.age.clone(), url]
        };
        let rows: Vec<Vec<String>> = self.environments.iter().map(row).collect();
        text.push('\n');
        text.push_str(&columns(&["ENVIRONMENT", "VERSION", "READY", "SINCE", "URL"], &rows));
        text
    }

    fn names(&self) -> Vec<String> {
        vec![format!("component.fairway.dev/{}", self.component)]
    }

    fn exit(&self) -> Exit {
        if self.ready { Exit::Done } else { Exit::NotReady }
    }
}

/// Reads how a service is doing.
pub async fn status(session: &Session, status: &Status) -> Result<StatusReport, Failure> {
    let project = session.project().await?;
    let component = place::component(session, status.which.named()?)?;
    let object = place::registered(session, &project, &component).await?;
    let look = || async {
        Ok::<_, Failure>(match &status.env {
            Some(name) => vec![place::delivered_environment(session, &project, &component, Some(name)).await?],
            None => place::deliveries(session, &project, &component).await?,
        })
    };
    let mut found = look().await?;
    if status.wait {
        arrived(session, &found, status.timeout).await?;
        found = look().await?;
    }
    let now = session.world.clock.now();
    let mut environments: Vec<EnvironmentStatus> =
        found.iter().map(|(place, it)| of_delivery(place, it, now)).collect();
    if let Some(worst) = environments.iter().position(|it| !it.ready) {
        blame(&mut environments[worst], &observing::why(session, &found[worst].0, &found[worst].1).await);
    }
    let own = object.status.map(|it| it.explanation).unwrap_or_default();
    let mut report = StatusReport {
        project: project.to_string(),
        component: component.to_string(),
        summary: own.summary,
        fixed_by: own.fixed_by,
        next_step: own.next_step,
        ready: environments.iter().all(|it| it.ready),
        environments,
    };
    tell(&mut report);
    Ok(report)
}

/// Waits until nothing is on its way. What is refused has arrived nowhere, and the report says so.
async fn arrived(session: &Session, found: &[(Place, Delivery)], timeout: Duration) -> Result<(), Failure> {
    for (place, delivery) in found {
        match delivering::settle(session, place, delivery, "", Patience { wait: true, timeout }).await {
            Err(failure) if failure.exit != Exit::NotReady => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

/// What is to blame comes before what followed from it, unless that says it already.
fn blame(status: &mut EnvironmentStatus, cause: &Cause) {
    if !cause.kind.is_blame() {
        return;
    }
    if !status.summary.contains(&cause.sentence) {
        let after = if status.summary.is_empty() { String::new() } else { format!("; {}", status.summary) };
        status.summary = format!("{}{after}", cause.sentence);
    }
    status.fixed_by.clone_from(&cause.fixed_by);
    status.next_step.clone_from(&cause.next_step);
}

/// The sentence is that of what is worst; where all is well, which version serves where.
fn tell(report: &mut StatusReport) {
    let component = report.component.clone();
    let Some(worst) = report.environments.iter().find(|it| !it.ready).or(report.environments.first()) else {
        if report.summary.is_empty() {
            report.summary = format!("{component} is not delivered anywhere yet");
        }
        report.next_step.get_or_insert_with(|| format!("platform deploy {component} --env=staging"));
        return;
    };
    if worst.ready && report.environments.len() > 1 {
        let serving =
            |it: &EnvironmentStatus| format!("{} in {}", it.version.as_deref().unwrap_or("nothing"), it.environment);
        let serving: Vec<String> = report.environments.iter().map(serving).collect();
        report.summary = format!("{component} serves: {}", serving.join(", "));
        (report.fixed_by, report.next_step) = (None, None);
        return;
    }
    let sentence = if worst.summary.is_empty() { "it is on its way".to_owned() } else { worst.summary.clone() };
    let (summary, fixed_by, next) =
        (format!("{component} in {}: {sentence}", worst.environment), worst.fixed_by.clone(), worst.next_step.clone());
    (report.summary, report.fixed_by, report.next_step) = (summary, fixed_by, next);
}

fn of_delivery(place: &Place, delivery: &Delivery, now: Timestamp) -> EnvironmentStatus {
    let status = delivery.status.clone().unwrap_or_default();
    let seen = status.observed_generation.unwrap_or(0) >= delivery.metadata.generation.unwrap_or(0);
    EnvironmentStatus {
        environment: place.environment.to_string(),
        wanted_release: delivery.spec.release_name.clone(),
        ready_replicas: status.replicas.ready,
        wanted_replicas: delivery.spec.replicas.unwrap_or(1),
        age: status.current.as_ref().map(|it| ago(it.since.0, now)).unwrap_or_default(),
        since: status.current.as_ref().map(|it| it.since.0.to_string()),
        version: status.current.map(|it| it.version),
        url: status.url,
        ready: seen && is_true(&status.conditions, READY),
        summary: status.explanation.summary,
        fixed_by: status.explanation.fixed_by,
        next_step: status.explanation.next_step,
    }
}

#[cfg(test)]
mod tests;
