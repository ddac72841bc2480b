//! The claim that dumps of a Resource are kept in, and what is in it. It is nobody's child: it stays when the Resource goes,
//! and another one of the same name finds its dumps there.

use std::io::Read as _;
use std::path::Path;

use fairway_api::names::LABEL_DUMPS;
use fairway_api::v1alpha1::{Resource, ResourceBackup};
use fairway_controller::delete_exact;
use fairway_plan::resource;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{Api, ResourceExt};
use serde_json::json;

use super::NAME;
use super::validate::Valid;
use crate::{Context, Error};

/// The list of dumps in the claim, which the jobs of a class write.
const INDEX: &str = "index";
/// A list has no more bytes.
const MAX_INDEX: u64 = 64 << 10;

fn api(it: &Resource, ctx: &Context) -> Api<PersistentVolumeClaim> {
    Api::namespaced(ctx.kit.client.clone(), &it.namespace().unwrap_or_default())
}

/// Makes the claim, where the class makes dumps and there is none.
pub(super) async fn claim(it: &Resource, valid: &Valid, ctx: &Context) -> Result<(), Error> {
    if valid.class.dump.is_none() {
        return Ok(());
    }
    let storage = valid.plan.values.get("storage").map_or("1Gi", String::as_str);
    let claim = json!({
        "metadata": {
            "name": resource::dumps_claim(&it.name_any()), "namespace": it.namespace(),
            "labels": { LABEL_DUMPS: it.name_any() },
        },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": storage } } },
    });
    let claim: PersistentVolumeClaim =
        serde_json::from_value(claim).map_err(|it| Error::write("the claim of dumps")(kube::Error::SerdeError(it)))?;
    let api = api(it, ctx);
    // One that is there keeps its size: it cannot shrink.
    let there = api.get_opt(&claim.name_any()).await.map_err(Error::read("the claim of dumps"))?;
    if there.is_none() {
        fairway_controller::apply(&api, NAME, &claim).await.map_err(Error::write("the claim of dumps"))?;
    }
    Ok(())
}

/// Removes the claim with all that is in it.
pub(super) async fn discard(it: &Resource, ctx: &Context) -> Result<(), Error> {
    let (api, name) = (api(it, ctx), resource::dumps_claim(&it.name_any()));
    let there = api.get_opt(&name).await.map_err(Error::read("the claim of dumps"))?;
    let ours = |it: &PersistentVolumeClaim| it.labels().contains_key(LABEL_DUMPS);
    if let Some(claim) = there.filter(|it| ours(it) && it.metadata.deletion_timestamp.is_none()) {
        delete_exact(&api, &name, claim.uid()).await.map_err(Error::write("the end of the claim of dumps"))?;
    }
    Ok(())
}

/// The dumps that there are. What cannot be read now is what was told before.
pub(super) async fn list(it: &Resource, valid: &Valid, ctx: &Context) -> Vec<ResourceBackup> {
    let before = || it.status.as_ref().map(|it| it.backups.clone()).unwrap_or_default();
    let Some(hosting) = ctx.hosting.as_ref().filter(|_| valid.class.dump.is_some()) else { return before() };
    let (namespace, claim) = (it.namespace().unwrap_or_default(), resource::dumps_claim(&it.name_any()));
    let Ok(file) = hosting.workspaces.open(&namespace, &claim, Path::new(INDEX)).await else { return before() };
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        file.take(MAX_INDEX).read_to_end(&mut text).map(|_| text)
    });
    match reading.await {
        Ok(Ok(text)) => resource::listed(&String::from_utf8_lossy(&text)),
        Ok(Err(_)) | Err(_) => before(),
    }
}
