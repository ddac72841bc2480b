//! Removing a Resource: not while something uses it, and not before what it holds is in safety.

use fairway_api::names::LABEL_RESOURCE;
use fairway_api::v1alpha1::{DeletionPolicy, Resource};
use fairway_controller::{delete_exact, list};
use fairway_plan::health::Health;
use fairway_plan::{digest_of, resource};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::json;

use super::apply::inventory;
use super::observe::{Observed, observe};
use super::validate::{refused, validate};
use super::{NAME, image};
use crate::target::TargetBundle;
use crate::{Context, Error};

/// Label on the claim with the dumps of a Resource, which outlives it: its name.
const LABEL_DUMPS: &str = "fairway.dev/dumps-of";

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
    remove(inventory(&name)).await?;
    if let Some(left) = claims(&namespace, &name, ctx).await? {
        return Ok(Some(left));
    }
    // Last of all: until then its job is what tells the next look that the dump was made.
    remove(dumping(&name)).await?;
    Ok(None)
}

fn dumping(name: &str) -> String {
    format!("{}.dump", inventory(name))
}

/// Brings what it holds to safety: none when that is done, or there is nothing to do.
async fn dump(it: &Resource, observed: &Observed, ctx: &Context) -> Result<Option<Leaving>, Error> {
    let was_used = it.status.as_ref().is_some_and(|it| it.connection.is_some());
    if it.spec.deletion_policy == DeletionPolicy::Discard || !was_used {
        return Ok(None);
    }
    let (namespace, name) = (it.namespace().unwrap_or_default(), it.name_any());
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
    let objects = match resource::dump(&valid.class, &valid.facts(&image, serial)) {
        Ok(objects) => objects,
        Err(findings) => return no_dump(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    };
    keep_claim(it, &namespace, valid.plan.values.get("storage").map_or("1Gi", String::as_str), ctx).await?;
    let (inventory, digest) = (dumping(&name), digest_of(&objects).to_string());
    let bundle =
        TargetBundle { namespace: &namespace, name: &inventory, objects: &objects, digest: &digest, cause: None };
    if let Err(error) = ctx.target.apply(&bundle).await {
        let refused = refused(error).map_err(|source| Error::Target { what: "make the dump", source })?;
        return no_dump(refused.message);
    }
    let view = ctx.target.look(&bundle, (LABEL_RESOURCE, &name)).await;
    let view = view.map_err(|source| Error::Target { what: "look at the dump", source })?;
    let seen: Vec<_> = objects.iter().zip(view.objects).collect();
    let unhealthy = |pod: &Pod| view.unhealthy.get(&pod.uid().unwrap_or_default()).cloned();
    Ok(match resource::judge(&seen, &view.pods, &unhealthy).prepared {
        Health::Healthy => None,
        Health::Progressing(how) => Some(Leaving::Dumping(how)),
        Health::Failed(why) => Some(Leaving::NoDump(why, next)),
    })
}

/// The claim that dumps are kept in. It is nobody's child: it stays when the Resource goes.
async fn keep_claim(it: &Resource, namespace: &str, storage: &str, ctx: &Context) -> Result<(), Error> {
    let claim = json!({
        "metadata": {
            "name": resource::dumps_claim(&it.name_any()), "namespace": namespace,
            "labels": { LABEL_DUMPS: it.name_any() },
        },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": storage } } },
    });
    let claim: PersistentVolumeClaim =
        serde_json::from_value(claim).map_err(|it| Error::write("the claim of dumps")(kube::Error::SerdeError(it)))?;
    let api: Api<PersistentVolumeClaim> = Api::namespaced(ctx.kit.client.clone(), namespace);
    // One that is there keeps its size: it cannot shrink.
    let there = api.get_opt(&claim.name_any()).await.map_err(Error::read("the claim of dumps"))?;
    if there.is_none() {
        fairway_controller::apply(&api, NAME, &claim).await.map_err(Error::write("the claim of dumps"))?;
    }
    Ok(())
}

/// The claims of its StatefulSets, which those leave behind.
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
