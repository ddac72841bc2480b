//! A name that belongs to no service of the environment.

use super::Found;
use crate::why::facts::Line;
use crate::why::lines::{first_between, says, words};
use crate::why::near::nearest;
use crate::why::observations::Observations;
use crate::why::{CauseKind, Evidence};

/// How programs say that a name is not known; where they name it, between these.
const NAMED: [(&str, &str); 11] = [
    ("could not translate host name \"", "\""),
    ("could not resolve host: ", ""),
    ("failed to resolve '", "'"),
    ("failed to resolve host '", "'"),
    ("enotfound ", ""),
    ("eai_again ", ""),
    ("unknownhostexception: ", ""),
    ("host not found in upstream \"", "\""),
    ("unknown host ", ""),
    ("no such host: ", ""),
    ("lookup ", " on "),
];
const UNKNOWN: [&str; 13] = [
    "name or service not known",
    "failed to lookup address information",
    "name resolution",
    "nodename nor servname",
    "no such host",
    "name does not resolve",
    "no address associated with hostname",
    "could not resolve host",
    "could not translate host name",
    "failed to resolve",
    "getaddrinfo",
    "unknownhostexception",
    "host not found",
];

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let line = seen.said().find(|it| says(it.text, &UNKNOWN))?;
    let known: Vec<&str> = seen.services.iter().map(|it| it.name.as_str()).collect();
    if let Some(name) = first_between(line.text, &NAMED).and_then(|it| own(seen, it)) {
        return (!known.contains(&name)).then(|| told(seen, name, nearest(name, known), &line, None));
    }
    // It does not say which: a word of the line, or a host of the settings, that is nearly the name of a service.
    for word in words(line.text).filter_map(|it| own(seen, it)) {
        if let Some(near) = nearest(word, known.iter().copied()).filter(|_| !known.contains(&word)) {
            return Some(told(seen, word, Some(near), &line, None));
        }
    }
    let variables = seen.asked(&line.container.name).map(|it| it.variables.as_slice()).unwrap_or_default();
    for variable in variables {
        let Some(host) = variable.value.as_deref().and_then(host_of).and_then(|it| own(seen, it)) else { continue };
        let Some(near) = nearest(host, known.iter().copied()).filter(|_| !known.contains(&host)) else { continue };
        let setting =
            Evidence::object(format!("variable {}", variable.name), variable.value.clone().unwrap_or_default());
        return Some(told(seen, host, Some(near), &line, Some(setting)));
    }
    None
}

/// A name as a service of this environment has it; nothing for a host outside.
fn own<'a>(seen: &Observations, host: &'a str) -> Option<&'a str> {
    let (name, rest) = host.split_once('.').unwrap_or((host, ""));
    let namespace = rest.split('.').next().unwrap_or_default();
    let is_own = rest.is_empty() || namespace == seen.namespace || rest.ends_with(".cluster.local");
    (is_own && name.len() > 1 && !name.bytes().all(|it| it.is_ascii_digit())).then_some(name)
}

/// The host of a URL, of `host:port`, or of a value that is a name.
fn host_of(value: &str) -> Option<&str> {
    let rest = value.split_once("://").map_or(value, |it| it.1);
    let rest = rest.split(['/', '?']).next()?;
    let rest = rest.rsplit_once('@').map_or(rest, |it| it.1);
    let host = rest.split(':').next()?;
    let is_name = host.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.'));
    (is_name && !host.is_empty()).then_some(host)
}

fn told(seen: &Observations, name: &str, near: Option<&str>, line: &Line<'_>, setting: Option<Evidence>) -> Found {
    let meant = near.map(|it| format!("; {it} is meant?")).unwrap_or_default();
    let sentence =
        format!("{} calls {name}, and {} has no service of that name{meant}", seen.service, seen.environment);
    let there = near.map(|it| Evidence::object(format!("Service {it}"), "exists"));
    Found::new(CauseKind::MisspeltService, sentence)
        .by([line.evidence()])
        .by(setting)
        .by(there)
        .mend("correct the name in config/ or score.yaml")
        .next(seen.deliver())
}

#[cfg(test)]
mod tests;
