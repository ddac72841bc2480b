//! From a container of the API to one of the runner.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Container, Pod, PodSecurityContext, SecurityContext, VolumeMount};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;
use thiserror::Error;

use super::environment::{Describe, Place, References, expand, variables};
use super::images::Image;
use crate::runner::{self, Limits, LogLimit, Mount, NAMED_RIGHTS, RIGHTS, VolumeUsers};

/// What a pod says of the size of its containers' logs.
const LOG_LIMIT: &str = "node.fairway.dev/log-limit";
/// What a pod says of how many processes each of its containers may have.
const PIDS_LIMIT: &str = "node.fairway.dev/pids-limit";
/// More processes than any well-behaved container has.
const PIDS: u64 = 2048;
/// As many as one container may be given.
const MOST_PIDS: u64 = 32_768;

/// Why a container cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Make {
    #[error(transparent)]
    Describe(#[from] Describe),
    #[error("container has runAsNonRoot and image will run as root (pod: {pod:?}, container: {container})")]
    Root { pod: String, container: String },
    #[error("the image's user {user:?} is not in its /etc/passwd; set securityContext.runAsUser")]
    UnknownUser { user: String },
    #[error("no command specified: neither the container nor its image names one")]
    NoCommand,
    #[error("volume mount {name:?} names no volume of the pod")]
    UnknownVolume { name: String },
    #[error("user or group {id} is out of range")]
    UserRange { id: i64 },
}

/// Where a volume of a pod is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Relative to the state folder.
    pub(crate) path: PathBuf,
    /// Whatever the mount says.
    pub(crate) read_only: bool,
}

/// The container as the runner takes it.
pub(crate) fn make(
    pod: &Pod,
    container: &Container,
    attempt: u32,
    image: &Image,
    references: &References,
    place: &Place<'_>,
    volume: &dyn Fn(&str) -> Option<Source>,
) -> Result<runner::Container, Make> {
    let env = variables(pod, container, &image.env, references, place)?;
    let (user, group) = user(pod, container, image)?;
    let groups = groups(pod)?;
    let shown = image.mounts.iter().map(|(source, target)| Ok(shown(source, target)));
    let volumes = container.volume_mounts.iter().flatten().map(|it| mount(it, &env, volume));
    let mounts = shown.chain(volumes).collect::<Result<_, _>>()?;
    let security = container.security_context.as_ref();
    Ok(runner::Container {
        name: container.name.clone(),
        attempt,
        image: image.root.clone(),
        links: image.links.clone(),
        files: image.files.clone(),
        scratch: image.scratch.clone(),
        argv: argv(container, image, &env)?,
        working_dir: container.working_dir.clone().unwrap_or_else(|| image.working_dir.clone()),
        env,
        user,
        group,
        groups,
        capabilities: capabilities(container),
        has_range: false,
        read_only_root: security.and_then(|it| it.read_only_root_filesystem).unwrap_or(false),
        mounts,
        limits: limits(pod, container),
        cgroups: Vec::new(),
        oom_file: None,
    })
}

fn argv(container: &Container, image: &Image, env: &[(String, String)]) -> Result<Vec<String>, Make> {
    let given = |list: &Option<Vec<String>>| list.clone().filter(|it| !it.is_empty());
    let (command, arguments) = (given(&container.command), given(&container.args));
    let words = match (command, arguments) {
        (Some(command), arguments) => [command, arguments.unwrap_or_default()].concat(),
        (None, Some(arguments)) => [image.entrypoint.clone(), arguments].concat(),
        (None, None) => [image.entrypoint.clone(), image.command.clone()].concat(),
    };
    if words.is_empty() {
        return Err(Make::NoCommand);
    }
    Ok(words.iter().map(|it| expand(it, env)).collect())
}

fn user(pod: &Pod, container: &Container, image: &Image) -> Result<(u32, u32), Make> {
    let none = (SecurityContext::default(), PodSecurityContext::default());
    let own = container.security_context.as_ref().unwrap_or(&none.0);
    let shared = pod.spec.as_ref().and_then(|it| it.security_context.as_ref()).unwrap_or(&none.1);
    let number = |id: i64| u32::try_from(id).map_err(|_| Make::UserRange { id });
    let image_user = image.user();
    let user = match own.run_as_user.or(shared.run_as_user) {
        Some(id) => number(id)?,
        None => image_user.ok_or_else(|| Make::UnknownUser { user: image.user.clone() })?.0,
    };
    let group = match own.run_as_group.or(shared.run_as_group) {
        Some(id) => number(id)?,
        None => image_user.map_or(0, |it| it.1),
    };
    if user == 0 && own.run_as_non_root.or(shared.run_as_non_root) == Some(true) {
        let name =
            format!("{}_{}({})", pod.name_any(), pod.namespace().unwrap_or_default(), pod.uid().unwrap_or_default());
        return Err(Make::Root { pod: name, container: container.name.clone() });
    }
    Ok((user, group))
}

/// The groups that a pod has beside its own.
fn groups(pod: &Pod) -> Result<Vec<u32>, Make> {
    let Some(security) = pod.spec.as_ref().and_then(|it| it.security_context.as_ref()) else { return Ok(Vec::new()) };
    let ids = security.supplemental_groups.iter().flatten().chain(&security.fs_group);
    ids.map(|id| u32::try_from(*id).map_err(|_| Make::UserRange { id: *id })).collect()
}

/// Who reads the files of a pod's volumes: the user that all its containers are, where it says so, and its group.
pub(crate) fn volume_users(pod: &Pod) -> VolumeUsers {
    let spec = pod.spec.as_ref();
    let shared = spec.and_then(|it| it.security_context.as_ref());
    let containers = spec.into_iter().flat_map(|it| it.init_containers.iter().flatten().chain(&it.containers));
    let mut users = containers.map(|it| {
        let own = it.security_context.as_ref().and_then(|it| it.run_as_user);
        own.or_else(|| shared.and_then(|it| it.run_as_user))
    });
    let first = users.next().flatten();
    let user = first.filter(|_| users.all(|it| it == first));
    let number = |id: i64| u32::try_from(id).ok();
    VolumeUsers { user: user.and_then(number).unwrap_or(0), group: shared.and_then(|it| it.fs_group).and_then(number) }
}

/// The capability of a name, where it is one that can be had.
pub(crate) fn capability(name: &str) -> Option<u64> {
    let name = name.strip_prefix("CAP_").unwrap_or(name);
    NAMED_RIGHTS.iter().find(|it| it.0 == name).map(|it| it.1.bits())
}

fn capabilities(container: &Container) -> u64 {
    let said = container.security_context.as_ref().and_then(|it| it.capabilities.clone()).unwrap_or_default();
    let all = RIGHTS.bits();
    let named = |names: Option<Vec<String>>| {
        names.iter().flatten().fold(0, |found, name| match name.as_str() {
            "ALL" => all,
            name => found | capability(name).unwrap_or(0),
        })
    };
    all & !named(said.drop) | named(said.add)
}

fn mount(
    mount: &VolumeMount,
    env: &[(String, String)],
    volume: &dyn Fn(&str) -> Option<Source>,
) -> Result<Mount, Make> {
    let source = volume(&mount.name).ok_or_else(|| Make::UnknownVolume { name: mount.name.clone() })?;
    let sub_path = mount.sub_path_expr.as_deref().map(|it| expand(it, env)).or_else(|| mount.sub_path.clone());
    let read_only = source.read_only || mount.read_only.unwrap_or(false);
    Ok(Mount { source: source.path, sub_path, target: mount.mount_path.clone(), read_only })
}

/// What an image shows of the machine.
fn shown(source: &Path, target: &str) -> Mount {
    Mount { source: source.to_owned(), sub_path: None, target: target.to_owned(), read_only: true }
}

fn limits(pod: &Pod, container: &Container) -> Limits {
    let resources = container.resources.clone().unwrap_or_default();
    let limits = resources.limits.unwrap_or_default();
    Limits {
        memory: limits.get("memory").and_then(milli).map(|it| it.div_ceil(1000)),
        cpu_milli: limits.get("cpu").and_then(milli),
        cpu_request_milli: asked(container),
        pids: Some(pids_limit(pod).ok().flatten().unwrap_or(PIDS)),
    }
}

/// Thousandths of a processor that a container asks for.
fn asked(container: &Container) -> u64 {
    let Some(resources) = &container.resources else { return 0 };
    let of = |it: &Option<BTreeMap<String, Quantity>>| it.as_ref()?.get("cpu").and_then(milli);
    of(&resources.requests).or_else(|| of(&resources.limits)).unwrap_or(0)
}

/// The same of a whole pod: its containers run side by side, those that prepare it one after the other before.
pub(crate) fn cpu_request(pod: &Pod) -> u64 {
    let Some(spec) = &pod.spec else { return 0 };
    let (beside, before): (Vec<&Container>, Vec<_>) =
        spec.init_containers.iter().flatten().partition(|it| it.restart_policy.as_deref() == Some("Always"));
    let together = spec.containers.iter().chain(beside).map(asked).fold(0, u64::saturating_add);
    together.max(before.into_iter().map(asked).max().unwrap_or(0))
}

/// How much a container of this pod may say. An error names the annotation; nothing means that the node decides.
pub(crate) fn log_limit(pod: &Pod) -> Result<Option<LogLimit>, String> {
    let Some(text) = pod.annotations().get(LOG_LIMIT) else { return Ok(None) };
    let bytes = milli(&Quantity(text.clone())).map(|it| it.div_ceil(1000));
    let why = || format!("metadata.annotations[{LOG_LIMIT}]: {text:?} is not a quantity of bytes, such as \"50Mi\"");
    let bytes = bytes.filter(|it| *it > 0).ok_or_else(why)?;
    Ok(Some(LogLimit { bytes, files: 1, then_drop: true }))
}

/// How many processes a container of this pod may have. An error names the annotation; nothing means the usual number.
pub(crate) fn pids_limit(pod: &Pod) -> Result<Option<u64>, String> {
    let Some(text) = pod.annotations().get(PIDS_LIMIT) else { return Ok(None) };
    let number = text.parse().ok().filter(|it| (1..=MOST_PIDS).contains(it));
    let why = || format!("metadata.annotations[{PIDS_LIMIT}]: {text:?} is not a number from 1 to {MOST_PIDS}");
    number.ok_or_else(why).map(Some)
}

/// A quantity in thousandths, rounded up. `None` if it is not one, or is negative.
pub(crate) fn milli(quantity: &Quantity) -> Option<u64> {
    let text = quantity.0.trim();
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        _ => 10f64.powi(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    let value = (number * factor * 1000.0).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie in range")]
    (0.0..1.8e19).contains(&value).then_some(value as u64)
}

/// What the pod is called inside.
pub(crate) fn hostname(pod: &Pod) -> String {
    let named = pod.spec.as_ref().and_then(|it| it.hostname.clone()).unwrap_or_else(|| pod.name_any());
    named.chars().take(63).collect::<String>().trim_end_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests;
