//! `db migrate`: which migrations ran, which are to run, and whether they may; then runs them.
//!
//! It asks the platform to look again, and the platform decides by the same rules as at every delivery.

use std::fmt::Write as _;

use clap::Args;
use fairway_api::v1alpha1::{Delivery, Migration, Release};
use fairway_plan::migration::migrations;
use fairway_plan::migration::plan::{Now, Plan, plan};
use fairway_plan::release::version;
use jiff::Timestamp;
use kube::Api;
use serde::Serialize;
use serde_json::json;

use crate::commands::{Wait, Which};
use crate::failure::Failure;
use crate::output::Report;
use crate::session::Session;
use crate::text::{ago, columns, one_line};
use crate::{delivering, place};

/// Show the migrations of a service, and run those that have not run
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Migrate {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the only one the service is delivered to
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// Only show what would be done
    #[arg(long)]
    pub plan: bool,
    /// Accept that the version that serves cannot run on the schema after the migration of this number: the service is
    /// down until the new version is up
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub allow_breaking: Option<String>,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

fn number(text: &str) -> Result<String, String> {
    let good = (1..=14).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    good.then(|| text.to_owned()).ok_or_else(|| "give the number of a migration, like 0003".to_owned())
}

/// The migrations of a service in an Environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Migrations {
    /// The component.
    pub component: String,
    /// The environment.
    pub environment: String,
    /// The version that is wanted there.
    pub version: String,
    /// Each migration, those that ran first.
    pub steps: Vec<Step>,
    /// What is to be done, or why it cannot be.
    pub summary: String,
    /// What leads on, if there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// When it was asked.
    #[serde(skip)]
    pub asked: Timestamp,
}

/// A migration and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `compatible`, `reversible` or `breaking`.
    pub kind: &'static str,
    /// `applied`, `pending` or `failed`.
    pub state: &'static str,
    /// When it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The release that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_name: Option<String>,
}

impl Report for Migrations {
    fn table(&self) -> String {
        let row = |it: &Step| {
            let when = it.since.map(|since| ago(since, self.asked)).unwrap_or_default();
            let release = it.release_name.clone().unwrap_or_default();
            vec![it.id.clone(), one_line(&it.name), it.kind.to_owned(), it.state.to_owned(), when, release]
        };
        let rows: Vec<Vec<String>> = self.steps.iter().map(row).collect();
        let mut text = format!("{} in {}: {}\n", self.component, self.environment, self.summary);
        if let Some(next) = &self.next_step {
            let _ = writeln!(text, "next: {next}");
        }
        if !rows.is_empty() {
            text.push('\n');
            text.push_str(&columns(&["NUMBER", "NAME", "KIND", "STATE", "SINCE", "RELEASE"], &rows));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.steps.iter().map(|it| format!("{}_{}", it.id, it.name)).collect()
    }
}

/// Shows them; runs what has not run unless only the plan is asked for.
pub async fn migrate(session: &Session, migrate: &Migrate) -> Result<Migrations, Failure> {
    let project = session.project().await?;
    let component = place::component(session, migrate.which.named()?)?;
    let (place, delivery) = place::delivered_environment(session, &project, &component, migrate.env.as_deref()).await?;
    let releases: Api<Release> = Api::namespaced(session.client.clone(), project.as_str());
    let read = releases.get(&delivery.spec.release_name).await;
    let release = read.map_err(Failure::api(format!("read release {}", delivery.spec.release_name)))?;
    let asked = session.world.clock.now();
    let accepted = migrate.allow_breaking.as_deref();
    let before = told(&delivery, &release, place.environment.as_str(), accepted, asked);
    if migrate.plan || migrations(&release.spec).is_none() {
        return Ok(before);
    }
    let cause = session.new_cause();
    let mut wish = json!({ "run": cause });
    if let Some(accepted) = accepted {
        wish["allowBreaking"] = json!(accepted);
    }
    let written = delivering::merge(session, &place, &component, &json!({ "migrations": wish }), &cause).await?;
    delivering::settle(session, &place, &written, &cause, migrate.wait.patience()).await?;
    let api = place.deliveries(session);
    let after = api.get(component.as_str()).await;
    let after = after.map_err(Failure::api(format!("read the delivery of {component}")))?;
    Ok(told(&after, &release, place.environment.as_str(), accepted, asked))
}

/// What there is to be told. Pure.
fn told(
    delivery: &Delivery,
    release: &Release,
    environment: &str,
    accepted: Option<&str>,
    asked: Timestamp,
) -> Migrations {
    let schema = delivery.status.as_ref().and_then(|it| it.schema.clone()).unwrap_or_default();
    let wanted = migrations(&release.spec).map(|it| it.steps.as_slice()).unwrap_or_default();
    let mut steps: Vec<Step> = schema
        .applied
        .iter()
        .map(|it| Step {
            id: it.id.clone(),
            name: it.name.clone(),
            kind: it.kind.word(),
            state: "applied",
            since: Some(it.since.0),
            release_name: Some(it.release_name.clone()),
        })
        .collect();
    let now = Now::of(delivery);
    let now = Now { accepted: accepted.or(now.accepted), ..now };
    let component = &release.spec.component_name;
    let (summary, next_step) = match plan(&schema.applied, wanted, now) {
        Plan::Nothing => (nothing(&steps), None),
        Plan::Refuse(refusal) => (refusal.to_string(), Some(refusal.way_out(component, environment))),
        Plan::Run(pending) => {
            let what = if pending.len() == 1 {
                "one migration is".to_owned()
            } else {
                format!("{} migrations are", pending.len())
            };
            match &schema.failed {
                Some(why) => {
                    let at = schema.failed_step.as_ref().map(|it| format!(" at {it}")).unwrap_or_default();
                    (format!("{what} to run; the last try failed{at}: {}", one_line(why)), None)
                }
                None => (format!("{what} to run"), None),
            }
        }
    };
    let missing = wanted.iter().filter(|it| !schema.applied.iter().any(|done| done.id == it.id));
    // Where a program does not say which one failed, all of them did.
    let has_failed =
        |it: &Migration| schema.failed.is_some() && schema.failed_step.as_ref().is_none_or(|failed| *failed == it.id);
    steps.extend(missing.map(|it| Step {
        id: it.id.clone(),
        name: it.name.clone(),
        kind: it.kind.word(),
        state: if has_failed(it) { "failed" } else { "pending" },
        since: None,
        release_name: None,
    }));
    Migrations {
        component: component.clone(),
        environment: environment.to_owned(),
        version: version(release),
        steps,
        summary,
        next_step,
        asked,
    }
}

fn nothing(applied: &[Step]) -> String {
    match applied.last() {
        Some(last) => format!("nothing is to run; the schema is at {}", last.id),
        None => "it has no migrations".to_owned(),
    }
}

#[cfg(test)]
mod tests;
