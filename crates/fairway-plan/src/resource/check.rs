//! What is to be mended in a class, before somebody needs it.

use std::collections::{BTreeMap, BTreeSet};

use fairway_api::v1alpha1::{ResourceClassSpec, Tier};

use super::facts::{self, Facts};
use super::render::{at, dump, outputs, render, restore};
use crate::Finding;
use crate::template::language::{self, Words};

/// What is reported of one class.
const MAX_FINDINGS: usize = 100;

/// All that is to be mended. A class without findings renders with each of its plans.
pub fn check(class: &ResourceClassSpec) -> Vec<Finding> {
    let mut findings = plain(class);
    read("spec.manifests", &class.manifests, &facts::of_manifests(class), &mut findings);
    if let Some(dump) = &class.dump {
        read("spec.dump", dump, &facts::of_dump(class), &mut findings);
    }
    if let Some(restore) = &class.restore {
        read("spec.restore", restore, &facts::of_restore(class), &mut findings);
    }
    for output in &class.outputs {
        read(&at(&output.name), &output.value, &facts::of_outputs(class), &mut findings);
    }
    if findings.is_empty() {
        findings = tried(class);
    }
    findings.dedup();
    findings.truncate(MAX_FINDINGS);
    findings
}

fn read(place: &str, text: &str, words: &Words<'_>, findings: &mut Vec<Finding>) {
    let mistakes = language::read(text, words).mistakes;
    let line = |it: usize| u32::try_from(it).unwrap_or(0);
    findings.extend(mistakes.into_iter().map(|(at, message)| Finding::new(place, message).on_line(line(at))));
}

/// What can be seen without rendering.
fn plain(class: &ResourceClassSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |place: String, message: String| findings.push(Finding::new(place, message));
    if class.versions.is_empty() {
        find("spec.versions".to_owned(), "is empty; name at least one".to_owned());
    }
    for it in &class.versions {
        let place = format!("spec.versions.{}", it.name);
        match (&it.base, &it.image) {
            (None, None) => find(place, "has neither base nor image".to_owned()),
            (Some(_), Some(_)) => find(place, "has both base and image; keep one".to_owned()),
            (None, Some(image)) if !image.contains("@sha256:") => {
                find(place, format!("image {image:?} has no digest: a tag could move; write NAME@sha256:…"));
            }
            _ => {}
        }
    }
    let Some(first) = class.plans.first() else {
        find("spec.plans".to_owned(), "is empty; name at least one".to_owned());
        return findings;
    };
    for it in &class.plans {
        if !it.values.keys().eq(first.values.keys()) {
            let message = format!("has other values than plan {:?}; every plan has the same", first.name);
            find(format!("spec.plans.{}", it.name), message);
        }
    }
    for (tier, plan) in &class.defaults {
        let place = format!("spec.defaults.{tier}");
        let tiers = [Tier::Development, Tier::Staging, Tier::Production, Tier::Preview].map(Tier::as_str);
        if !tiers.contains(&tier.as_str()) {
            find(place.clone(), format!("is not a tier; there are {}", tiers.join(", ")));
        }
        if !class.plans.iter().any(|it| it.name == *plan) {
            find(place, format!("is {plan:?}, and there is no such plan"));
        }
    }
    let secrets: BTreeSet<&str> = class.secrets.iter().map(|it| it.name.as_str()).collect();
    for login in class.logins.iter().filter(|it| !secrets.contains(it.as_str())) {
        find("spec.logins".to_owned(), format!("{login:?} is none of spec.secrets"));
    }
    if class.logins.len() == 1 || class.logins.len() > 2 {
        find("spec.logins".to_owned(), format!("has {} logins; two take turns", class.logins.len()));
    }
    if class.restore.is_some() && class.dump.is_none() {
        find("spec.restore".to_owned(), "has nothing to restore from; write spec.dump as well".to_owned());
    }
    for (what, names) in [
        ("spec.secrets", class.secrets.iter().map(|it| &it.name).collect::<Vec<_>>()),
        ("spec.outputs", class.outputs.iter().map(|it| &it.name).collect()),
        ("spec.plans", class.plans.iter().map(|it| &it.name).collect()),
        ("spec.versions", class.versions.iter().map(|it| &it.name).collect()),
    ] {
        let mut seen = BTreeSet::new();
        for name in names.into_iter().filter(|it| !seen.insert(*it)) {
            findings.push(Finding::new(what, format!("{name:?} stands twice")));
        }
    }
    findings
}

/// What shows only in what is rendered.
fn tried(class: &ResourceClassSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    let secrets: BTreeMap<String, String> =
        class.secrets.iter().map(|it| (it.name.clone(), "a".repeat(it.length as usize))).collect();
    for plan in &class.plans {
        for version in &class.versions {
            for component in [None, Some("my-api")] {
                let facts = Facts {
                    name: "my-api-db",
                    namespace: "shop--staging",
                    component,
                    project: "shop",
                    environment: "staging",
                    version: &version.name,
                    plan,
                    image: "bases/sample@sha256:0",
                    serial: 1,
                };
                let login = class.logins.first().map(String::as_str);
                let found = [
                    render(class, &facts).err(),
                    dump(class, &facts, "a.dump").err(),
                    restore(class, &facts, "b.dump", "a.dump").err(),
                    outputs(class, &facts, login, &secrets).err(),
                ];
                let found = found.into_iter().flatten().flatten();
                findings.extend(found.filter(|it| !findings.contains(it)).collect::<Vec<_>>());
            }
        }
    }
    findings
}
