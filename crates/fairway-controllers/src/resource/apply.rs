//! All writes of a pass: what was generated first, then the objects, then what a workload is told.

use std::collections::BTreeMap;

use fairway_api::names::{ANNOTATION_CAUSE, LABEL_RESOURCE};
use fairway_api::v1alpha1::Resource;
use fairway_clock::Entropy;
use fairway_plan::health::Health;
use fairway_plan::resource::{self, Credentials, State};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Resource as _, ResourceExt};

use super::NAME;
use super::observe::Observed;
use super::plan::{self, Made};
use super::validate::{Problem, Valid, refused};
use crate::target::TargetBundle;
use crate::{Context, Error};

/// Letters and digits: in a URL and in a shell they are what they are.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What is generated, made where there is none: it lies in its Secret before anything is made with it.
pub(super) async fn first(
    resource: &Resource,
    valid: &Valid,
    observed: &Observed,
    ctx: &Context,
) -> Result<Credentials, Error> {
    let kept = observed.credentials.clone().unwrap_or_default();
    let entropy = ctx.kit.world.entropy.as_ref();
    let wish = resource.spec.rotate.as_deref();
    let credentials = kept.next(&valid.class, wish, false, false, &mut |length| secret(entropy, length));
    if observed.credentials.as_ref() != Some(&credentials) {
        write(
            resource,
            &resource::credentials_secret(valid.name.as_str()),
            &credentials.values,
            credentials.annotations(),
            ctx,
        )
        .await?;
    }
    Ok(credentials)
}

/// Applies the objects and looks how they do.
pub(super) async fn objects(resource: &Resource, made: &Made, ctx: &Context) -> Result<Result<State, Problem>, Error> {
    let name = inventory(&resource.name_any());
    let namespace = resource.namespace().unwrap_or_default();
    let bundle = bundle(resource, made, &namespace, &name);
    if let Err(error) = ctx.target.apply(&bundle).await {
        let refused = refused(error).map_err(|source| Error::Target { what: "apply the objects", source })?;
        return Ok(Err(refused));
    }
    let view = ctx.target.look(&bundle, (LABEL_RESOURCE, &resource.name_any())).await;
    let view = view.map_err(|source| Error::Target { what: "look at the objects", source })?;
    let seen: Vec<_> = made.objects.iter().zip(view.objects).collect();
    let unhealthy = |pod: &Pod| view.unhealthy.get(&pod.uid().unwrap_or_default()).cloned();
    let state = resource::judge(&seen, &view.pods, &unhealthy);
    if settled(&state) {
        let pruned = ctx.target.prune(&bundle).await;
        pruned.map_err(|source| Error::Target { what: "prune the objects", source })?;
    }
    Ok(Ok(state))
}

fn settled(state: &State) -> bool {
    (&state.serving, &state.prepared) == (&Health::Healthy, &Health::Healthy)
}

#[expect(clippy::too_many_arguments, reason = "all that a turn depends on")]
/// Takes the next turn with what is generated, if it is time, and writes what a workload is told.
pub(super) async fn turn(
    resource: &Resource,
    valid: &Valid,
    made: Made,
    credentials: &Credentials,
    state: &State,
    unmoved: &[String],
    image: &str,
    ctx: &Context,
) -> Result<Result<Made, Problem>, Error> {
    let entropy = ctx.kit.world.entropy.as_ref();
    let (told, moved) = (settled(state), unmoved.is_empty());
    let wish = resource.spec.rotate.as_deref();
    let next = credentials.next(&valid.class, wish, told, moved, &mut |length| secret(entropy, length));
    let made = if next == *credentials {
        made
    } else {
        write(resource, &resource::credentials_secret(valid.name.as_str()), &next.values, next.annotations(), ctx)
            .await?;
        match plan::made(resource, valid, &next, image) {
            Ok(made) => made,
            Err(problem) => return Ok(Err(problem)),
        }
    };
    write(resource, &resource::connection_secret(valid.name.as_str()), &made.told, BTreeMap::new(), ctx).await?;
    Ok(Ok(made))
}

/// The inventory of a Resource: no Component's has a point in its name.
pub(super) fn inventory(name: &str) -> String {
    format!("resource.{name}")
}

pub(super) fn bundle<'a>(
    resource: &'a Resource,
    made: &'a Made,
    namespace: &'a str,
    name: &'a str,
) -> TargetBundle<'a> {
    let cause = resource.annotations().get(ANNOTATION_CAUSE).map(String::as_str);
    TargetBundle { namespace, name, objects: &made.objects, digest: &made.digest, cause }
}

async fn write(
    resource: &Resource,
    name: &str,
    values: &BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    ctx: &Context,
) -> Result<(), Error> {
    let namespace = resource.namespace().unwrap_or_default();
    let data = values.iter().map(|(key, it)| (key.clone(), ByteString(it.clone().into_bytes())));
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.clone()),
            labels: Some([(LABEL_RESOURCE.to_owned(), resource.name_any())].into()),
            annotations: Some(annotations).filter(|it| !it.is_empty()),
            owner_references: resource.controller_owner_ref(&()).map(|it| vec![it]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data.collect()),
        ..Secret::default()
    };
    let api: Api<Secret> = Api::namespaced(ctx.kit.client.clone(), &namespace);
    fairway_controller::apply(&api, NAME, &secret).await.map(|_| ()).map_err(Error::write("a secret"))
}

/// Letters and digits, each as likely as any other.
fn secret(entropy: &dyn Entropy, length: u32) -> String {
    let wanted = length as usize;
    let mut text = String::with_capacity(wanted);
    // Bytes from the last, incomplete round of the alphabet would make its first letters likelier.
    let fair = 256 - 256 % ALPHABET.len();
    let mut bytes = [0u8; 64];
    while text.len() < wanted {
        entropy.fill(&mut bytes);
        let letters = bytes.iter().map(|it| usize::from(*it)).filter(|it| *it < fair);
        let missing = wanted - text.len();
        text.extend(letters.map(|it| char::from(ALPHABET[it % ALPHABET.len()])).take(missing));
    }
    text
}

#[cfg(test)]
mod tests;
