//! Making releases and finding them again.

use std::time::Duration;

use fairway_api::conditions::{READY, STALLED, is_true};
use fairway_api::names::{ANNOTATION_CAUSE, ComponentName, ProjectName};
use fairway_api::v1alpha1::{Release, ReleaseSpec};
use fairway_plan::release::{NotOne, find, name, number};
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt};

use crate::failure::Failure;
use crate::place;
use crate::session::Session;
use crate::waiting::{Verdict, until};

/// Who writes what commands write.
pub(crate) const MANAGER: &str = "platform-cli";

pub(crate) fn api(session: &Session, project: &ProjectName) -> Api<Release> {
    Api::namespaced(session.client.clone(), project.as_str())
}

/// A release, and whether it was there before.
pub(crate) struct Ensured {
    pub(crate) release: Release,
    pub(crate) existed: bool,
}

/// Makes the release of this content unless there is one, and waits until it has its number.
pub(crate) async fn ensure(
    session: &Session,
    project: &ProjectName,
    spec: ReleaseSpec,
    cause: &str,
    timeout: Duration,
) -> Result<Ensured, Failure> {
    let api = api(session, project);
    let name = name(&spec);
    let mut release = Release::new(&name, spec);
    release.annotations_mut().insert(ANNOTATION_CAUSE.to_owned(), cause.to_owned());
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    session.progress.step(&format!("recording release {name}"));
    let existed = match api.create(&parameters, &release).await {
        Ok(_) => false,
        // The same content is the same release.
        Err(kube::Error::Api(status)) if status.code == 409 => true,
        Err(error) => return Err(Failure::api(format!("create release {name}"))(error)),
    };
    let release = until(session, api, &name, timeout, ready).await?;
    Ok(Ensured { release, existed })
}

fn ready(release: Option<&Release>) -> Verdict<Release> {
    let Some(release) = release else { return Verdict::Wait("waiting for the release".to_owned()) };
    let Some(status) = &release.status else { return Verdict::Wait("the release is being checked".to_owned()) };
    if is_true(&status.conditions, READY) && status.number.is_some() {
        return Verdict::Done(release.clone());
    }
    if is_true(&status.conditions, STALLED) {
        let what = format!("release {} cannot be delivered: {}", release.name_any(), status.explanation.summary);
        let failure = Failure::failed(what);
        return Verdict::Never(match &status.explanation.next_step {
            Some(next) => failure.hint(next),
            None => failure,
        });
    }
    Verdict::Wait("the release is being checked".to_owned())
}

/// Every release of a component, newest first.
pub(crate) async fn all(
    session: &Session,
    project: &ProjectName,
    component: &ComponentName,
) -> Result<Vec<Release>, Failure> {
    let found = api(session, project).list(&ListParams::default()).await.map_err(Failure::api("list releases"))?;
    let mut of_it: Vec<Release> =
        found.items.into_iter().filter(|it| it.spec.component_name == component.as_str()).collect();
    of_it.sort_by_key(|it| std::cmp::Reverse(number(it)));
    Ok(of_it)
}

/// The release a person means by a word.
pub(crate) async fn named(
    session: &Session,
    project: &ProjectName,
    component: &ComponentName,
    word: &str,
) -> Result<Release, Failure> {
    let releases = all(session, project, component).await?;
    if releases.is_empty() {
        place::registered(session, project, component).await?;
    }
    let hint = format!("platform release list --service={component}");
    find(component.as_str(), word, &releases).cloned().map_err(|error| match error {
        NotOne::None { .. } => Failure::not_found(error.to_string()).hint(hint),
        NotOne::Several { .. } => Failure::usage(error.to_string()).hint(hint),
    })
}
