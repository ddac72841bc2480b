//! Environments: a namespace, rights in it for the Project's Team, and a network that lets nobody in by default.

use std::sync::Arc;

use fairway_api::conditions::{READY, STALLED, Wanted, merge};
use fairway_api::names::{
    EnvironmentName, FINALIZER, LABEL_ENVIRONMENT, LABEL_PROJECT, ProjectName, environment_namespace,
};
use fairway_api::v1alpha1::{
    Environment, EnvironmentReason, EnvironmentStatus, Explanation, Members, Project, Team, Tier,
};
use fairway_controller::{Next, Phase, among, concerns, controller, related, with_finalizer};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::bootstrap::{DEVELOPER, INSIDER};
use crate::egress::{self, Egress};
use crate::project::{apply_namespace, apply_rights, is_ours, namespace_gone, withdraw_rights};
use crate::{Context, Error, leaving};

pub(crate) const NAME: &str = "environment-controller";

/// How soon to look whether what is being removed is gone.
const LEAVING: std::time::Duration = std::time::Duration::from_millis(500);
/// The NetworkPolicy that refuses what no other one allows.
const DEFAULT_DENY: &str = "default-deny";

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let client = &ctx.kit.client;
    let controller = controller::<Environment>(client, all());
    let (for_projects, for_teams, for_namespaces) = (controller.store(), controller.store(), controller.store());
    let (for_sources, for_egress) = (controller.store(), controller.store());
    let of_project =
        move |project: Project| among(&for_projects, |it| it.namespace().as_deref() == Some(&project.name_any()));
    // Which Projects a Team owns is not known here: all are looked at, and most write nothing.
    let of_team = move |_: Team| among(&for_teams, |_| true);
    // One that came before what it promotes from waits for it.
    let of_source = move |source: Environment| {
        let (here, name) = (source.namespace(), source.name_any());
        among(&for_sources, |it| it.namespace() == here && it.spec.promotes_from.as_ref() == Some(&name))
    };
    let of_namespace = move |namespace: Namespace| {
        let name = namespace.name_any();
        let given = |it: &Environment| it.status.as_ref().and_then(|it| it.namespace.clone());
        among(&for_namespaces, |it| given(it).as_ref() == Some(&name))
    };
    let of_list = move |_: ConfigMap| among(&for_egress, |_| true);
    let controller = controller
        .watches(related(client), all(), concerns(of_project))
        .watches(related(client), all(), concerns(of_team))
        .watches(related(client), all(), concerns(of_source))
        .watches(related(client), all(), concerns(of_namespace))
        .watches(egress::followed(client), egress::only(), concerns(of_list));
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(environment: Arc<Environment>, ctx: Arc<Context>) -> Result<Next, Error> {
    let namespace = environment.namespace().unwrap_or_default();
    let api: Api<Environment> = Api::namespaced(ctx.kit.client.clone(), &namespace);
    let phase = with_finalizer(&api, environment.as_ref(), FINALIZER, false).await;
    match phase.map_err(Error::write("the finalizer"))? {
        Phase::Left => return Ok(Next::Settled),
        Phase::Leaving => return leave(&environment, &api, &ctx).await,
        Phase::Wanted => {}
    }
    let (pass, egress) = converge(&environment, &ctx).await;
    let status = status(&environment, &pass, egress, ctx.kit.world.clock.now());
    let before = environment.status.as_ref();
    let reported = fairway_controller::report(&api, environment.as_ref(), before, &status, NAME).await;
    pass?.ok();
    reported.map_err(Error::write("the environment's status"))?;
    Ok(Next::Settled)
}

/// What is in force, or why somebody has to change something first.
type Pass = Result<Result<Valid, Problem>, Error>;

/// Beside the pass: what holds for connections to the outside, where that could be read.
async fn converge(environment: &Environment, ctx: &Context) -> (Pass, Option<Wanted>) {
    let observed = match observe(environment, ctx).await {
        Ok(observed) => observed,
        Err(error) => return (Err(error), None),
    };
    let egress = observed.egress.condition(ctx.target.enforces_egress());
    let verdict = validate(environment, &observed);
    let applied = match &verdict {
        Ok(it) => apply(it, &observed, ctx).await,
        Err(_) => Ok(()),
    };
    (applied.map(|()| verdict), Some(egress))
}

struct Observed {
    project: Option<Project>,
    members: Members,
    namespace: Option<Namespace>,
    /// Whether `promotesFrom` names an Environment that exists; true where it names none.
    source_exists: bool,
    /// Whether nobody of the Team gets inside what runs.
    production: bool,
    egress: Egress,
}

/// An Environment whose parts have names that may be used.
#[derive(Debug, PartialEq, Eq)]
struct Valid {
    project: ProjectName,
    name: EnvironmentName,
    namespace: String,
}

async fn observe(environment: &Environment, ctx: &Context) -> Result<Observed, Error> {
    let home = environment.namespace().unwrap_or_default();
    let client = || ctx.kit.client.clone();
    let project = Api::<Project>::all(client()).get_opt(&home).await.map_err(Error::read("the project"))?;
    let team = match &project {
        Some(it) => Api::<Team>::all(client()).get_opt(&it.spec.team_name).await.map_err(Error::read("the team"))?,
        None => None,
    };
    let namespaces: Api<Namespace> = Api::all(client());
    let namespace = namespaces.get_opt(&target(environment)).await.map_err(Error::read("the namespace"))?;
    let source_exists = match &environment.spec.promotes_from {
        None => true,
        Some(from) => {
            let all: Api<Environment> = Api::namespaced(client(), &home);
            all.get_opt(from).await.map_err(Error::read("the environment it promotes from"))?.is_some()
        }
    };
    let egress = Egress::plan(egress::observe(ctx).await?.as_ref(), environment.spec.tier.as_str());
    let members = team.map(|it| it.spec.members).unwrap_or_default();
    let production = environment.spec.tier == Tier::Production;
    Ok(Observed { project, members, namespace, source_exists, production, egress })
}

/// The namespace an Environment is to have: the one it was given first, for it cannot move.
fn target(environment: &Environment) -> String {
    let given = environment.status.as_ref().and_then(|it| it.namespace.clone());
    given.or_else(|| environment.spec.namespace.clone()).unwrap_or_else(|| {
        let home = environment.namespace().unwrap_or_default();
        format!("{home}--{}", environment.name_any())
    })
}

/// What keeps an Environment from being in force.
type Problem = (EnvironmentReason, String);

fn validate(environment: &Environment, observed: &Observed) -> Result<Valid, Problem> {
    let bad_name = |it: fairway_api::names::InvalidName| (EnvironmentReason::InvalidName, it.to_string());
    let name = EnvironmentName::parse(&environment.name_any()).map_err(bad_name)?;
    let home = environment.namespace().unwrap_or_default();
    if observed.project.is_none() {
        let message =
            format!("namespace {home} is not that of a project; environments live in their project's namespace");
        return Err((EnvironmentReason::ProjectNotFound, message));
    }
    let project = ProjectName::parse(&home).map_err(bad_name)?;
    if !observed.source_exists {
        let from = environment.spec.promotes_from.clone().unwrap_or_default();
        let message =
            format!("it promotes from {from:?}, which does not exist; create it or correct spec.promotesFrom");
        return Err((EnvironmentReason::PromotionSourceNotFound, message));
    }
    let namespace = target(environment);
    let adopted = environment.spec.namespace.as_deref() == Some(namespace.as_str());
    let mark = owner_mark(&project, &name);
    let foreign = observed.namespace.as_ref().is_some_and(|it| !is_ours(it, &mark));
    let own = !foreign && namespace == environment_namespace(&project, &name);
    if !own && !adopted {
        let message = format!(
            "a namespace {namespace} exists and is not this environment's; set spec.namespace to use it, or choose \
             another name"
        );
        return Err((EnvironmentReason::NamespaceTaken, message));
    }
    Ok(Valid { project, name, namespace })
}

/// What the annotation of the Environment's namespace says.
fn owner_mark(project: &ProjectName, name: &EnvironmentName) -> String {
    format!("Environment/{project}/{name}")
}

async fn apply(it: &Valid, observed: &Observed, ctx: &Context) -> Result<(), Error> {
    let labels =
        [(LABEL_PROJECT.to_owned(), it.project.to_string()), (LABEL_ENVIRONMENT.to_owned(), it.name.to_string())];
    apply_namespace(&it.namespace, &owner_mark(&it.project, &it.name), labels.into(), &observed.egress, NAME, ctx)
        .await?;
    apply_rights(&it.namespace, DEVELOPER, &observed.members, NAME, ctx).await?;
    if observed.production {
        withdraw_rights(&it.namespace, INSIDER, ctx).await?;
    } else {
        apply_rights(&it.namespace, INSIDER, &observed.members, NAME, ctx).await?;
    }
    let policy = NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(DEFAULT_DENY.to_owned()),
            namespace: Some(it.namespace.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(NetworkPolicySpec {
            policy_types: Some(vec!["Ingress".to_owned()]),
            ..NetworkPolicySpec::default()
        }),
    };
    let api: Api<NetworkPolicy> = Api::namespaced(ctx.kit.client.clone(), &it.namespace);
    fairway_controller::apply(&api, NAME, &policy).await.map_err(Error::write("the network policy"))?;
    Ok(())
}

/// Removes what belongs to a leaving Environment, says what is left, and lets it go when nothing is.
async fn leave(environment: &Environment, api: &Api<Environment>, ctx: &Context) -> Result<Next, Error> {
    let left = clean_up(environment, ctx).await;
    if let Ok(None) = left {
        with_finalizer(api, environment, FINALIZER, true).await.map_err(Error::write("the finalizer"))?;
        return Ok(Next::Settled);
    }
    let before = environment.status.clone().unwrap_or_default();
    let said = left.as_ref().map(|it| it.as_deref().unwrap_or_default());
    let wanted = leaving::wanted(EnvironmentReason::Deleting.as_str(), said);
    let generation = environment.metadata.generation;
    let status = EnvironmentStatus {
        explanation: leaving::explanation(&wanted),
        namespace: before.namespace,
        observed_generation: generation,
        conditions: merge(&before.conditions, &wanted, generation, ctx.kit.world.clock.now()),
    };
    let reported = fairway_controller::report(api, environment, environment.status.as_ref(), &status, NAME).await;
    left?;
    reported.map_err(Error::write("the environment's status"))?;
    Ok(Next::After(LEAVING))
}

/// The namespace with all in it: what is still there. An adopted namespace is somebody's: it stays.
async fn clean_up(environment: &Environment, ctx: &Context) -> Result<Option<String>, Error> {
    let home = environment.namespace().unwrap_or_default();
    let names = (ProjectName::parse(&home), EnvironmentName::parse(&environment.name_any()));
    let adopted = environment.spec.namespace.is_some();
    if let ((Ok(project), Ok(name)), false) = (names, adopted) {
        let namespace = environment_namespace(&project, &name);
        if !namespace_gone(&namespace, &owner_mark(&project, &name), ctx).await? {
            return Ok(Some(format!("namespace {namespace} with all in it goes first")));
        }
    }
    Ok(None)
}

fn status(environment: &Environment, pass: &Pass, egress: Option<Wanted>, now: Timestamp) -> EnvironmentStatus {
    let before = environment.status.clone().unwrap_or_default();
    let mut explanation = Explanation::default();
    let (ready, stalled) = match pass {
        Ok(Err((reason, message))) => {
            let reason = reason.as_str();
            let home = environment.namespace().unwrap_or_default();
            explanation.fixed_by = Some("the platform team".to_owned());
            explanation.next_step = Some(format!("kubectl edit environment {} -n {home}", environment.name_any()));
            let stalled = Wanted::yes(STALLED, reason, "nothing changes until this is mended");
            (Wanted::no(READY, reason, message.clone()), stalled)
        }
        Err(error) => {
            let reason = EnvironmentReason::ApplyFailed.as_str();
            let message = format!("the platform could not {error}; it tries again");
            (Wanted::no(READY, reason, message), Wanted::no(STALLED, reason, "it is being tried again"))
        }
        Ok(Ok(it)) => {
            let reason = EnvironmentReason::InForce.as_str();
            let message = format!("namespace {} is in force with rights and network policy", it.namespace);
            (Wanted::yes(READY, reason, message), Wanted::no(STALLED, reason, "nothing keeps it"))
        }
    };
    // Where the namespace is not in force, nobody knows what holds in it.
    let in_force = ready.status == Some(true);
    let egress = egress.map(|it| if in_force { it } else { Wanted { status: None, ..it } });
    explanation.summary.clone_from(&ready.message);
    let wanted: Vec<Wanted> = [ready, stalled].into_iter().chain(egress).collect();
    let generation = environment.metadata.generation;
    EnvironmentStatus {
        explanation,
        namespace: match pass {
            Ok(Ok(it)) => Some(it.namespace.clone()),
            _ => before.namespace.clone(),
        },
        observed_generation: generation,
        conditions: merge(&before.conditions, &wanted, generation, now),
    }
}

#[cfg(test)]
mod tests;
