//! Runs pods on one machine: a container runner of our own, as root and without, and the kubelet's part over it.
//!
//! - [`runner`]: pod init, sandbox, cgroups, logs; knows nothing of the API.
//! - [`machine`]: what this machine offers to it.
//! - [`Node`]: the kubelet's part: what the API gives to this node runs, and the API is told how it is.
//! - [`PodSockets`]: the seam to whoever carries the pods' traffic.

pub mod machine;
mod network;
mod pods;
mod rights;
pub mod runner;
mod sockets;

pub use network::{CLUSTER_DOMAIN, EGRESS_ANNOTATION, NetworkMetrics, NetworkSettings, PodNetwork, SYNTHETIC};
pub use pods::{
    AttachPod, EnsureImage, FolderImages, HostImage, HostImages, HostMount, Image, Images, LayoutImages, Node,
    NodeSettings, PastContainer, PastPod, StartNode,
};
pub use rights::rules;
pub use runner::{CopyLimits, Volume, copy_beneath, open_beneath, person, reexec, remove, take_users};
pub use sockets::{PodSockets, Transport};
