//! Projects: a namespace of the Project's name, and rights in it for the Team that owns it.

use std::sync::Arc;

use fairway_api::conditions::{READY, STALLED, Wanted, merge};
use fairway_api::names::{ANNOTATION_OWNER, FINALIZER, LABEL_PROJECT, ProjectName};
use fairway_api::v1alpha1::{Environment, Explanation, Members, Project, ProjectReason, ProjectStatus, Team};
use fairway_controller::{Guarded, Next, Phase, among, concerns, controller, delete_exact, related, with_finalizer};
use fairway_outside::EGRESS_ANNOTATION;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, Resource as _, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::bootstrap::DEVELOPER;
use crate::egress::{self, Egress};
use crate::{Context, Error, leaving};

pub(crate) const NAME: &str = "project-controller";

/// How soon to look whether what is being removed is gone.
const LEAVING: std::time::Duration = std::time::Duration::from_millis(500);

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let client = &ctx.kit.client;
    let controller = controller::<Project>(client, all());
    let (projects, for_egress) = (controller.store(), controller.store());
    let of_team = move |team: Team| among(&projects, |it| it.spec.team_name == team.name_any());
    let of_list = move |_: ConfigMap| among(&for_egress, |_| true);
    let of_namespace = |it: Namespace| Some(ObjectRef::new(&it.name_any()));
    let controller = controller
        .watches(related(client), all(), concerns(of_team))
        .watches(related(client), all(), concerns(of_namespace))
        .watches(egress::followed(client), egress::only(), concerns(of_list));
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(project: Arc<Project>, ctx: Arc<Context>) -> Result<Next, Error> {
    let api: Api<Project> = Api::all(ctx.kit.client.clone());
    let phase =
        with_finalizer(&api, project.as_ref(), FINALIZER, false).await.map_err(Error::write("the finalizer"))?;
    match phase {
        Phase::Left => return Ok(Next::Settled),
        Phase::Leaving => return leave(&project, &api, &ctx).await,
        Phase::Wanted => {}
    }
    let (pass, egress) = converge(&project, &ctx).await;
    let verdict = pass.as_ref().map_or(Ok(()), |it| it.as_ref().copied());
    let status = status(&project, verdict, pass.as_ref().err(), egress, ctx.kit.world.clock.now());
    let reported = fairway_controller::report(&api, project.as_ref(), project.status.as_ref(), &status, NAME).await;
    pass?.ok();
    reported.map_err(Error::write("the project's status"))?;
    Ok(Next::Settled)
}

/// Whether it is in force, or why its user has to change something first; and what holds for connections to the outside,
/// where that could be read.
async fn converge(project: &Project, ctx: &Context) -> (Result<Result<(), Problem>, Error>, Option<Wanted>) {
    let observed = match observe(project, ctx).await {
        Ok(observed) => observed,
        Err(error) => return (Err(error), None),
    };
    let egress = observed.egress.condition(ctx.target.enforces_egress());
    let pass = match validate(project, &observed) {
        Ok(name) => apply(project, &name, &observed, ctx).await.map(Ok),
        Err(problem) => Ok(Err(problem)),
    };
    (pass, Some(egress))
}

struct Observed {
    team: Option<Team>,
    namespace: Option<Namespace>,
    egress: Egress,
}

async fn observe(project: &Project, ctx: &Context) -> Result<Observed, Error> {
    let teams: Api<Team> = Api::all(ctx.kit.client.clone());
    let namespaces: Api<Namespace> = Api::all(ctx.kit.client.clone());
    Ok(Observed {
        team: teams.get_opt(&project.spec.team_name).await.map_err(Error::read("the team"))?,
        namespace: namespaces.get_opt(&project.name_any()).await.map_err(Error::read("the namespace"))?,
        egress: Egress::plan(egress::observe(ctx).await?.as_ref(), egress::PIPELINE),
    })
}

/// What keeps a Project from being in force.
type Problem = (ProjectReason, String);

fn validate(project: &Project, observed: &Observed) -> Result<ProjectName, Problem> {
    let name = ProjectName::parse(&project.name_any()).map_err(|it| (ProjectReason::InvalidName, it.to_string()))?;
    if observed.team.is_none() {
        let message = format!("team {:?} does not exist; create it or correct spec.teamName", project.spec.team_name);
        return Err((ProjectReason::TeamNotFound, message));
    }
    if observed.namespace.as_ref().is_some_and(|it| !is_ours(it, &owner_mark(&name))) {
        let message = format!(
            "a namespace {name} exists and is not this project's; choose another name, or annotate the namespace with \
             {ANNOTATION_OWNER}={} to hand it over",
            owner_mark(&name)
        );
        return Err((ProjectReason::NamespaceTaken, message));
    }
    Ok(name)
}

/// What the annotation of the Project's namespace says.
fn owner_mark(name: &ProjectName) -> String {
    format!("Project/{name}")
}

/// Whether a namespace carries this owner's mark.
pub(crate) fn is_ours(namespace: &Namespace, mark: &str) -> bool {
    namespace.annotations().get(ANNOTATION_OWNER).map(String::as_str) == Some(mark)
}

async fn apply(project: &Project, name: &ProjectName, observed: &Observed, ctx: &Context) -> Result<(), Error> {
    let labels = [(LABEL_PROJECT.to_owned(), name.to_string())];
    apply_namespace(name.as_str(), &owner_mark(name), labels.into(), &observed.egress, NAME, ctx).await?;
    let members = observed.team.as_ref().map(|it| it.spec.members.clone()).unwrap_or_default();
    apply_rights(name.as_str(), DEVELOPER, &members, NAME, ctx).await?;
    tracing::debug!(project.name = project.name_any(), "the project is in force");
    Ok(())
}

/// Makes a namespace that carries its owner's mark and what its pods may reach outside.
pub(crate) async fn apply_namespace(
    name: &str,
    mark: &str,
    labels: std::collections::BTreeMap<String, String>,
    egress: &Egress,
    manager: &str,
    ctx: &Context,
) -> Result<(), Error> {
    let api: Api<Namespace> = Api::all(ctx.kit.client.clone());
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            annotations: Some(
                [(ANNOTATION_OWNER.to_owned(), mark.to_owned()), (EGRESS_ANNOTATION.to_owned(), egress.annotation())]
                    .into(),
            ),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    fairway_controller::apply(&api, manager, &namespace).await.map_err(Error::write("the namespace"))?;
    Ok(())
}

/// Gives a Team the rights of a role in a namespace.
pub(crate) async fn apply_rights(
    namespace: &str,
    role: &str,
    members: &Members,
    manager: &str,
    ctx: &Context,
) -> Result<(), Error> {
    let group = "rbac.authorization.k8s.io";
    let subject = |kind: &str, name: &String| Subject {
        api_group: Some(group.to_owned()),
        kind: kind.to_owned(),
        name: name.clone(),
        namespace: None,
    };
    let users = members.users.iter().map(|it| subject("User", it));
    let groups = members.groups.iter().map(|it| subject("Group", it));
    let binding = RoleBinding {
        metadata: ObjectMeta {
            name: Some(role.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        role_ref: RoleRef { api_group: group.to_owned(), kind: "ClusterRole".to_owned(), name: role.to_owned() },
        subjects: Some(users.chain(groups).collect()),
    };
    let api: Api<RoleBinding> = Api::namespaced(ctx.kit.client.clone(), namespace);
    fairway_controller::apply(&api, manager, &binding).await.map_err(Error::write("the team's rights"))?;
    Ok(())
}

/// Takes the rights of a role in a namespace away from whoever has them through the platform.
pub(crate) async fn withdraw_rights(namespace: &str, role: &str, ctx: &Context) -> Result<(), Error> {
    let api: Api<RoleBinding> = Api::namespaced(ctx.kit.client.clone(), namespace);
    if let Some(binding) = api.get_opt(role).await.map_err(Error::read("the team's rights"))? {
        let gone = fairway_controller::delete_exact(&api, role, binding.uid()).await;
        gone.map_err(Error::write("the end of the team's rights"))?;
    }
    Ok(())
}

/// Removes what belongs to a leaving Project, says what is left, and lets it go when nothing is.
async fn leave(project: &Project, api: &Api<Project>, ctx: &Context) -> Result<Next, Error> {
    let left = clean_up(project, ctx).await;
    if let Ok(None) = left {
        with_finalizer(api, project, FINALIZER, true).await.map_err(Error::write("the finalizer"))?;
        return Ok(Next::Settled);
    }
    let before = project.status.clone().unwrap_or_default();
    let said = left.as_ref().map(|it| it.as_deref().unwrap_or_default());
    let wanted = leaving::wanted(ProjectReason::Deleting.as_str(), said);
    let generation = project.metadata.generation;
    let status = ProjectStatus {
        explanation: leaving::explanation(&wanted),
        observed_generation: generation,
        conditions: merge(&before.conditions, &wanted, generation, ctx.kit.world.clock.now()),
    };
    let reported = fairway_controller::report(api, project, project.status.as_ref(), &status, NAME).await;
    left?;
    reported.map_err(Error::write("the project's status"))?;
    Ok(Next::After(LEAVING))
}

/// Environments first (they have namespaces of their own), then the namespace: what is still there.
async fn clean_up(project: &Project, ctx: &Context) -> Result<Option<String>, Error> {
    let name = project.name_any();
    // Also those that cannot be read.
    let environments: Api<Guarded<Environment>> = Api::namespaced(ctx.kit.client.clone(), &name);
    let left = environments.list(&ListParams::default()).await.map_err(Error::read("environments"))?.items;
    if !left.is_empty() {
        for it in left.iter().filter(|it| it.meta().deletion_timestamp.is_none()) {
            delete_exact(&environments, &it.name_any(), it.uid()).await.map_err(Error::write("an environment"))?;
        }
        let mut names: Vec<String> = left.iter().map(ResourceExt::name_any).collect();
        names.sort();
        return Ok(Some(format!("its environments go first: {}", names.join(", "))));
    }
    let mark = ProjectName::parse(&name).map(|it| owner_mark(&it)).unwrap_or_default();
    let gone = namespace_gone(&name, &mark, ctx).await?;
    Ok((!gone).then(|| format!("namespace {name} with all in it goes first")))
}

/// Deletes a namespace that is ours; true once it is gone. One that is not ours is not touched.
pub(crate) async fn namespace_gone(name: &str, mark: &str, ctx: &Context) -> Result<bool, Error> {
    let api: Api<Namespace> = Api::all(ctx.kit.client.clone());
    let Some(namespace) = api.get_opt(name).await.map_err(Error::read("the namespace"))? else { return Ok(true) };
    if !is_ours(&namespace, mark) {
        return Ok(true);
    }
    if namespace.metadata.deletion_timestamp.is_none() {
        delete_exact(&api, name, namespace.uid()).await.map_err(Error::write("the namespace"))?;
    }
    Ok(false)
}

fn status(
    project: &Project,
    verdict: Result<(), &Problem>,
    failure: Option<&Error>,
    egress: Option<Wanted>,
    now: Timestamp,
) -> ProjectStatus {
    let before = project.status.clone().unwrap_or_default();
    let name = project.name_any();
    let (ready, stalled, fixed_by, next_step) = match (verdict, failure) {
        (Err((reason, message)), _) => {
            let ready = Wanted::no(READY, reason.as_str(), message.clone());
            let stalled = Wanted::yes(STALLED, reason.as_str(), "nothing changes until this is mended");
            (ready, stalled, Some("the platform team".to_owned()), Some(format!("kubectl edit project {name}")))
        }
        (Ok(()), Some(error)) => {
            let reason = ProjectReason::ApplyFailed.as_str();
            let ready = Wanted::no(READY, reason, format!("the platform could not {error}; it tries again"));
            (ready, Wanted::no(STALLED, reason, "it is being tried again"), None, None)
        }
        (Ok(()), None) => {
            let reason = ProjectReason::NamespaceInForce.as_str();
            let message = format!("namespace {name} is in force for team {}", project.spec.team_name);
            (Wanted::yes(READY, reason, message), Wanted::no(STALLED, reason, "nothing keeps it"), None, None)
        }
    };
    // Where the namespace is not in force, nobody knows what holds in it.
    let in_force = ready.status == Some(true);
    let egress = egress.map(|it| if in_force { it } else { Wanted { status: None, ..it } });
    let summary = ready.message.clone();
    let wanted: Vec<Wanted> = [ready, stalled].into_iter().chain(egress).collect();
    let generation = project.metadata.generation;
    ProjectStatus {
        explanation: Explanation { summary, fixed_by, next_step },
        observed_generation: generation,
        conditions: merge(&before.conditions, &wanted, generation, now),
    }
}

#[cfg(test)]
mod tests;
