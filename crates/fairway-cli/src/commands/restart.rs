//! `restart`: every instance anew, one after the other.

use clap::Args;
use serde_json::json;

use super::{Outcome, Wait, Which};
use crate::failure::Failure;
use crate::session::Session;
use crate::{delivering, place};

/// Restart every instance, one after the other
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Restart {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the only one the service is delivered to
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// Writes a new restart word.
pub async fn restart(session: &Session, restart: &Restart) -> Result<Outcome, Failure> {
    let project = session.project().await?;
    let component = place::component(session, restart.which.named()?)?;
    let (place, _) = place::delivered_environment(session, &project, &component, restart.env.as_deref()).await?;
    let start = session.world.clock.monotonic();
    let cause = session.new_cause();
    let written = delivering::merge(session, &place, &component, &json!({ "restart": cause }), &cause).await?;
    let mut outcome = delivering::settle(session, &place, &written, &cause, restart.wait.patience()).await?;
    outcome.platform_ms = session.world.clock.monotonic().saturating_sub(start).as_millis();
    Ok(outcome)
}
