//! A pod that is ended before its containers are done: its time is over, or it took more than it may.

use std::time::Duration;

use super::{Next, Worker, seconds, until};
use crate::pods::plan::Ending;
use crate::pods::status::whole;
use crate::pods::usage::Cut;

impl Worker {
    /// What is left of the time that the pod may run. Once nothing is, it is cut short.
    pub(super) fn time_left(&mut self) -> Option<Duration> {
        let limit = seconds(self.pod.spec.as_ref()?.active_deadline_seconds?);
        let told = self.pod.status.as_ref().and_then(|it| it.start_time.as_ref()).map(|it| it.0);
        // The API knows whole seconds only; what this process saw itself it knows better.
        let begun = told.filter(|it| *it != whole(self.begun)).unwrap_or(self.begun);
        let deadline = begun.saturating_add(limit).ok()?;
        let left = until(self.now(), deadline);
        if left.is_zero() && self.cut.is_none() {
            let message = "Pod was active on the node longer than the specified deadline".to_owned();
            self.cut = Some(Cut { reason: "DeadlineExceeded", message });
        }
        Some(left)
    }

    /// Ends what runs, then the pod. Whoever is out of time is asked first; whoever fills a disk is not.
    pub(super) async fn cut_short(&mut self, cut: &Cut) -> Next {
        if !self.cut_told {
            self.cut_told = true;
            self.shared.events.warning(self.pod.as_ref(), cut.reason, &cut.message).await;
        }
        let running: Vec<_> = self.history.containers.iter().filter(|it| it.finished.is_none()).cloned().collect();
        if self.live.is_some() && !running.is_empty() {
            let asked = self.pod.spec.as_ref().and_then(|it| it.termination_grace_period_seconds).unwrap_or(30);
            let grace = if cut.reason == "Evicted" { Duration::ZERO } else { seconds(asked) };
            for run in running {
                let Some(container) = self.container(&run.name) else { continue };
                self.ready.remove(&(run.name.clone(), run.attempt));
                self.stop_run(container, run.attempt, grace, std::future::ready(()));
            }
            return Next::Wait(None);
        }
        self.ended = Some(Ending::Failed);
        self.lie_down().await;
        self.report();
        Next::Wait(None)
    }
}
