//! Controllers that run together and stop together.

use std::future::Future;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Running controllers. Dropping it ends them at once.
#[derive(Default)]
pub struct Controllers {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Controllers {
    /// Starts one more; it ends when its token is cancelled.
    pub fn spawn<F>(&mut self, controller: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(controller(self.stop.clone()));
    }

    /// Stops all of them and waits for the passes under way.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests;
