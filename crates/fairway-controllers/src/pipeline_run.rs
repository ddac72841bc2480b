//! Runs of pipelines: from a commit to steps in Pods, and from their end to an image, a Release and Deliveries.
//!
//! What is to be done is decided by `fairway_plan::pipeline::plan`; here it is observed, carried out and reported. A run
//! that ended says so first; what it leaves behind is removed by the passes after that.

mod source;

mod observe;

mod pusher;

mod cache;

mod validate;

mod steps;

mod pod;

mod logs;

mod authorities;

mod apply;

mod workspace;

mod base;

mod image;

mod release;

mod places;

mod report;

mod cleanup;

use std::sync::Arc;
use std::time::Duration;

use fairway_api::names::{FINALIZER, LABEL_RUN};
use fairway_api::v1alpha1::{PipelineRun, PipelineRunReason, Release};
use fairway_controller::{Guarded, Next, Phase, concerns, controller, related, with_finalizer};
use fairway_plan::pipeline::plan;
use futures::StreamExt as _;
use futures::channel::mpsc;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::failpoints::RUN_ENDED;
use crate::hosting::Hosting;
use crate::{Context, Error};
use apply::{Again, Applied};
use logs::{Followers, Whole};
use source::Sources;

pub(crate) const NAME: &str = "pipeline-run-controller";

/// How soon to look whether a log is whole, a claim is bound, or a place is free.
const SOON: Duration = Duration::from_millis(50);
/// How soon to look how far a base image is.
const LATER: Duration = Duration::from_millis(500);
/// How soon to look again whether a place is free, if nobody says so before.
const QUEUED: Duration = Duration::from_secs(2);

/// What every pass gets.
struct Pipelines {
    ctx: Arc<Context>,
    hosting: Hosting,
    sources: Sources,
    followers: Followers,
    /// Held from counting places to taking them.
    starting: Mutex<()>,
}

/// What keeps a run from going on.
type Problem = (PipelineRunReason, String);

pub(crate) async fn run(ctx: Arc<Context>, hosting: Hosting, stop: CancellationToken) {
    let client = &ctx.kit.client;
    let of_runs = watcher::Config::default().labels(LABEL_RUN);
    let controller = controller::<PipelineRun>(client, watcher::Config::default());
    let (runs, waiting, followed) = (controller.store(), controller.store(), controller.store());
    let controller = controller
        .owns(related::<PersistentVolumeClaim>(client), of_runs.clone())
        .watches(
            related(client),
            of_runs,
            concerns(move |pod: Pod| {
                let namespace = pod.namespace().unwrap_or_default();
                let own = pod.labels().get(LABEL_RUN).map(|it| ObjectRef::new(it).within(&namespace));
                // A place may be free now.
                own.into_iter().chain(unless_running(&pod, &waiting)).collect::<Vec<_>>()
            }),
        )
        .watches(
            related(client),
            watcher::Config::default(),
            concerns(move |release: Release| {
                under_way(&runs, |it| {
                    it.spec.component_name == release.spec.component_name && it.namespace() == release.namespace()
                })
            }),
        )
        // A newer push to the same ref takes the place of older runs.
        .watches(
            related(client),
            watcher::Config::default(),
            concerns(move |newer: PipelineRun| {
                under_way(&followed, |it| it.namespace() == newer.namespace() && validate::is_newer(&newer, it))
            }),
        );
    let kit = Arc::clone(&ctx.kit);
    let (whole, wholes) = mpsc::unbounded();
    let pipelines = Arc::new(Pipelines {
        ctx,
        hosting,
        sources: Sources::default(),
        followers: Followers::telling(whole),
        starting: Mutex::default(),
    });
    let own = Arc::clone(&pipelines);
    let copied = copied(wholes, Arc::clone(&pipelines), stop.clone());
    let passes = fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&own)));
    futures::join!(passes, copied);
    pipelines.followers.stop().await;
}

/// Looks at a run as soon as a log of it is whole. Nothing depends on it: a pass comes soon anyway.
async fn copied(mut wholes: mpsc::UnboundedReceiver<Whole>, pipelines: Arc<Pipelines>, stop: CancellationToken) {
    let mut looks = JoinSet::new();
    loop {
        let whole = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = looks.join_next() => continue,
            Some(whole) = wholes.next() => whole,
            else => break,
        };
        let pipelines = Arc::clone(&pipelines);
        looks.spawn(async move {
            let api: Api<PipelineRun> = Api::namespaced(pipelines.ctx.kit.client.clone(), &whole.project);
            if let Ok(Some(run)) = api.get_opt(&whole.run).await {
                let _the_next_pass_tries_it_again = reconcile(Arc::new(run), pipelines).await;
            }
        });
    }
    while looks.join_next().await.is_some() {}
}

/// Runs that have not ended.
fn under_way(
    runs: &Store<Guarded<PipelineRun>>,
    wanted: impl Fn(&PipelineRun) -> bool,
) -> Vec<ObjectRef<Guarded<PipelineRun>>> {
    let open = |it: &Arc<Guarded<PipelineRun>>| it.0.as_ref().is_ok_and(|it| !report::has_ended(it) && wanted(it));
    runs.state().into_iter().filter(open).map(|it| ObjectRef::from_obj(it.as_ref())).collect()
}

/// Those that wait for a place, if this Pod has left one.
fn unless_running(pod: &Pod, runs: &Store<Guarded<PipelineRun>>) -> Vec<ObjectRef<Guarded<PipelineRun>>> {
    if places::takes_one(pod) { Vec::new() } else { under_way(runs, report::is_queued) }
}

async fn reconcile(run: Arc<PipelineRun>, pipelines: Arc<Pipelines>) -> Result<Next, Error> {
    let home = run.namespace().unwrap_or_default();
    let api: Api<PipelineRun> = Api::namespaced(pipelines.ctx.kit.client.clone(), &home);
    // A change and a whole log may come at once; read again, a step must not be started twice because a cache was behind.
    let _turn = pipelines.ctx.turns.take(&format!("{home}/{}", run.name_any())).await;
    let Some(run) = api.get_opt(&run.name_any()).await.map_err(Error::read("the pipeline run"))? else {
        return Ok(Next::Settled);
    };
    match with_finalizer(&api, &run, FINALIZER, false).await.map_err(Error::write("the finalizer"))? {
        Phase::Left => return Ok(Next::Settled),
        Phase::Leaving => return cleanup::leave(&run, &api, &pipelines).await,
        Phase::Wanted => {}
    }
    if report::has_ended(&run) {
        return cleanup::after_end(&run, &api, &pipelines).await;
    }
    let converged = converge(&run, &pipelines).await;
    let now = pipelines.ctx.kit.world.clock.now();
    let status = match &converged {
        Ok(outcome) => report::status(&run, outcome, now),
        Err(error) => report::trouble(&run, error, now),
    };
    let reported = fairway_controller::report(&api, &run, run.status.as_ref(), &status, NAME).await;
    let outcome = converged?;
    reported.map_err(Error::write("the pipeline run's status"))?;
    if outcome.ended.is_some() {
        pipelines.ctx.failpoints.pass(RUN_ENDED);
    }
    Ok(outcome.next)
}

/// What became of a pass.
struct Outcome {
    progress: steps::Progress,
    ended: Option<Ended>,
    queued: bool,
    next: Next,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ended {
    reason: PipelineRunReason,
    message: String,
}

async fn converge(run: &PipelineRun, pipelines: &Pipelines) -> Result<Outcome, Error> {
    let observed = observe::observe(run, pipelines).await?;
    let hosting = &pipelines.hosting;
    let known =
        validate::Known { toolchains: &hosting.toolchains, bases: &base::known(hosting, observed.source.as_deref()) };
    let input = match validate::validate(run, &observed, &known) {
        Ok(input) => input,
        Err((reason, message)) => {
            cleanup::stop_pods(run, &observed, pipelines).await?;
            let mut progress = steps::reported(run);
            progress.cancel("the run ended before it did");
            return Ok(Outcome {
                progress,
                ended: Some(Ended { reason, message }),
                queued: false,
                next: Next::Settled,
            });
        }
    };
    logs::follow(run, &observed.pods, |step| input.pipeline.step(step).map_or(0, |it| it.log), pipelines);
    let (home, name) = (run.namespace().unwrap_or_default(), run.name_any());
    let is_whole = |step: &str| pipelines.hosting.logs.is_whole(&home, &name, step);
    let seen = steps::see(run, &input.pipeline, &input.keys, &observed.pods, is_whole);
    let facts = input.facts(&observed, &seen.standings);
    // Nobody counts places while somebody takes them.
    let starting = if plan::startable(&facts) > 0 { Some(pipelines.starting.lock().await) } else { None };
    let places = if starting.is_some() { places::free(run, &facts, pipelines).await? } else { 0 };
    let decided = plan::plan(&plan::Facts { places, ..facts });
    let (begin, rest): (Vec<_>, Vec<_>) = decided.decisions.iter().partition(|it| apply::needs_places(it));
    let begun = Applied::of(seen.progress);
    let begun = apply::apply(&begin, run, &input, &observed, begun, pipelines).await?;
    // What takes longer, as an image does, keeps nobody else from beginning.
    drop(starting);
    let applied = apply::apply(&rest, run, &input, &observed, begun, pipelines).await?;
    let queued = !decided.queued.is_empty();
    let next = match () {
        () if applied.ended.is_some() => Next::Settled,
        () if seen.logs_missing || applied.again == Again::Soon => Next::After(SOON),
        () if applied.again == Again::Later => Next::After(LATER),
        () if queued || observed.overtaken => Next::After(QUEUED),
        () => Next::Settled,
    };
    Ok(Outcome { progress: applied.progress, ended: applied.ended, queued, next })
}
