//! Runs pods on one machine: a container runner of our own, as root and without, and the kubelet's part over it.
//!
//! - [`runner`]: pod init, sandbox, cgroups, logs; knows nothing of the API.
//! - [`machine`]: what this machine offers to it.
//! - [`PodSockets`]: the seam to whoever carries the pods' traffic.

pub mod machine;
mod network;
pub mod runner;
mod sockets;

pub use network::{CLUSTER_DOMAIN, NetworkMetrics, NetworkSettings, PodNetwork};
pub use runner::reexec;
pub use sockets::{PodSockets, Transport};
