//! Runs pods on one machine: a container runner of our own, as root and without, and the kubelet's part over it.

mod sockets;

pub use sockets::{PodSockets, Transport};
