//! `scale`: how many instances run. It belongs to the environment: no release changes it.

use clap::Args;
use serde_json::json;

use super::{Outcome, Wait, Which};
use crate::failure::Failure;
use crate::session::Session;
use crate::{delivering, place};

/// Set how many instances run
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Scale {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the only one the service is delivered to
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// How many; asked for on a terminal
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..=1000))]
    pub replicas: Option<i32>,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// Sets the number of instances.
pub async fn scale(session: &Session, scale: &Scale) -> Result<Outcome, Failure> {
    let project = session.project().await?;
    let component = place::component(session, scale.which.named()?)?;
    let (place, delivery) = place::delivered_environment(session, &project, &component, scale.env.as_deref()).await?;
    let replicas = match scale.replicas {
        Some(replicas) => replicas,
        None => ask(session, delivery.spec.replicas.unwrap_or(1))?,
    };
    let start = session.world.clock.monotonic();
    let cause = session.new_cause();
    let written = delivering::merge(session, &place, &component, &json!({ "replicas": replicas }), &cause).await?;
    let mut outcome = delivering::settle(session, &place, &written, &cause, scale.wait.patience()).await?;
    outcome.platform_ms = session.world.clock.monotonic().saturating_sub(start).as_millis();
    Ok(outcome)
}

fn ask(session: &Session, now: i32) -> Result<i32, Failure> {
    let missing = || Failure::usage("how many instances?").hint("say it with --replicas=NUMBER");
    if !session.interactive {
        return Err(missing());
    }
    let asked = inquire::CustomType::<i32>::new("How many instances?").with_default(now).prompt();
    asked.ok().filter(|it| (0..=1000).contains(it)).ok_or_else(missing)
}
