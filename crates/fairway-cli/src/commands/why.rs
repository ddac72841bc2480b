//! `why`: the cause of what is wrong with a service, in one sentence, with what says so.

use std::fmt::Write as _;

use clap::Args;
use fairway_api::v1alpha1::Delivery;
use fairway_plan::why::{Evidence, Witness, read};
use jiff::Timestamp;
use serde::Serialize;

use super::Which;
use crate::failure::Failure;
use crate::observing::{self, Cause};
use crate::output::Report;
use crate::place::{self, Place};
use crate::session::Session;
use crate::text::{ago, columns};

/// Say why a service is not as wanted, and what says so
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Why {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the one where something is wrong
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
}

/// Why a service is as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyReport {
    /// The project.
    pub project: String,
    /// The component.
    pub component: String,
    /// The environment.
    pub environment: String,
    /// Why.
    #[serde(flatten)]
    pub cause: Cause,
    /// When it was asked.
    #[serde(skip)]
    pub asked: Timestamp,
}

impl Report for WhyReport {
    fn table(&self) -> String {
        let cause = &self.cause;
        let mut text = format!("{} in {}: {}\n", self.component, self.environment, cause.sentence);
        if let Some(next) = &cause.next_step {
            let _ = writeln!(text, "next: {next}");
        }
        if !cause.evidence.is_empty() {
            let rows: Vec<Vec<String>> = cause.evidence.iter().map(row).collect();
            text.push('\n');
            text.push_str(&columns(&["EVIDENCE", "OF", "SAYS"], &rows));
        }
        if cause.changed.is_some() || cause.mend.is_some() || cause.fixed_by.is_some() {
            text.push('\n');
        }
        if let Some(it) = &cause.changed {
            let _ = writeln!(text, "changed last: {}, {} ago (event {})", it.what, ago(it.when, self.asked), it.event);
        }
        if let Some(how) = &cause.mend {
            let _ = writeln!(text, "to mend it: {how}");
        }
        if let Some(who) = &cause.fixed_by {
            let _ = writeln!(text, "mended by: {who}");
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![format!("component.fairway.dev/{}", self.component)]
    }
}

fn row(it: &Evidence) -> Vec<String> {
    let kind = match it.kind {
        Witness::Log => "log",
        Witness::Event => "event",
        Witness::Object => "object",
    };
    vec![kind.to_owned(), it.place.clone(), it.text.clone()]
}

/// Finds the cause.
pub async fn why(session: &Session, why: &Why) -> Result<WhyReport, Failure> {
    let project = session.project().await?;
    let component = place::component(session, why.which.named()?)?;
    let (place, delivery) = match &why.env {
        Some(name) => place::delivered_environment(session, &project, &component, Some(name)).await?,
        None => match sick(place::deliveries(session, &project, &component).await?) {
            Some(found) => found,
            None => place::delivered_environment(session, &project, &component, None).await?,
        },
    };
    let cause = observing::why(session, &place, &delivery).await;
    Ok(WhyReport {
        project: project.to_string(),
        component: component.to_string(),
        environment: place.environment.to_string(),
        cause,
        asked: session.world.clock.now(),
    })
}

/// The only environment where something is wrong.
fn sick(found: Vec<(Place, Delivery)>) -> Option<(Place, Delivery)> {
    let mut sick = found.into_iter().filter(|it| !read::standing(&it.1).ready);
    let first = sick.next();
    first.filter(|_| sick.next().is_none())
}

#[cfg(test)]
mod tests;
