//! What rooms ask the observations: who fails, what it printed, what was told of it.

use super::observations::{Container, End, Event, Instance, Observations, State, WorkloadContainer};

/// Lines of a container that count: a cause stands near the end of what a program said.
const LAST: usize = 60;

impl Observations {
    /// Containers of the wanted version that are not ready: of pods that are there, else of those that are gone.
    pub(super) fn failing(&self) -> Vec<(&Instance, &Container)> {
        let of = |gone: bool| {
            let wanted = self.instances.iter().filter(move |it| it.is_wanted && it.is_gone == gone && !it.ready);
            wanted.flat_map(|it| it.containers.iter().filter(|it| !it.ready).map(move |one| (it, one))).collect()
        };
        let there: Vec<_> = of(false);
        if there.is_empty() { of(true) } else { there }
    }

    /// Pods of the wanted version that are not ready; also those of which nothing is left but their Events.
    pub(super) fn is_of_failing(&self, pod: &str) -> bool {
        if let Some(known) = self.instances.iter().find(|it| it.name == pod) {
            return known.is_wanted && !known.ready;
        }
        let set = self.made_by.as_deref();
        set.and_then(|it| pod.strip_prefix(it)).is_some_and(|it| it.starts_with('-') && !it[1..].contains('-'))
    }

    /// What the failing containers printed last, the last line first.
    pub(super) fn said(&self) -> impl Iterator<Item = Line<'_>> {
        self.failing().into_iter().flat_map(|(instance, container)| {
            container.last_lines().map(move |text| Line { instance, container, text })
        })
    }

    /// Events about a failing pod.
    pub(super) fn told(&self, reason: &'static str) -> impl Iterator<Item = &Event> {
        self.events.iter().rev().filter(move |it| it.reason == reason && self.is_of_failing(&it.name))
    }

    /// A container as it was asked for.
    pub(super) fn asked(&self, container: &str) -> Option<&WorkloadContainer> {
        self.workload.iter().find(|it| it.name == container)
    }
}

/// A printed line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) instance: &'a Instance,
    pub(super) container: &'a Container,
    pub(super) text: &'a str,
}

impl Container {
    /// The end of what it printed, over its last two runs, the last line first.
    fn last_lines(&self) -> impl Iterator<Item = &str> {
        self.previous.iter().chain(&self.lines).rev().take(LAST).map(String::as_str)
    }

    /// How it ended last, if it ever did.
    pub(super) fn end(&self) -> Option<&End> {
        match &self.state {
            State::Ended(end) => Some(end),
            _ => self.last_end.as_ref(),
        }
    }
}
