//! A Job's failure policy: what the failure of one Pod means. Pure.

use k8s_openapi::api::batch::v1::{Job, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

/// What a failure means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One more towards the limit.
    Counts,
    /// As if it had not been.
    Ignored,
    /// The whole Job has failed, and why.
    Fatal(String),
}

/// The first rule that matches decides.
pub(super) fn judge(job: &Job, pod: &Pod) -> Meaning {
    let rules = job.spec.iter().flat_map(|it| it.pod_failure_policy.iter().flat_map(|it| &it.rules));
    for (at, rule) in rules.enumerate() {
        let Some(what) = matches(rule, pod) else { continue };
        return match rule.action.as_str() {
            "Ignore" => Meaning::Ignored,
            "FailJob" => Meaning::Fatal(format!("{what} matching FailJob rule at index {at}")),
            _ => Meaning::Counts,
        };
    }
    Meaning::Counts
}

/// What in the Pod the rule is about.
fn matches(rule: &PodFailurePolicyRule, pod: &Pod) -> Option<String> {
    let name = format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
    let status = pod.status.as_ref()?;
    if let Some(codes) = &rule.on_exit_codes {
        let all = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
        let (container, code) = all.into_iter().find_map(|it| ended(codes, it))?;
        return Some(format!("Container {container} for pod {name} failed with exit code {code}"));
    }
    let patterns = rule.on_pod_conditions.iter().flatten();
    let there =
        |kind: &str, value: &str| status.conditions.iter().flatten().any(|it| it.type_ == kind && it.status == value);
    let found = patterns.into_iter().find(|it| there(&it.type_, &it.status))?;
    Some(format!("Pod {name} has condition {}", found.type_))
}

/// A container that ended with one of these codes.
fn ended(codes: &PodFailurePolicyOnExitCodesRequirement, status: &ContainerStatus) -> Option<(String, i32)> {
    let code = status.state.as_ref()?.terminated.as_ref()?.exit_code;
    let named = codes.container_name.as_ref().is_none_or(|it| *it == status.name);
    let among = codes.values.contains(&code);
    let fits = if codes.operator == "NotIn" { !among } else { among };
    (code != 0 && named && fits).then(|| (status.name.clone(), code))
}

#[cfg(test)]
mod tests;
