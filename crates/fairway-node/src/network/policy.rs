//! NetworkPolicy, as Kubernetes defines it: a pod that no policy selects is open; one that is selected is closed but for
//! what some policy allows; a connection must be allowed by the caller's egress and by the target's ingress.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;
use kube::core::{Selector, SelectorExt};

use super::view::Labels;

/// A policy, ready to judge.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) namespace: String,
    pub(super) name: String,
    selects: Choice,
    /// `None`: the policy says nothing about this direction.
    ingress: Option<Vec<Rule>>,
    egress: Option<Vec<Rule>>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// Empty: everybody.
    peers: Vec<Peer>,
    /// Empty: every port.
    ports: Vec<Port>,
}

#[derive(Debug, Clone)]
enum Peer {
    Pods {
        namespaces: Option<Choice>,
        pods: Choice,
    },
    Block {
        cidr: Cidr,
        except: Vec<Cidr>,
    },
    /// Something we cannot read: it allows nobody.
    Unknown,
}

/// A label selector; `None` could not be read and chooses nothing.
#[derive(Debug, Clone)]
struct Choice(Option<Selector>);

#[derive(Debug, Clone)]
enum Port {
    Any,
    Range(u16, u16),
    Named(String),
    /// Another protocol, or something we cannot read.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cidr {
    address: IpAddr,
    bits: u8,
}

/// One end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Party<'a> {
    pub(super) address: IpAddr,
    pub(super) namespace: &'a str,
    pub(super) labels: &'a Labels,
    /// The TCP ports that its containers name.
    pub(super) named_ports: &'a [(String, u16)],
}

/// Why a connection is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denied {
    pub(super) direction: &'static str,
    /// The policies that close the pod in that direction.
    pub(super) policies: Vec<String>,
}

/// Whether `from` may open a TCP connection to `port` of `to`.
pub(super) fn judge(
    policies: &BTreeMap<String, Vec<Policy>>,
    namespaces: &BTreeMap<String, Labels>,
    from: &Party<'_>,
    to: &Party<'_>,
    port: u16,
) -> Result<(), Denied> {
    // A pod cannot be kept from itself.
    if from.address == to.address {
        return Ok(());
    }
    let of = |party: &Party<'_>| policies.get(party.namespace).map(Vec::as_slice).unwrap_or_default();
    let allows = |rules: &[Rule], policy: &Policy, peer: &Party<'_>| {
        rules.iter().any(|it| it.meets(policy, peer, namespaces) && it.has_port(port, to))
    };
    decide("egress", of(from), from, |it| it.egress.as_deref(), |rules, policy| allows(rules, policy, to))?;
    decide("ingress", of(to), to, |it| it.ingress.as_deref(), |rules, policy| allows(rules, policy, from))
}

fn decide<'a>(
    direction: &'static str,
    policies: &'a [Policy],
    subject: &Party<'_>,
    rules: impl Fn(&'a Policy) -> Option<&'a [Rule]>,
    allows: impl Fn(&[Rule], &Policy) -> bool,
) -> Result<(), Denied> {
    let mut closing = Vec::new();
    for policy in policies.iter().filter(|it| it.selects.chooses(subject.labels)) {
        let Some(rules) = rules(policy) else { continue };
        if allows(rules, policy) {
            return Ok(());
        }
        closing.push(format!("{}/{}", policy.namespace, policy.name));
    }
    if closing.is_empty() { Ok(()) } else { Err(Denied { direction, policies: closing }) }
}

impl Policy {
    pub(super) fn read(from: &NetworkPolicy) -> Self {
        let spec = from.spec.clone().unwrap_or_default();
        let ingress = spec.ingress.into_iter().flatten();
        let ingress = ingress.map(|it| Rule::read(it.from.unwrap_or_default(), it.ports.unwrap_or_default())).collect();
        let says_egress = spec.egress.is_some();
        let egress = spec.egress.into_iter().flatten();
        let egress = egress.map(|it| Rule::read(it.to.unwrap_or_default(), it.ports.unwrap_or_default())).collect();
        // Without policyTypes a policy is about ingress, and about egress if it has such rules.
        let types = spec.policy_types.filter(|it| !it.is_empty());
        let is_about = |kind: &str, default| types.as_ref().map_or(default, |it| it.iter().any(|it| it == kind));
        Self {
            namespace: from.namespace().unwrap_or_default(),
            name: from.name_any(),
            selects: Choice::read(spec.pod_selector.unwrap_or_default()),
            ingress: is_about("Ingress", true).then_some(ingress),
            egress: is_about("Egress", says_egress).then_some(egress),
        }
    }
}

impl Rule {
    fn read(peers: Vec<NetworkPolicyPeer>, ports: Vec<NetworkPolicyPort>) -> Self {
        Self { peers: peers.into_iter().map(Peer::read).collect(), ports: ports.iter().map(Port::read).collect() }
    }

    fn meets(&self, policy: &Policy, peer: &Party<'_>, namespaces: &BTreeMap<String, Labels>) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|it| it.is(policy, peer, namespaces))
    }

    fn has_port(&self, port: u16, target: &Party<'_>) -> bool {
        let is = |it: &Port| match it {
            Port::Any => true,
            Port::Range(first, last) => (*first..=*last).contains(&port),
            Port::Named(name) => target.named_ports.iter().any(|(named, number)| named == name && *number == port),
            Port::Never => false,
        };
        self.ports.is_empty() || self.ports.iter().any(is)
    }
}

impl Peer {
    fn read(from: NetworkPolicyPeer) -> Self {
        match (from.ip_block, from.namespace_selector, from.pod_selector) {
            (Some(block), None, None) => {
                let except: Option<Vec<Cidr>> = block.except.iter().flatten().map(|it| Cidr::read(it)).collect();
                // An exception that cannot be read might be the one that matters.
                Cidr::read(&block.cidr).zip(except).map_or(Self::Unknown, |(cidr, except)| Self::Block { cidr, except })
            }
            (None, None, None) | (Some(_), ..) => Self::Unknown,
            (None, namespaces, pods) => {
                Self::Pods { namespaces: namespaces.map(Choice::read), pods: Choice::read(pods.unwrap_or_default()) }
            }
        }
    }

    fn is(&self, policy: &Policy, peer: &Party<'_>, namespaces: &BTreeMap<String, Labels>) -> bool {
        match self {
            Self::Pods { namespaces: None, pods } => peer.namespace == policy.namespace && pods.chooses(peer.labels),
            Self::Pods { namespaces: Some(choice), pods } => {
                namespaces.get(peer.namespace).is_some_and(|it| choice.chooses(it)) && pods.chooses(peer.labels)
            }
            Self::Block { cidr, except } => cidr.has(peer.address) && !except.iter().any(|it| it.has(peer.address)),
            Self::Unknown => false,
        }
    }
}

impl Choice {
    fn read(from: LabelSelector) -> Self {
        Self(Selector::try_from(from).ok())
    }

    fn chooses(&self, labels: &Labels) -> bool {
        self.0.as_ref().is_some_and(|it| it.matches(labels))
    }
}

impl Port {
    fn read(from: &NetworkPolicyPort) -> Self {
        if from.protocol.as_deref().unwrap_or("TCP") != "TCP" {
            return Self::Never;
        }
        let number = |it: i32| u16::try_from(it).ok();
        match (&from.port, from.end_port) {
            (None, _) => Self::Any,
            (Some(IntOrString::Int(first)), last) => {
                let range = number(*first).zip(number(last.unwrap_or(*first)));
                range.map_or(Self::Never, |(first, last)| Self::Range(first, last))
            }
            (Some(IntOrString::String(name)), _) => Self::Named(name.clone()),
        }
    }
}

impl Cidr {
    fn read(from: &str) -> Option<Self> {
        let (address, bits) = from.split_once('/')?;
        let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Self { address, bits })
    }

    fn has(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(it)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                own.to_bits() & mask == it.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(it)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                own.to_bits() & mask == it.to_bits() & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
