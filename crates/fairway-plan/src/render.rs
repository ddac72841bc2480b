//! What a Release becomes in an Environment: plain Kubernetes objects, safe by default, named so that the same input
//! gives the same bytes.

mod objects;

mod restricted;

mod variables;

pub(crate) use variables::CONNECTIONS;
pub use variables::connections;

use std::collections::BTreeMap;

use fairway_api::names::{ComponentName, EnvironmentName, ProjectName};
use fairway_api::v1alpha1::ReleaseSpec;
use serde_json::Value;

use crate::score::{self, Workload};
use crate::{Digest, Finding, digest_of};

/// The Gateway that routes refer to.
pub const GATEWAY_NAME: &str = "gateway";
/// Where it is.
pub const GATEWAY_NAMESPACE: &str = "fairway-system";

/// All that a rendering depends on.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// The Project.
    pub project: &'a ProjectName,
    /// The Environment.
    pub environment: &'a EnvironmentName,
    /// Where its components run.
    pub namespace: &'a str,
    /// The Component.
    pub component: &'a ComponentName,
    /// What to run.
    pub release: &'a ReleaseSpec,
    /// The Release's version.
    pub version: &'a str,
    /// How many instances; belongs to the Environment.
    pub replicas: i32,
    /// Changes when every instance is to be restarted.
    pub restart: Option<&'a str>,
    /// What it needs and gets, by the name in its score file. Of what is not known yet the names are assumed.
    pub resources: &'a BTreeMap<String, Binding>,
}

/// What a workload is told of something that it needs: where, never what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Binding {
    /// The connection Secret.
    pub secret_name: String,
    /// Its keys.
    pub outputs: Vec<String>,
    /// Changes whenever a value in it changes.
    pub connection: String,
}

/// The rendered, content-addressed objects of one Delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// In the order in which they are applied.
    pub objects: Vec<Value>,
    /// The digest of the objects.
    pub digest: Digest,
    /// The host name it answers under, if it answers at all.
    pub host: Option<String>,
    /// How many seconds an instance may take to become ready.
    pub ready_within: u32,
}

/// Renders. Findings mean that there is no Bundle.
pub fn render(input: &Input<'_>) -> Result<Bundle, Vec<Finding>> {
    let (workload, mut findings) = score::workload(&input.release.workload);
    let images = images(&workload, input.release, &mut findings);
    let settings = settings(input, &mut findings);
    variables::check(&workload, input.resources, &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    let objects = objects::all(input, &workload, &images, &settings);
    let host = (!workload.ports.is_empty()).then(|| host(input));
    Ok(Bundle { digest: digest_of(&objects), objects, host, ready_within: workload.ready_within })
}

/// `<component>.<environment>.<project>.localhost`.
pub fn host(input: &Input<'_>) -> String {
    format!("{}.{}.{}.localhost", input.component, input.environment, input.project)
}

/// Each container's image, by digest: never a tag, which somebody could move.
fn images(workload: &Workload, release: &ReleaseSpec, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let mut images = BTreeMap::new();
    for name in workload.containers.keys() {
        let Some(image) = release.images.iter().find(|it| it.container == *name) else {
            let message = "has no image in this release; build it again";
            findings.push(Finding::new(format!("containers.{name}"), message));
            continue;
        };
        let named = image.reference.split('@').next().unwrap_or_default();
        // A colon after the last slash begins a tag; one before it belongs to a registry's port.
        let tag = named.rfind(':').filter(|at| !named[*at..].contains('/'));
        let repository = tag.map_or(named, |at| &named[..at]);
        images.insert(name.clone(), format!("{repository}@{}", image.digest));
    }
    images
}

/// The settings of this Environment: the default ones with its own over them.
fn settings(input: &Input<'_>, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for layer in ["default", input.environment.as_str()] {
        for (name, value) in input.release.config.get(layer).into_iter().flatten() {
            if let Some(finding) = check_setting(layer, name, value) {
                findings.push(finding);
            }
            settings.insert(name.clone(), value.clone());
        }
    }
    settings
}

/// What is wrong with one setting, if anything.
pub fn check_setting(layer: &str, name: &str, value: &str) -> Option<Finding> {
    let path = format!("config.{layer}.{}", name.chars().take(80).collect::<String>());
    let start = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    let rest = name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    if !start || !rest || name.len() > 253 {
        return Some(Finding::new(path, "is not a variable name; use letters, digits and \"_\""));
    }
    if value.len() > 32 * 1024 {
        return Some(Finding::new(path, format!("has {} bytes; a setting has at most 32768", value.len())));
    }
    if value.contains('\0') {
        return Some(Finding::new(path, "contains a NUL byte; environment variables cannot"));
    }
    None
}

#[cfg(test)]
mod tests;
