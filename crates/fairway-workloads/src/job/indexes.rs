//! Which numbers of an Indexed Job are done: `0,2-4` in its status. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

/// Annotation and label of a Pod: its number.
pub(super) const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// An Indexed Job has no more of them: each is remembered, and whoever writes `0-2147483647` into a status must not fill
/// the memory.
pub(super) const MOST: i32 = 100_000;

/// Numbers below how many the Job has.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Indexes(BTreeSet<i32>);

impl Indexes {
    /// Reads what a status says. What makes no sense, or lies beyond the end, is left out.
    pub(super) fn read(text: &str, end: i32) -> Self {
        let mut found = BTreeSet::new();
        for part in text.split(',').filter(|it| !it.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (Ok(first), Ok(last)) = (first.parse::<i32>(), last.parse::<i32>()) else { continue };
            found.extend(first.max(0)..last.saturating_add(1).min(end).min(MOST));
        }
        Self(found)
    }

    pub(super) fn insert(&mut self, index: i32) {
        self.0.insert(index);
    }

    pub(super) fn count(&self) -> i32 {
        i32::try_from(self.0.len()).unwrap_or(i32::MAX)
    }

    /// The first `count` numbers below `end` that are neither done nor in `others`.
    pub(super) fn missing(&self, others: &BTreeSet<i32>, end: i32, count: usize) -> Vec<i32> {
        (0..end).filter(|it| !self.0.contains(it) && !others.contains(it)).take(count).collect()
    }

    /// As a status says it: neighbours are drawn together.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut numbers = self.0.iter().copied().peekable();
        while let Some(first) = numbers.next() {
            let mut last = first;
            while numbers.peek() == Some(&(last + 1)) {
                last += 1;
                numbers.next();
            }
            let comma = if text.is_empty() { "" } else { "," };
            let _never_fails = write!(text, "{comma}{first}");
            if last > first {
                let joint = if last == first + 1 { "," } else { "-" };
                let _never_fails = write!(text, "{joint}{last}");
            }
        }
        text
    }
}

/// A Pod's number.
pub(super) fn of(pod: &Pod) -> Option<i32> {
    pod.annotations().get(INDEX)?.parse().ok().filter(|it| *it >= 0)
}

#[cfg(test)]
mod tests;
