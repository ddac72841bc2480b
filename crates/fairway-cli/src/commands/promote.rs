//! `promote`: what proved itself in one environment goes to the next.

use clap::Args;

use super::{Outcome, Wait, Which};
use crate::failure::Failure;
use crate::session::Session;
use crate::{delivering, place, releases};

/// Deliver to an environment what serves in the one before it
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Promote {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment where it proved itself; without it the one that the target names
    #[arg(long, value_name = "ENVIRONMENT")]
    pub from: Option<String>,
    /// The environment it goes to; without it the only one that promotes from another
    #[arg(long, visible_alias = "env", value_name = "ENVIRONMENT")]
    pub to: Option<String>,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// Delivers what serves elsewhere.
pub async fn promote(session: &Session, promote: &Promote) -> Result<Outcome, Failure> {
    let project = session.project().await?;
    let component = place::component(session, promote.which.named()?)?;
    place::registered(session, &project, &component).await?;
    let target = match &promote.to {
        Some(name) => place::environment(session, &project, name).await?,
        None => only_target(session, &project).await?,
    };
    let from = promote.from.clone().or_else(|| target.object.spec.promotes_from.clone()).ok_or_else(|| {
        Failure::usage(format!("{} takes releases from no other environment", target.environment))
            .hint("say from where: --from=ENVIRONMENT")
    })?;
    let origin = place::environment(session, &project, &from).await?;
    let first = format!("platform deploy {component} --env={from}");
    let delivery = origin.deliveries(session).get_opt(component.as_str()).await;
    let delivery = delivery.map_err(Failure::api(format!("read what serves in {from}")))?;
    let current = delivery.and_then(|it| it.status).and_then(|it| it.current);
    let current = current.ok_or_else(|| {
        Failure::refused(format!("{component} has not been healthy in {from} yet, so there is nothing to promote"))
            .hint(first)
    })?;
    let release = releases::api(session, &project).get(&current.release_name).await;
    let release = release.map_err(Failure::api(format!("read release {}", current.release_name)))?;
    let cause = session.new_cause();
    delivering::deliver(session, &target, &component, &release, &cause, promote.wait.patience()).await
}

async fn only_target(session: &Session, project: &fairway_api::names::ProjectName) -> Result<place::Place, Failure> {
    let mut all = place::environments(session, project).await?;
    all.retain(|it| it.object.spec.promotes_from.is_some());
    let names: Vec<String> = all.iter().map(|it| it.environment.to_string()).collect();
    let chosen = match names.as_slice() {
        [] => return Err(Failure::usage("no environment promotes from another").hint("say to where: --to=ENVIRONMENT")),
        [only] => only.clone(),
        several => session.choose("environment", several, "--to=ENVIRONMENT")?,
    };
    place::environment(session, project, &chosen).await
}
