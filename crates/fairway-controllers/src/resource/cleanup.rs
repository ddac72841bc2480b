//! Removing a Resource: not while something uses it, and not before what it holds is in safety.

use fairway_api::names::LABEL_RESOURCE;
use fairway_api::v1alpha1::{DeletionPolicy, Resource};
use fairway_controller::{delete_exact, list};
use fairway_plan::health::Health;
use fairway_plan::resource::{self, Sort};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::apply::inventory;
use super::observe::{Observed, observe};
use super::task::{tasks, work};
use super::validate::validate;
use super::{NAME, dumps, image};
use crate::{Context, Error};

/// On a Resource that is being removed: the dump of it that was made.
const ANNOTATION_DUMPED: &str = "fairway.dev/dumped";

/// What keeps a Resource that is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaving {
    /// These Components use it.
    InUse(Vec<String>),
    /// A dump is being made.
    Dumping(String),
    /// No dump could be made; the way out.
    NoDump(String, String),
    /// What it is made of is going.
    Removing(String),
}

/// Removes it. None when nothing is left.
pub(super) async fn leave(it: &Resource, ctx: &Context) -> Result<Option<Leaving>, Error> {
    let observed = observe(it, ctx).await?;
    // Where the namespace goes, all in it does, and nothing new can be made there.
    if !observed.leaving {
        let users = observed.used_by(it);
        if !users.is_empty() {
            return Ok(Some(Leaving::InUse(users)));
        }
        if let Some(waiting) = dump(it, &observed, ctx).await? {
            return Ok(Some(waiting));
        }
    }
    let (namespace, name) = (it.namespace().unwrap_or_default(), it.name_any());
    let remove = async |inventory: String| {
        let removed = ctx.target.remove(&namespace, &inventory).await;
        removed.map(drop).map_err(|source| Error::Target { what: "remove the objects", source })
    };
    for inventory in [tasks(&name), inventory(&name), dumping(&name)] {
        remove(inventory).await?;
    }
    if let Some(left) = claims(&namespace, &name, ctx).await? {
        return Ok(Some(left));
    }
    let kept = it.status.as_ref().is_some_and(|it| !it.backups.is_empty());
    if it.spec.deletion_policy == DeletionPolicy::Discard || !(kept || was_used(it)) {
        dumps::discard(it, ctx).await?;
    }
    Ok(None)
}

fn was_used(it: &Resource) -> bool {
    it.status.as_ref().is_some_and(|it| it.connection.is_some())
}

fn is_dumped(it: &Resource) -> bool {
    it.annotations().contains_key(ANNOTATION_DUMPED)
}

fn dumping(name: &str) -> String {
    format!("{}.dump", inventory(name))
}

/// Brings what it holds to safety: none when that is done, or there is nothing to do.
async fn dump(it: &Resource, observed: &Observed, ctx: &Context) -> Result<Option<Leaving>, Error> {
    if it.spec.deletion_policy == DeletionPolicy::Discard || !was_used(it) || is_dumped(it) {
        return Ok(None);
    }
    let name = it.name_any();
    let next = format!("platform resource remove {name} --discard");
    let no_dump = |why: String| Ok(Some(Leaving::NoDump(why, next.clone())));
    let valid = match validate(it, observed) {
        Ok(valid) => valid,
        Err(problem) => return no_dump(problem.message),
    };
    if valid.class.dump.is_none() {
        return Ok(None);
    }
    let image = match image::image(&valid.version, ctx).await {
        image::Image::Ready(reference) => reference,
        image::Image::Building(how_far) => return Ok(Some(Leaving::Dumping(how_far))),
        image::Image::None(problem) => return no_dump(problem.message),
    };
    let serial = observed.credentials.as_ref().map_or(1, |it| it.serial);
    // The same name at every look: a pass that is cut short goes on with the dump it began.
    let at = it.metadata.deletion_timestamp.as_ref().map_or_else(|| ctx.kit.world.clock.now(), |it| it.0);
    let backup = resource::backup_name(&name, Sort::Removed, at);
    let objects = match resource::dump(&valid.class, &valid.facts(&image, serial), &backup) {
        Ok(objects) => objects,
        Err(findings) => return no_dump(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    };
    dumps::claim(it, &valid, ctx).await?;
    let (health, said) = match work(it, &dumping(&name), &objects, ctx).await? {
        Ok(seen) => seen,
        Err(refusal) => return no_dump(refusal),
    };
    match health {
        Health::Healthy => mark(it, &backup, ctx).await.map(|()| None),
        Health::Progressing(how) => Ok(Some(Leaving::Dumping(how))),
        Health::Failed(why) => no_dump(said.unwrap_or(why)),
    }
}

/// Remembers that the dump was made: from then on there is nothing any more to make another one of.
async fn mark(it: &Resource, backup: &str, ctx: &Context) -> Result<(), Error> {
    let mark = json!({ "metadata": { "annotations": { ANNOTATION_DUMPED: backup } } });
    let parameters = PatchParams { field_manager: Some(NAME.to_owned()), ..PatchParams::default() };
    let api: Api<Resource> = Api::namespaced(ctx.kit.client.clone(), &it.namespace().unwrap_or_default());
    let marked = api.patch(&it.name_any(), &parameters, &Patch::Merge(&mark)).await;
    marked.map(drop).map_err(Error::write("that the dump was made"))
}

/// Its claims: those that its class makes are going by now, and StatefulSets leave theirs behind.
async fn claims(namespace: &str, name: &str, ctx: &Context) -> Result<Option<Leaving>, Error> {
    let of_it = ListParams::default().labels(&format!("{LABEL_RESOURCE}={name}"));
    let claims = list::<PersistentVolumeClaim>(&ctx.kit.client, namespace, &of_it).await;
    let api: Api<PersistentVolumeClaim> = Api::namespaced(ctx.kit.client.clone(), namespace);
    let mut left = Vec::new();
    for claim in claims.map_err(Error::read("its claims"))? {
        if claim.metadata.deletion_timestamp.is_none() {
            let deleted = delete_exact(&api, &claim.name_any(), claim.uid()).await;
            deleted.map_err(Error::write("the end of its claim"))?;
        }
        left.push(claim.name_any());
    }
    Ok((!left.is_empty()).then(|| Leaving::Removing(format!("{} goes first", left.join(", ")))))
}
