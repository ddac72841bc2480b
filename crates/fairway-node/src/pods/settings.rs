//! What a node is given.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use fairway_clock::World;
use fairway_outside::Outside;
use kube::Client;

use super::images::{HostImages, Images};
use crate::runner::LogLimit;

/// What a node is made of.
pub struct NodeSettings {
    /// The folder of everything that it keeps.
    pub state: PathBuf,
    /// The name of its Node object.
    pub name: String,
    /// The API.
    pub client: Client,
    /// Where images come from.
    pub images: Arc<dyn Images>,
    /// Images made of the machine's own files.
    pub host_images: HostImages,
    /// The program that becomes pod init: its `main` begins with [`crate::reexec`].
    pub program: PathBuf,
    /// Time and randomness.
    pub world: World,
    /// The network of Services.
    pub service_range: (Ipv4Addr, u8),
    /// The network of pods; the first address is the node's.
    pub pod_range: (Ipv4Addr, u8),
    /// Bounds of each container's log.
    pub log_limit: LogLimit,
    /// The way to hosts outside, for pods that may reach some.
    pub outside: Outside,
    /// What people are told to do about a host that their pods may not reach; without it, how to annotate the namespace.
    pub egress_advice: Option<String>,
    /// The bundle of certificate authorities that host images show.
    pub authorities: Option<PathBuf>,
}

impl NodeSettings {
    /// The usual networks and bounds.
    pub fn usual(
        state: PathBuf,
        name: &str,
        client: Client,
        images: Arc<dyn Images>,
        program: PathBuf,
        world: World,
    ) -> Self {
        Self {
            state,
            name: name.to_owned(),
            client,
            images,
            host_images: HostImages::default(),
            program,
            world,
            service_range: (Ipv4Addr::new(10, 96, 0, 0), 12),
            pod_range: (Ipv4Addr::new(10, 244, 0, 0), 16),
            log_limit: LogLimit::default(),
            outside: Outside::direct(),
            egress_advice: None,
            authorities: None,
        }
    }
}
