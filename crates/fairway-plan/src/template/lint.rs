//! All that is to be mended in a template's folder, before somebody makes a Component from it.

use fairway_api::v1alpha1::{ParameterType, TemplateParameter};
use serde_json::{Map, Value};

use super::expectations::{Expectation, expectations};
use super::render::read;
use super::{Facts, Folder, MANIFEST, documents, manifest, render};
use crate::Finding;

/// What is reported of one folder.
const MAX_FINDINGS: usize = 100;
/// Text that ends strings, opens maps and begins comments, wherever it is inserted as it is.
const HOSTILE: &str = "a \"b\": [c, {d}] 'e' #f & *g \\h | >i %j @k `l`";

/// Reads a template and renders it, with its defaults and as its tests do.
pub fn lint(folder: &Folder) -> Vec<Finding> {
    let mut findings = folder.findings().to_vec();
    let (template, more) = manifest(folder);
    findings.extend(more);
    let Some(template) = template else { return findings };
    let parameters = &template.spec.parameters;
    let (more, used) = read(folder, parameters);
    findings.extend(more);
    for it in parameters.iter().filter(|it| !used.contains(&it.name)) {
        let message = format!("spec.parameters: {:?} is used nowhere; remove it", it.name);
        findings.push(Finding::new(MANIFEST, message));
    }
    let tests = expectations(folder);
    findings.extend(tests.iter().filter_map(|(_, it)| it.as_ref().err().cloned()));
    if findings.is_empty() {
        let tests: Vec<&Expectation> = tests.iter().filter_map(|(_, it)| it.as_ref().ok()).collect();
        findings = rendered(folder, parameters, &tests);
    }
    findings.dedup();
    findings.truncate(MAX_FINDINGS);
    findings
}

/// The mistakes that show only in what is rendered.
fn rendered(folder: &Folder, parameters: &[TemplateParameter], tests: &[&Expectation]) -> Vec<Finding> {
    let mut samples: Vec<(Map<String, Value>, Facts)> =
        tests.iter().filter(|it| it.renders()).map(|it| (it.parameters.clone(), it.facts())).collect();
    if parameters.iter().all(|it| !it.required) {
        samples.insert(0, (Map::new(), Expectation::default().facts()));
    }
    let Some((first, facts)) = samples.first().cloned() else {
        return vec![Finding::new(
            "tests/",
            "no test gives the required parameters, so nothing can be rendered; add one",
        )];
    };
    let mut findings = Vec::new();
    for (parameters, facts) in &samples {
        let (files, found) = render(folder, parameters, facts);
        let more = if found.is_empty() { documents::check(&files, facts) } else { found };
        findings.extend(more.into_iter().filter(|it| !findings.contains(it)).collect::<Vec<_>>());
    }
    if findings.is_empty() {
        findings = hostile(folder, parameters, &first, &facts);
    }
    findings
}

/// Whether a text that somebody chooses can break a document that it is inserted into.
fn hostile(
    folder: &Folder,
    parameters: &[TemplateParameter],
    first: &Map<String, Value>,
    facts: &Facts,
) -> Vec<Finding> {
    let free = |it: &&TemplateParameter| {
        let fits =
            it.maximum.is_none_or(|most| usize::try_from(most).is_ok_and(|most| most >= HOSTILE.chars().count()));
        it.r#type == ParameterType::String && it.pattern.is_none() && fits
    };
    let mut tries: Vec<(String, Map<String, Value>, Facts)> = parameters
        .iter()
        .filter(free)
        .map(|it| {
            let mut chosen = first.clone();
            chosen.insert(it.name.clone(), HOSTILE.into());
            (format!("parameters.{}", it.name), chosen, facts.clone())
        })
        .collect();
    let described = Facts { description: HOSTILE.to_owned(), ..facts.clone() };
    tries.push(("component.description".to_owned(), first.clone(), described));
    let mut findings = Vec::new();
    for (name, parameters, facts) in tries {
        for it in documents::unreadable(&render(folder, &parameters, &facts).0) {
            let message =
                format!("cannot be read when {name} has quotes or brackets; insert it with {{{{ {name} | quote }}}}");
            findings.push(Finding::new(it.path, message));
        }
    }
    findings
}
