//! What people do inside running pods: commands in containers, connections to ports.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, MutexGuard, PoisonError, Weak};

use thiserror::Error;
use tokio::net::TcpStream;

use super::{Node, Shared};
use crate::runner::{self, AskPod, Session};

/// Why somebody cannot be let into a pod.
#[derive(Debug, Error)]
pub enum AttachPod {
    /// It is not on this node, or does not run now.
    #[error("pod {namespace}/{pod} does not run on this node now")]
    PodNotRunning {
        /// Its namespace.
        namespace: String,
        /// Its name.
        pod: String,
    },
    /// The container does not run.
    #[error("container {container} of pod {namespace}/{pod} does not run now")]
    ContainerNotRunning {
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        pod: String,
        /// Which container.
        container: String,
    },
    /// The pod did not do it.
    #[error("run the command in container {container}")]
    Run {
        /// Which container.
        container: String,
        /// What it said.
        source: AskPod,
    },
    /// Nobody answers at the port.
    #[error("connect to port {port} of pod {namespace}/{pod}")]
    Connect {
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        pod: String,
        /// Which port.
        port: u16,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Shared {
    fn lock_live(&self) -> MutexGuard<'_, HashMap<String, Weak<runner::Pod>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets people into a pod that runs from now on.
    pub(super) fn remember_live(&self, uid: &str, pod: &Arc<runner::Pod>) {
        let mut live = self.lock_live();
        live.retain(|_, it| it.strong_count() > 0);
        live.insert(uid.to_owned(), Arc::downgrade(pod));
    }

    fn running(&self, namespace: &str, pod: &str) -> Result<Arc<runner::Pod>, AttachPod> {
        let found = self
            .lock_live()
            .values()
            .filter_map(Weak::upgrade)
            .find(|it| it.sandbox.namespace == namespace && it.sandbox.name == pod && !it.is_gone());
        found.ok_or_else(|| AttachPod::PodNotRunning { namespace: namespace.to_owned(), pod: pod.to_owned() })
    }
}

impl Node {
    /// Runs a command in a running container, with an input if it is to have one, at a terminal if it is to have one.
    pub async fn attach(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        argv: &[String],
        (stdin, terminal): (bool, bool),
    ) -> Result<Session, AttachPod> {
        let live = self.shared.running(namespace, pod)?;
        if live.state().latest(container).is_none_or(|it| it.finished.is_some()) {
            let (namespace, pod, container) = (namespace.to_owned(), pod.to_owned(), container.to_owned());
            return Err(AttachPod::ContainerNotRunning { namespace, pod, container });
        }
        let failed = |source| AttachPod::Run { container: container.to_owned(), source };
        live.attach(container, argv, stdin, terminal).await.map_err(failed)
    }

    /// A connection to a port of a pod. The pod sees it come from its node, and no policy judges it.
    pub async fn connect(&self, namespace: &str, pod: &str, port: u16) -> Result<TcpStream, AttachPod> {
        let live = self.shared.running(namespace, pod)?;
        let target = SocketAddr::new(live.sandbox.ip.into(), port);
        let failed = |source| AttachPod::Connect { namespace: namespace.to_owned(), pod: pod.to_owned(), port, source };
        self.shared.network.dial(target).await.map_err(failed)
    }
}
