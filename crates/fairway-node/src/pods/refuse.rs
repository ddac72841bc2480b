//! What a pod may not ask of this node: said at once and clearly, instead of ignored.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, Probe, SecurityContext};

use super::containers::{capability, log_limit, pids_limit};

/// Why a pod is not run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// One CamelCase word.
    pub(crate) reason: &'static str,
    /// Which field, and what to do.
    pub(crate) message: String,
}

fn refusal(reason: &'static str, field: &str, advice: &str) -> Refusal {
    Refusal { reason, message: format!("{field}: {advice}") }
}

/// The first thing that cannot be done for this pod, if there is one. With a range of users root in it can be given some rights.
pub(crate) fn refuse(pod: &Pod, has_range: bool) -> Option<Refusal> {
    let spec = pod.spec.as_ref()?;
    of_annotations(pod).or_else(|| of_pod(spec)).or_else(|| of_volumes(spec)).or_else(|| {
        let init = spec.init_containers.iter().flatten().enumerate().map(|(at, it)| ("initContainers", at, it));
        let app = spec.containers.iter().enumerate().map(|(at, it)| ("containers", at, it));
        init.chain(app).find_map(|(list, at, it)| of_container(&format!("spec.{list}[{at}]"), it, has_range))
    })
}

fn of_annotations(pod: &Pod) -> Option<Refusal> {
    let limits = [log_limit(pod).err(), pids_limit(pod).err()];
    let message = limits.into_iter().flatten().next()?;
    Some(Refusal { reason: "InvalidAnnotation", message })
}

fn of_pod(spec: &PodSpec) -> Option<Refusal> {
    let shares = "pods of this node have their own namespaces; remove the field";
    let flags = [
        (spec.host_network, "HostNetworkNotSupported", "spec.hostNetwork"),
        (spec.host_pid, "HostPIDNotSupported", "spec.hostPID"),
        (spec.host_ipc, "HostIPCNotSupported", "spec.hostIPC"),
        (spec.share_process_namespace, "ShareProcessNamespaceNotSupported", "spec.shareProcessNamespace"),
    ];
    if let Some((_, reason, field)) = flags.iter().find(|(it, ..)| *it == Some(true)) {
        return Some(refusal(reason, field, shares));
    }
    if spec.dns_config.is_some() || spec.dns_policy.as_deref() == Some("None") {
        let advice = "pods of this node ask the cluster's resolver; remove dnsConfig and dnsPolicy";
        return Some(refusal("DNSConfigNotSupported", "spec.dnsConfig", advice));
    }
    let security = spec.security_context.as_ref()?;
    if security.sysctls.as_ref().is_some_and(|it| !it.is_empty()) {
        return Some(refusal("SysctlsNotSupported", "spec.securityContext.sysctls", "remove the field"));
    }
    None
}

fn of_volumes(spec: &PodSpec) -> Option<Refusal> {
    let supported =
        "this node has emptyDir, persistentVolumeClaim, configMap, secret, downwardAPI and projected volumes";
    for (at, volume) in spec.volumes.iter().flatten().enumerate() {
        let field = format!("spec.volumes[{at}] ({})", volume.name);
        if volume.host_path.is_some() {
            return Some(refusal("HostPathNotSupported", &field, supported));
        }
        let known = volume.empty_dir.is_some()
            || volume.persistent_volume_claim.is_some()
            || volume.config_map.is_some()
            || volume.secret.is_some()
            || volume.downward_api.is_some()
            || volume.projected.is_some();
        if !known {
            return Some(refusal("VolumeNotSupported", &field, supported));
        }
    }
    None
}

fn of_container(field: &str, container: &Container, has_range: bool) -> Option<Refusal> {
    if container.ports.iter().flatten().any(|it| it.host_port.is_some_and(|it| it != 0)) {
        let advice = "use a Service or an HTTPRoute, which the gateway serves";
        return Some(refusal("HostPortNotSupported", &format!("{field}.ports.hostPort"), advice));
    }
    if container.ports.iter().flatten().any(|it| it.protocol.as_deref() == Some("SCTP")) {
        return Some(refusal("SCTPNotSupported", &format!("{field}.ports.protocol"), "use TCP"));
    }
    if container.volume_devices.as_ref().is_some_and(|it| !it.is_empty()) {
        return Some(refusal("VolumeDevicesNotSupported", &format!("{field}.volumeDevices"), "use a volume mount"));
    }
    if container.restart_policy.is_some() {
        let advice = "a container that runs beside others goes under spec.containers";
        return Some(refusal("SidecarNotSupported", &format!("{field}.restartPolicy"), advice));
    }
    let probes = [
        ("livenessProbe", &container.liveness_probe),
        ("readinessProbe", &container.readiness_probe),
        ("startupProbe", &container.startup_probe),
    ];
    let of_probe = |(name, probe): (&str, &Option<Probe>)| of_probe(&format!("{field}.{name}"), probe.as_ref()?);
    container
        .security_context
        .as_ref()
        .and_then(|it| of_security(&format!("{field}.securityContext"), it, has_range))
        .or_else(|| probes.into_iter().find_map(of_probe))
}

fn of_security(field: &str, security: &SecurityContext, has_range: bool) -> Option<Refusal> {
    if security.privileged == Some(true) {
        let advice = "nothing in a pod of this node has rights over the machine; remove the field";
        return Some(refusal("PrivilegedNotSupported", &format!("{field}.privileged"), advice));
    }
    let added = security.capabilities.as_ref().and_then(|it| it.add.as_ref()).filter(|it| !it.is_empty())?;
    // Low ports are open to everybody in a pod, so this one is there without being given.
    let is_there = |it: &str| matches!(it, "NET_BIND_SERVICE" | "CAP_NET_BIND_SERVICE");
    let is_given = |it: &str| is_there(it) || (has_range && capability(it).is_some());
    let refused = added.iter().find(|it| !is_given(it))?;
    let advice = format!("capability {refused} is not given on this node; remove it");
    Some(refusal("CapabilitiesNotSupported", &format!("{field}.capabilities.add"), &advice))
}

fn of_probe(field: &str, probe: &Probe) -> Option<Refusal> {
    if probe.grpc.is_some() {
        return Some(refusal("ProbeNotSupported", &format!("{field}.grpc"), "use httpGet, tcpSocket or exec"));
    }
    let scheme = probe.http_get.as_ref().and_then(|it| it.scheme.as_deref());
    if scheme.is_some_and(|it| it.eq_ignore_ascii_case("https")) {
        return Some(refusal("ProbeNotSupported", &format!("{field}.httpGet.scheme"), "use HTTP, tcpSocket or exec"));
    }
    None
}

#[cfg(test)]
mod tests;
