//! A Secret or ConfigMap that a variable comes from, or its key, which is not there: the container is never started.

use super::Found;
use crate::why::lines::between;
use crate::why::near::nearest;
use crate::why::observations::{Observations, State};
use crate::why::{CauseKind, Evidence};

const CONFIG_ERROR: &str = "CreateContainerConfigError";

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let waits = seen.failing().into_iter().find_map(|(instance, container)| match &container.state {
        State::Waiting { reason, message } if reason == CONFIG_ERROR => {
            let evidence = super::told::state(instance, container)?;
            Some((container.name.clone(), message.clone(), evidence))
        }
        _ => None,
    });
    let waits = waits.or_else(|| {
        let evidence = seen.failure()?;
        let (before, message) = evidence.text.split_once(&format!(" waits, {CONFIG_ERROR}"))?;
        let container = before.rsplit(' ').next().unwrap_or_default();
        Some((container.to_owned(), message.trim_start_matches(": ").to_owned(), evidence))
    });
    let (container, message, evidence) = waits?;
    let missing = Missing::read(&message)?;
    Some(missing.told(seen, &container, evidence))
}

/// What is not there.
struct Missing<'a> {
    kind: &'static str,
    name: &'a str,
    key: Option<&'a str>,
}

impl<'a> Missing<'a> {
    /// From the words of a kubelet.
    fn read(message: &'a str) -> Option<Self> {
        for (kind, word) in [("Secret", "secret"), ("ConfigMap", "configmap")] {
            let of = format!(" in {word} ");
            if let Some(key) = between(message, "couldn't find key ", &of) {
                let whole = message.split(&of).nth(1)?.split_whitespace().next()?;
                let whole = whole.trim_end_matches(|it: char| !it.is_ascii_alphanumeric());
                return Some(Self { kind, name: whole.rsplit('/').next().unwrap_or(whole), key: Some(key) });
            }
            if let Some(name) = between(message, &format!("{word} \""), "\" not found") {
                return Some(Self { kind, name, key: None });
            }
        }
        None
    }

    fn told(&self, seen: &Observations, container: &str, evidence: Evidence) -> Found {
        let Self { kind, name, key } = self;
        let word = kind.to_lowercase();
        let variable = seen.asked(container).and_then(|it| {
            let of = |from: &crate::why::Reference| {
                from.kind == *kind && from.name == *name && key.is_none_or(|it| it == from.key)
            };
            it.variables.iter().find(|it| it.from.as_ref().is_some_and(of))
        });
        let needs = variable.map_or(format!("which container {container} needs"), |it| {
            format!("which variable {} of container {container} is to come from", it.name)
        });
        let there = seen.keys.iter().find(|it| it.kind == *kind && it.name == *name).and_then(|it| it.keys.as_ref());
        let sentence = match key {
            Some(key) => {
                let near = there.and_then(|it| nearest(key, it.iter().map(String::as_str)));
                let near = near.map(|it| format!("; it has {it:?}")).unwrap_or_default();
                format!("{word} {name} has no key {key:?}, {needs}{near}")
            }
            None => format!("there is no {word} {name}, {needs}"),
        };
        let has = there.map(|keys| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            Evidence::object(format!("{kind} {name}"), format!("its keys are {}", keys.join(", ")))
        });
        let resource = seen.resources.iter().find(|it| it.secret.as_deref() == Some(*name));
        let found = Found::new(CauseKind::MissingSecretKey, sentence).by([evidence]).by(has).about(kind, *name);
        match resource {
            Some(it) => found
                .next(format!("platform resource show {} --env={}", it.name, seen.environment))
                .about("Resource", &it.name),
            None => found.next(format!("kubectl describe {word} {name} --namespace={}", seen.namespace)),
        }
    }
}

#[cfg(test)]
mod tests;
