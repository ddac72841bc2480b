//! Connections that NetworkPolicy does not allow: counted, in the log, and as Events on the pods that they concern.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use super::Shared;
use super::pod::Attached;
use super::policy::Denied;
use super::refusals::Refusal;

/// The reason of the Events.
const REASON: &str = "NetworkPolicyDenied";

/// A connection between pods that is not allowed, or not any more.
pub(super) struct Denial<'a> {
    pub(super) caller: &'a Attached,
    pub(super) target: &'a Attached,
    /// The Service's address that was called, and the endpoint that was meant.
    pub(super) address: SocketAddr,
    pub(super) endpoint: SocketAddr,
    pub(super) denied: &'a Denied,
    /// Whether it was open until now.
    pub(super) was_open: bool,
}

impl Denial<'_> {
    /// Says it to everybody whom it concerns: the caller, and the target whose own policy it was.
    pub(super) fn tell(&self, shared: &Shared) {
        if !self.was_open {
            shared.counters.denied.fetch_add(1, Ordering::Relaxed);
        }
        let Self { caller, target, denied, .. } = self;
        shared.complain(format!("{} {} {} {}", caller.uid, target.uid, denied.direction, self.was_open), || {
            let (to, policies) = (target.full_name(), denied.policies.join(", "));
            tracing::warn!(
                pod.namespace = caller.namespace, pod.name = caller.name, address = %self.address, target = to, policies,
                was_open = self.was_open,
                "connection denied: the {} of a pod is closed by NetworkPolicy and none of its rules allows this",
                denied.direction
            );
        });
        shared.refuse(caller, Refusal { reason: REASON, message: self.to_caller(shared) });
        if denied.direction == "ingress" {
            shared
                .refuse(target, Refusal { reason: REASON, message: format!("{}: {}", self.what(shared), self.why()) });
        }
    }

    /// Policies of somebody else's namespace are not named: that would tell how it is kept.
    fn to_caller(&self, shared: &Shared) -> String {
        let Self { caller, target, denied, .. } = self;
        let what = self.what(shared);
        if denied.direction == "ingress" && caller.namespace != target.namespace {
            let namespace = &target.namespace;
            return format!("{what}: the NetworkPolicies of namespace {namespace} do not let it in; ask who runs it");
        }
        format!("{what}: {}", self.why())
    }

    fn what(&self, shared: &Shared) -> String {
        let Self { caller, target, endpoint, .. } = self;
        let view = shared.now_view();
        let service = view.service_at(self.address);
        let through = service
            .map(|(it, port)| format!(" (Service {} port {})", it.name, port.port))
            .filter(|_| self.address != self.endpoint)
            .unwrap_or_default();
        let done = if self.was_open { "open connection closed" } else { "connection refused" };
        format!(
            "{done} from {} ({}) to {} ({}) port {}{through}",
            caller.full_name(),
            caller.address,
            target.full_name(),
            target.address,
            endpoint.port()
        )
    }

    fn why(&self) -> String {
        let closed = if self.denied.direction == "egress" { self.caller } else { self.target };
        let direction = self.denied.direction;
        let policies = self.denied.policies.join(", ");
        format!("{direction} of {} is closed by NetworkPolicy {policies}, and no rule allows this", closed.full_name())
    }
}
