//! Teams: nothing is made for one; its status says whether anybody belongs to it.

use std::sync::Arc;

use fairway_api::conditions::{READY, Wanted, merge};
use fairway_api::names::TeamName;
use fairway_api::v1alpha1::{Explanation, Team, TeamReason, TeamStatus};
use fairway_controller::{Next, controller};
use jiff::Timestamp;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::{Context, Error};

pub(crate) const NAME: &str = "team-controller";

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let controller = controller::<Team>(&ctx.kit.client, watcher::Config::default());
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(team: Arc<Team>, ctx: Arc<Context>) -> Result<Next, Error> {
    let status = status(&team, ctx.kit.world.clock.now());
    let api: Api<Team> = Api::all(ctx.kit.client.clone());
    let reported = fairway_controller::report(&api, team.as_ref(), team.status.as_ref(), &status, NAME).await;
    reported.map_err(Error::write("the team's status"))?;
    Ok(Next::Settled)
}

fn status(team: &Team, now: Timestamp) -> TeamStatus {
    let before = team.status.clone().unwrap_or_default();
    let (users, groups) = (team.spec.members.users.len(), team.spec.members.groups.len());
    let (wanted, next_step) = match TeamName::parse(&team.name_any()) {
        Err(error) => (Wanted::no(READY, TeamReason::InvalidName.as_str(), error.to_string()), None),
        Ok(_) if users + groups == 0 => {
            let message = "nobody belongs to this team, so nobody may use its projects";
            let step = format!("kubectl edit team {}", team.name_any());
            (Wanted::no(READY, TeamReason::NoMembers.as_str(), message), Some(step))
        }
        Ok(_) => {
            let message = format!("{users} users and {groups} groups belong to it");
            (Wanted::yes(READY, TeamReason::HasMembers.as_str(), message), None)
        }
    };
    TeamStatus {
        explanation: Explanation {
            summary: wanted.message.clone(),
            fixed_by: next_step.is_some().then(|| "the platform team".to_owned()),
            next_step,
        },
        observed_generation: team.metadata.generation,
        conditions: merge(&before.conditions, &[wanted], team.metadata.generation, now),
    }
}
