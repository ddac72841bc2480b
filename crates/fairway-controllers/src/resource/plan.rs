//! What a Resource is made of, and how it does. Pure.

use std::collections::BTreeMap;

use fairway_api::v1alpha1::Resource;
use fairway_plan::digest_of;
use fairway_plan::health::Health;
use fairway_plan::resource::{self, Credentials, State, Step};
use kube::ResourceExt;
use serde_json::Value;

use super::validate::{Problem, Valid, unrendered};

/// What a Resource is made of. It has no `Debug`, so that what is told stands in no log.
pub(super) struct Made {
    pub(super) objects: Vec<Value>,
    pub(super) digest: String,
    pub(super) image: String,
    /// What a workload is told.
    pub(super) told: BTreeMap<String, String>,
    /// Follows from what is told, and lets nobody know it: each has a long random part.
    pub(super) connection: String,
    pub(super) step: Step,
    /// How often something changed that the resource has to be told of.
    pub(super) serial: u64,
    pub(super) rotated: Option<String>,
    /// Whether its class has two logins that take turns: without them nothing is ever rotated.
    pub(super) rotates: bool,
}

/// How a Resource does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Course {
    /// It can be used.
    Available,
    /// It can be used, and what it is told of is changing.
    Rotating(String),
    /// It is on its way for the first time.
    Provisioning(String),
    /// It could be used, and cannot any more.
    Unavailable(String),
}

/// What it is to be made of, with what was generated.
pub(super) fn made(
    resource: &Resource,
    valid: &Valid,
    credentials: &Credentials,
    image: &str,
) -> Result<Made, Problem> {
    let facts = valid.facts(image, credentials.serial);
    let bad = |findings: Vec<fairway_plan::Finding>| unrendered(&resource.spec.class_name, &findings);
    let objects = resource::render(&valid.class, &facts).map_err(bad)?;
    let told =
        resource::outputs(&valid.class, &facts, credentials.login.as_deref(), &credentials.values).map_err(bad)?;
    let connection = digest_of(&(resource.uid(), &told)).short().to_owned();
    let digest = digest_of(&objects).to_string();
    let Credentials { step, serial, rotated, .. } = credentials.clone();
    let rotates = resource::rotates(&valid.class);
    Ok(Made { objects, digest, image: image.to_owned(), told, connection, step, serial, rotated, rotates })
}

/// How it does. `known` is the serial of what the resource was told when its state was looked at; `unmoved` are the
/// Components that may still use what they were told before.
pub(super) fn course(resource: &Resource, made: &Made, state: &State, known: u64, unmoved: &[String]) -> Course {
    let before = resource.status.as_ref().is_some_and(|it| it.connection.is_some());
    let asked = made.rotates && resource.spec.rotate.is_some() && resource.spec.rotate != made.rotated;
    match (&state.serving, &state.prepared) {
        (Health::Progressing(why) | Health::Failed(why), _) if before => Course::Unavailable(why.clone()),
        (Health::Progressing(why) | Health::Failed(why), _) => Course::Provisioning(why.clone()),
        (Health::Healthy, Health::Progressing(why) | Health::Failed(why)) if !before => {
            Course::Provisioning(why.clone())
        }
        (Health::Healthy, Health::Progressing(why) | Health::Failed(why)) => Course::Rotating(why.clone()),
        (Health::Healthy, Health::Healthy) if made.step == Step::Moving && !unmoved.is_empty() => {
            Course::Rotating(format!("{} is being started anew with them", unmoved.join(", ")))
        }
        (Health::Healthy, Health::Healthy) if made.step != Step::Resting || made.serial != known || asked => {
            Course::Rotating("the new ones are being put in the place of those before".to_owned())
        }
        (Health::Healthy, Health::Healthy) => Course::Available,
    }
}
