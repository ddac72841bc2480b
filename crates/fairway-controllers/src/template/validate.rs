//! Whether Components can be made from a Template, and from which state of its folder.

use fairway_api::names::TemplateName;
use fairway_api::v1alpha1::{Template, TemplateReason};
use fairway_plan::Finding;
use fairway_plan::template::{Folder, MANIFEST, lint, manifest};
use kube::ResourceExt as _;

use super::source::Observed;

/// The state of a folder that Components are made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct InUse {
    pub(super) version: Option<String>,
    pub(super) digest: Option<String>,
    pub(super) commit: Option<String>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) reason: TemplateReason,
    pub(super) message: String,
    pub(super) findings: Vec<Finding>,
    /// None while Components cannot be made.
    pub(super) in_use: Option<InUse>,
}

/// Judges a Template by its folder. What was in use before stays in use where the folder cannot take its place.
pub(super) fn validate(template: &Template, observed: Observed) -> Verdict {
    let verdict = |reason, message: String, findings| Verdict { reason, message, findings, in_use: before(template) };
    if let Err(error) = TemplateName::parse(&template.name_any()) {
        return Verdict { in_use: None, ..verdict(TemplateReason::InvalidName, error.to_string(), Vec::new()) };
    }
    let (folder, commit) = match observed {
        Observed::Folder(folder, commit) => (folder, commit),
        Observed::Nothing(why) => return verdict(TemplateReason::SourceNotFound, why, Vec::new()),
    };
    let digest = folder.digest().to_string();
    let spec = &template.spec;
    let now = InUse { version: Some(spec.version.clone()), digest: Some(digest), commit };
    let findings = mistakes(template, &folder);
    if let Some(first) = findings.first() {
        let more = if findings.len() > 1 { format!(" (and {} more)", findings.len() - 1) } else { String::new() };
        let message = format!("its folder has mistakes: {first}{more}");
        return verdict(TemplateReason::InvalidTemplate, message, findings);
    }
    let written = manifest(&folder).0.unwrap_or_default().spec;
    if written.version != spec.version {
        let message =
            format!("its {MANIFEST} is {}, and the object {}; apply that file", written.version, spec.version);
        return verdict(TemplateReason::VersionDiffers, message, Vec::new());
    }
    if (&written.parameters, written.component_type) != (&spec.parameters, spec.component_type) {
        let message = format!("its {MANIFEST} and the object let one choose different things; apply that file");
        return verdict(TemplateReason::VersionDiffers, message, Vec::new());
    }
    if before(template).is_some_and(|it| it.version == now.version && it.digest != now.digest) {
        let message = format!("its files changed, and its version is still {}; give it another", spec.version);
        return verdict(TemplateReason::VersionDiffers, message, Vec::new());
    }
    let message = format!("components can be made from {}", spec.version);
    Verdict { reason: TemplateReason::Usable, message, findings, in_use: Some(now) }
}

/// What was in use. Of what comes with the platform there is only what comes with this version of it.
fn before(template: &Template) -> Option<InUse> {
    let status = template.status.as_ref()?;
    let commit = status.commit.clone().filter(|_| template.spec.source.repository.is_some())?;
    Some(InUse { version: status.version.clone(), digest: status.digest.clone(), commit: Some(commit) })
}

fn mistakes(template: &Template, folder: &Folder) -> Vec<Finding> {
    let mut findings = lint(folder);
    let named = manifest(folder).0.and_then(|it| it.metadata.name);
    if let Some(name) = named.filter(|it| *it != template.name_any()) {
        let message = format!("metadata.name: is {name:?}, and the object is {:?}", template.name_any());
        findings.push(Finding::new(MANIFEST, message));
    }
    findings
}
