//! Releases: checked against their content address, then numbered; never changed.

use std::sync::Arc;

use fairway_api::conditions::{READY, STALLED, Wanted, merge};
use fairway_api::v1alpha1::{Component, ComponentStatus, Release, ReleaseReason};
use fairway_controller::{Next, among, concerns, controller, list, related};
use fairway_plan::release::{Version, digest, name};
use fairway_plan::{render, score};
use jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{Context, Error};

pub(crate) const NAME: &str = "release-controller";

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let controller = controller::<Release>(&ctx.kit.client, watcher::Config::default());
    let releases = controller.store();
    // A Release that came before its Component waits for it.
    let of_component = move |component: Component| {
        let (here, name) = (component.namespace(), component.name_any());
        among(&releases, |it| it.namespace() == here && it.spec.component_name == name && given(it).is_none())
    };
    let controller = controller.watches(related(&ctx.kit.client), watcher::Config::default(), concerns(of_component));
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(release: Arc<Release>, ctx: Arc<Context>) -> Result<Next, Error> {
    let home = release.namespace().unwrap_or_default();
    let api: Api<Release> = Api::namespaced(ctx.kit.client.clone(), &home);
    // Read again: a number must not be given twice because a cache was behind.
    let Some(release) = api.get_opt(&release.name_any()).await.map_err(Error::read("the release"))? else {
        return Ok(Next::Settled);
    };
    if release.metadata.deletion_timestamp.is_some() {
        return Ok(Next::Settled);
    }
    let pass = converge(&release, &ctx).await;
    if pass.as_ref().err().is_some_and(is_a_race) {
        // Another Release took the number, and this one the next in a moment: nothing to tell.
        return pass.map(|_| Next::Settled);
    }
    let (verdict, identity) = match &pass {
        Ok((verdict, identity)) => (verdict.clone(), identity.clone()),
        Err(error) => {
            let message = format!("the platform could not {error}; it tries again");
            (Err((ReleaseReason::ApplyFailed, message)), given(&release))
        }
    };
    let now = ctx.kit.world.clock.now();
    let status = status(&release, verdict.as_ref().copied(), identity.as_ref(), now);
    let reported = fairway_controller::report_part(&api, &release, &status, NAME).await;
    let (_told, _) = pass?;
    reported.map_err(Error::write("the release's status"))?;
    Ok(Next::Settled)
}

/// Whether it can be delivered, and what it is called.
async fn converge(release: &Release, ctx: &Context) -> Result<(Result<(), Problem>, Option<Identity>), Error> {
    let observed = observe(release, ctx).await?;
    let verdict = validate(release, &observed);
    let identity = match (&verdict, given(release)) {
        (_, Some(given)) => Some(given),
        (Ok(component), None) => Some(apply(release, component, &observed, ctx).await?),
        (Err(_), None) => None,
    };
    Ok((verdict.map(|_| ()), identity))
}

fn is_a_race(error: &Error) -> bool {
    matches!(error, Error::Write { source: kube::Error::Api(status), .. } if status.code == 409)
}

struct Observed {
    component: Option<Component>,
    siblings: Vec<Release>,
}

/// What a Release is called.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    version: String,
    number: i64,
}

/// What it was called before.
fn given(release: &Release) -> Option<Identity> {
    let status = release.status.as_ref()?;
    Some(Identity { version: status.version.clone()?, number: status.number? })
}

async fn observe(release: &Release, ctx: &Context) -> Result<Observed, Error> {
    let home = release.namespace().unwrap_or_default();
    let components: Api<Component> = Api::namespaced(ctx.kit.client.clone(), &home);
    let component = components.get_opt(&release.spec.component_name).await.map_err(Error::read("the component"))?;
    let siblings = list::<Release>(&ctx.kit.client, &home, &ListParams::default()).await;
    let mut siblings = siblings.map_err(Error::read("releases"))?;
    siblings.retain(|it| it.spec.component_name == release.spec.component_name && it.uid() != release.uid());
    Ok(Observed { component, siblings })
}

/// What keeps a Release from being delivered.
type Problem = (ReleaseReason, String);

fn validate<'a>(release: &Release, observed: &'a Observed) -> Result<&'a Component, Problem> {
    let expected = name(&release.spec);
    if release.name_any() != expected {
        let message = format!(
            "its content asks for the name {expected}: it was written by hand or changed after it was made; make a new one"
        );
        return Err((ReleaseReason::DigestMismatch, message));
    }
    let Some(component) = &observed.component else {
        let message = format!("component {:?} does not exist; create it", release.spec.component_name);
        return Err((ReleaseReason::ComponentNotFound, message));
    };
    let (_, mut findings) = score::workload(&release.spec.workload);
    for (layer, settings) in &release.spec.config {
        findings.extend(settings.iter().filter_map(|(name, value)| render::check_setting(layer, name, value)));
    }
    if let Some(first) = findings.first() {
        let more = if findings.len() > 1 { format!(" (and {} more)", findings.len() - 1) } else { String::new() };
        return Err((ReleaseReason::InvalidWorkload, format!("{first}{more}")));
    }
    if let Some(version) = &release.spec.version {
        let taken = |it: &&Release| given(it).is_some_and(|it| it.version == *version);
        if let Some(other) = observed.siblings.iter().find(taken).filter(|_| given(release).is_none()) {
            let message = format!("version {version} is {}'s; tag another", other.name_any());
            return Err((ReleaseReason::VersionTaken, message));
        }
    }
    Ok(component)
}

/// Takes the next number from the Component: whoever writes it first has it, the other tries again.
async fn apply(
    release: &Release,
    component: &Component,
    observed: &Observed,
    ctx: &Context,
) -> Result<Identity, Error> {
    let identity = next(release, component, &observed.siblings);
    let api: Api<Component> = Api::namespaced(ctx.kit.client.clone(), &component.namespace().unwrap_or_default());
    let patch = json!({
        "metadata": { "resourceVersion": component.resource_version(), "uid": component.uid() },
        "status": {
            "lastNumber": identity.number,
            "latestVersion": identity.version,
            "latestReleaseName": release.name_any(),
        },
    });
    let parameters = PatchParams { field_manager: Some(NAME.to_owned()), ..PatchParams::default() };
    let taken = api.patch_status(&component.name_any(), &parameters, &Patch::Merge(patch)).await;
    taken.map_err(Error::write("the component's last number"))?;
    Ok(identity)
}

fn next(release: &Release, component: &Component, siblings: &[Release]) -> Identity {
    let status = component.status.clone().unwrap_or_default();
    if let Some(taken) = taken(release, &status, siblings) {
        return taken;
    }
    let of_siblings = siblings.iter().filter_map(given);
    let number = of_siblings.map(|it| it.number).chain([status.last_number]).max().unwrap_or(0) + 1;
    let versions = siblings.iter().filter_map(given).map(|it| it.version).chain(status.latest_version);
    let patch = || Version::after(versions.filter_map(|it| Version::parse(&it))).to_string();
    Identity { version: release.spec.version.clone().unwrap_or_else(patch), number }
}

/// What the Component remembers as this Release's: a pass that took it and ended before it could say so on the Release.
fn taken(release: &Release, status: &ComponentStatus, siblings: &[Release]) -> Option<Identity> {
    let version = status.latest_version.clone()?;
    let asked_for = release.spec.version.as_ref().is_none_or(|it| *it == version);
    let another = siblings.iter().filter_map(given).any(|it| it.number == status.last_number || it.version == version);
    let ours = status.latest_release_name.as_deref() == Some(release.name_any().as_str()) && asked_for && !another;
    ours.then_some(Identity { version, number: status.last_number })
}

/// This controller's part of the status; in which Environments it proved itself is the delivery controller's.
fn status(release: &Release, verdict: Result<(), &Problem>, identity: Option<&Identity>, now: Timestamp) -> Value {
    let before = release.status.clone().unwrap_or_default();
    let (ready, stalled, next_step) = match verdict {
        Err((reason @ ReleaseReason::ApplyFailed, message)) => {
            let stalled = Wanted::no(STALLED, reason.as_str(), "it is being tried again");
            (Wanted::no(READY, reason.as_str(), message.clone()), stalled, None)
        }
        Err((reason, message)) => {
            let stalled = Wanted::yes(STALLED, reason.as_str(), "a release does not change; make a new one");
            let next = format!("platform deploy {}", release.spec.component_name);
            (Wanted::no(READY, reason.as_str(), message.clone()), stalled, Some(next))
        }
        Ok(()) => {
            let reason = ReleaseReason::Deliverable.as_str();
            let from = match (&release.spec.source.commit, release.spec.source.uncommitted) {
                (Some(commit), false) => format!("commit {}", commit.chars().take(12).collect::<String>()),
                (Some(commit), true) => {
                    format!("commit {} with uncommitted changes", commit.chars().take(12).collect::<String>())
                }
                (None, _) => "an unversioned folder or image".to_owned(),
            };
            let version = identity.map(|it| it.version.clone()).unwrap_or_default();
            let ready = Wanted::yes(READY, reason, format!("{version} from {from} can be delivered"));
            (ready, Wanted::no(STALLED, reason, "nothing keeps it"), None)
        }
    };
    let generation = release.metadata.generation;
    json!({
        "summary": ready.message,
        "fixedBy": next_step.as_ref().map(|_| "its team"),
        "nextStep": next_step,
        "version": identity.map(|it| &it.version),
        "number": identity.map(|it| it.number),
        "digest": digest(&release.spec).as_str(),
        "observedGeneration": generation,
        "conditions": merge(&before.conditions, &[ready, stalled], generation, now),
    })
}

#[cfg(test)]
mod tests;
