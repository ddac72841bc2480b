//! The node as the API shows it: its Node object, and the Lease that says it is alive.

use std::net::IpAddr;
use std::time::Duration;

use fairway_clock::World;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Node};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use crate::machine::Machine;

const LEASES: &str = "kube-node-lease";
const LEASE_SECONDS: u32 = 40;
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// While the API is not there.
const TRY_AGAIN: Duration = Duration::from_millis(250);
const MAX_PODS: u32 = 110;

/// Who the node is.
pub(crate) struct Register {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) machine: Machine,
    pub(crate) pod_cidr: String,
    pub(crate) world: World,
}

impl Register {
    /// Registers the node, then renews its lease for ever.
    pub(crate) async fn run(self, registered: tokio::sync::watch::Sender<bool>) {
        while let Err(error) = self.register().await {
            tracing::warn!(node.name = self.name, error = %error, "the node is not registered yet");
            tokio::time::sleep(TRY_AGAIN).await;
        }
        registered.send_replace(true);
        loop {
            if let Err(error) = self.renew().await {
                tracing::warn!(node.name = self.name, error = %error, "the node's lease was not renewed");
                tokio::time::sleep(TRY_AGAIN).await;
                continue;
            }
            tokio::time::sleep(RENEW_EVERY).await;
        }
    }

    async fn register(&self) -> kube::Result<()> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        if nodes.get_opt(&self.name).await?.is_none() {
            let node = serde_json::from_value(json!({
                "metadata": { "name": self.name, "labels": labels(&self.name) },
                "spec": { "podCIDR": self.pod_cidr, "podCIDRs": [self.pod_cidr] },
            }));
            let node: Node = node.map_err(kube::Error::SerdeError)?;
            allow_conflict(nodes.create(&PostParams::default(), &node).await.map(|_| ()))?;
        }
        let known = nodes.get(&self.name).await?;
        let patch = Patch::Merge(json!({ "status": self.status(&known) }));
        nodes.patch_status(&self.name, &PatchParams::default(), &patch).await?;
        self.renew().await
    }

    fn status(&self, known: &Node) -> Value {
        let machine = &self.machine;
        let now = super::status::whole(self.world.clock.now());
        let memory = format!("{}Ki", machine.memory_bytes / 1024);
        let resources = json!({ "cpu": machine.cpus.to_string(), "memory": memory, "pods": MAX_PODS.to_string() });
        let limits = limits(machine);
        let condition = |kind: &str, status: &str, reason: &str, message: &str| {
            let before = known.status.iter().flat_map(|it| it.conditions.iter().flatten());
            let mut same = before.filter(|it| it.type_ == kind && it.status == status);
            let since = same.next().and_then(|it| it.last_transition_time.as_ref()).map_or(now, |it| it.0);
            json!({ "type": kind, "status": status, "reason": reason, "message": message,
                "lastHeartbeatTime": now.to_string(), "lastTransitionTime": since.to_string() })
        };
        json!({
            "capacity": resources, "allocatable": resources,
            "addresses": [
                { "type": "InternalIP", "address": self.address.to_string() },
                { "type": "Hostname", "address": self.name },
            ],
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("LimitsEnforced", limits.0, limits.1, &limits.2),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "nodeInfo": {
                "machineID": "", "systemUUID": "", "bootID": "",
                "kernelVersion": machine.kernel, "osImage": "Linux", "operatingSystem": "linux",
                "architecture": if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" },
                "containerRuntimeVersion": concat!("fairway://", env!("CARGO_PKG_VERSION")),
                "kubeletVersion": concat!("v1.34.0+fairway.", env!("CARGO_PKG_VERSION")), "kubeProxyVersion": "",
            },
        })
    }

    async fn renew(&self) -> kube::Result<()> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), LEASES);
        let now = MicroTime(self.world.clock.now());
        let patch = Patch::Merge(json!({ "spec": { "renewTime": now, "holderIdentity": self.name } }));
        match leases.patch(&self.name, &PatchParams::default(), &patch).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => return other.map(|_| ()),
        }
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace: Namespace =
            serde_json::from_value(json!({ "metadata": { "name": LEASES } })).map_err(kube::Error::SerdeError)?;
        allow_conflict(namespaces.create(&PostParams::default(), &namespace).await.map(|_| ()))?;
        let lease = serde_json::from_value(json!({
            "metadata": { "name": self.name, "namespace": LEASES },
            "spec": { "holderIdentity": self.name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now },
        }));
        let lease: Lease = lease.map_err(kube::Error::SerdeError)?;
        tracing::debug!(lease.name = lease.name_any(), "the node takes its lease");
        allow_conflict(leases.create(&PostParams::default(), &lease).await.map(|_| ()))
    }
}

/// Whether limits hold here, as a condition: status, reason and message.
fn limits(machine: &Machine) -> (&'static str, &'static str, String) {
    if machine.controllers.iter().any(|it| it == "memory") {
        return ("True", "CgroupsWritable", format!("limits are set through cgroups {}", machine.cgroups));
    }
    let why = machine.cgroups_reason.clone().unwrap_or_else(|| "no memory controller".into());
    ("False", "CgroupsNotWritable", format!("memory and processor limits are not enforced: {why}"))
}

fn labels(name: &str) -> Value {
    let architecture = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    json!({ "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": architecture })
}

/// Somebody else was first: what we wanted is there.
fn allow_conflict(result: kube::Result<()>) -> kube::Result<()> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
