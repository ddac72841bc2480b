//! `rollback`: a release that served before serves again, with its image and its settings.

use clap::Args;

use super::{Outcome, Wait, Which};
use crate::failure::Failure;
use crate::session::Session;
use crate::{delivering, place, releases};

/// Go back to a release that was delivered before
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Rollback {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the only one the service is delivered to
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// A version, number, commit or digest; without it what served before
    #[arg(long, visible_alias = "to", value_name = "RELEASE")]
    pub to_version: Option<String>,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// Delivers an earlier release.
pub async fn rollback(session: &Session, rollback: &Rollback) -> Result<Outcome, Failure> {
    let project = session.project().await?;
    let component = place::component(session, rollback.which.named()?)?;
    let (place, delivery) =
        place::delivered_environment(session, &project, &component, rollback.env.as_deref()).await?;
    let word = match &rollback.to_version {
        Some(word) => word.clone(),
        None => before(&delivery).ok_or_else(|| {
            let what = format!("nothing served in {} before what serves now", place.environment);
            Failure::not_found(what).hint(format!("platform release list --service={component}"))
        })?,
    };
    let release = releases::named(session, &project, &component, &word).await?;
    let cause = session.new_cause();
    delivering::deliver(session, &place, &component, &release, &cause, rollback.wait.patience()).await
}

/// What to go back to: while another release is wanted than the one that serves, the one that serves.
fn before(delivery: &fairway_api::v1alpha1::Delivery) -> Option<String> {
    let status = delivery.status.as_ref()?;
    let current = status.current.as_ref()?;
    if current.release_name != delivery.spec.release_name {
        return Some(current.release_name.clone());
    }
    status.previous.as_ref().map(|it| it.release_name.clone())
}
