//! A quota that is full: the cluster refuses to make another pod.

use super::{Found, PLATFORM_TEAM};
use crate::why::lines::between;
use crate::why::observations::{Event, Observations};
use crate::why::{CauseKind, Evidence};

const EXCEEDED: &str = "exceeded quota: ";

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let refused = |it: &&Event| it.reason == "FailedCreate" && it.message.contains(EXCEEDED);
    let event = seen.events.iter().rev().find(refused);
    let evidence = event.map(Event::evidence).or(seen.failure().filter(|it| it.text.contains(EXCEEDED)))?;
    let message = evidence.text.clone();
    let name = between(&message, EXCEEDED, ",").unwrap_or("of the namespace");
    let part = |what: &str| amounts(message.split(&format!("{what}: ")).nth(1).unwrap_or_default());
    let (asked, used, most) = (part("requested"), part("used"), part("limited"));
    let of = |all: &[(&str, &str)], what: &str| {
        all.iter().find(|it| it.0 == what).map_or_else(|| "?".to_owned(), |it| it.1.to_owned())
    };
    let each: Vec<String> = asked
        .iter()
        .map(|(what, more)| {
            format!("{what}: {} of {} are used, {more} more asked for", of(&used, what), of(&most, what))
        })
        .collect();
    let sentence = format!("quota {name} of {} is full ({})", seen.environment, each.join("; "));
    let quota = seen.quotas.iter().find(|it| it.name == name);
    let standing = quota.map(|it| {
        let each: Vec<String> = it.of.iter().map(|(what, used, most)| format!("{what} {used} of {most}")).collect();
        Evidence::object(format!("ResourceQuota {name}"), each.join(", "))
    });
    Some(
        Found::new(CauseKind::QuotaFull, sentence)
            .by([evidence])
            .by(standing)
            .fixed_by(PLATFORM_TEAM)
            .next(format!("kubectl describe resourcequota {name} --namespace={}", seen.namespace))
            .about("ResourceQuota", name),
    )
}

/// The amounts at the beginning of `pods=1,requests.cpu=2, used: …`.
fn amounts(text: &str) -> Vec<(&str, &str)> {
    let list = text.split(", ").next().unwrap_or_default().split([')', '"', ' ']).next().unwrap_or_default();
    list.trim_end_matches([':', '.']).split(',').filter_map(|it| it.split_once('=')).collect()
}

#[cfg(test)]
mod tests;
