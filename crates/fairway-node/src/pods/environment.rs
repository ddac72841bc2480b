//! A container's environment and command, from the pod, its ConfigMaps and its Secrets.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Container, EnvVarSource, Pod, ResourceFieldSelector, Secret};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt;
use thiserror::Error;

/// Why a container cannot be described yet.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Describe {
    #[error("{kind} {name:?} not found")]
    ObjectNotFound { kind: &'static str, name: String },
    #[error("couldn't find key {key} in {kind} {namespace}/{name}")]
    KeyNotFound { key: String, kind: &'static str, namespace: String, name: String },
    #[error("environment variable {name}: {path:?} is not a field that can be read here")]
    Field { name: String, path: String },
}

/// What a pod's containers refer to; what does not exist is not in it.
#[derive(Debug, Default, Clone)]
pub(crate) struct References {
    pub(crate) config_maps: BTreeMap<String, ConfigMap>,
    pub(crate) secrets: BTreeMap<String, Secret>,
}

impl References {
    fn config_map(&self, name: &str) -> Option<BTreeMap<String, String>> {
        Some(self.config_maps.get(name)?.data.clone().unwrap_or_default())
    }

    fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let data = self.secrets.get(name)?.data.clone().unwrap_or_default();
        Some(data.into_iter().map(|(key, value)| (key, String::from_utf8_lossy(&value.0).into_owned())).collect())
    }
}

/// The names of ConfigMaps and Secrets that the environment of a pod's containers needs.
pub(crate) fn needed(pod: &Pod) -> (Vec<String>, Vec<String>) {
    let (mut config_maps, mut secrets) = (Vec::new(), Vec::new());
    let Some(spec) = &pod.spec else { return (config_maps, secrets) };
    for container in spec.init_containers.iter().flatten().chain(&spec.containers) {
        for from in container.env_from.iter().flatten() {
            config_maps.extend(from.config_map_ref.iter().map(|it| it.name.clone()));
            secrets.extend(from.secret_ref.iter().map(|it| it.name.clone()));
        }
        for source in container.env.iter().flatten().filter_map(|it| it.value_from.as_ref()) {
            config_maps.extend(source.config_map_key_ref.iter().map(|it| it.name.clone()));
            secrets.extend(source.secret_key_ref.iter().map(|it| it.name.clone()));
        }
    }
    (config_maps, secrets)
}

/// What a pod knows of itself, for `fieldRef`.
pub(crate) struct Place<'a> {
    pub(crate) pod_ip: &'a str,
    pub(crate) host_ip: &'a str,
}

/// The variables of a container, in order, with `$(NAME)` replaced.
pub(crate) fn variables(
    pod: &Pod,
    container: &Container,
    image: &[(String, String)],
    references: &References,
    place: &Place<'_>,
) -> Result<Vec<(String, String)>, Describe> {
    let mut found: Vec<(String, String)> = image.to_vec();
    if !found.iter().any(|(name, _)| name == "PATH") {
        let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        found.push(("PATH".into(), usual.into()));
    }
    put(&mut found, "HOSTNAME", super::containers::hostname(pod));
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        let (values, kind, name, optional) = if let Some(it) = &from.config_map_ref {
            (references.config_map(&it.name), "configmap", &it.name, it.optional)
        } else if let Some(it) = &from.secret_ref {
            (references.secret(&it.name), "secret", &it.name, it.optional)
        } else {
            continue;
        };
        match values {
            Some(values) => {
                for (key, value) in values {
                    put(&mut found, &format!("{prefix}{key}"), value);
                }
            }
            None if optional == Some(true) => {}
            None => return Err(Describe::ObjectNotFound { kind, name: name.clone() }),
        }
    }
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) => Some(expand(value, &found)),
            (None, Some(source)) => from_source(pod, container, &variable.name, source, references, place)?,
            (None, None) => Some(String::new()),
        };
        if let Some(value) = value {
            put(&mut found, &variable.name, value);
        }
    }
    Ok(found)
}

fn put(variables: &mut Vec<(String, String)>, name: &str, value: String) {
    match variables.iter_mut().find(|it| it.0 == name) {
        Some(known) => known.1 = value,
        None => variables.push((name.to_owned(), value)),
    }
}

fn from_source(
    pod: &Pod,
    container: &Container,
    variable: &str,
    source: &EnvVarSource,
    references: &References,
    place: &Place<'_>,
) -> Result<Option<String>, Describe> {
    let (values, kind, name, key, optional) = if let Some(it) = &source.config_map_key_ref {
        (references.config_map(&it.name), "configmap", &it.name, &it.key, it.optional)
    } else if let Some(it) = &source.secret_key_ref {
        (references.secret(&it.name), "secret", &it.name, &it.key, it.optional)
    } else if let Some(it) = &source.field_ref {
        let unknown = || Describe::Field { name: variable.to_owned(), path: it.field_path.clone() };
        return field(pod, &it.field_path, place).ok_or_else(unknown).map(Some);
    } else if let Some(it) = &source.resource_field_ref {
        let unknown = || Describe::Field { name: variable.to_owned(), path: it.resource.clone() };
        return resource(container, it).ok_or_else(unknown).map(Some);
    } else {
        return Ok(Some(String::new()));
    };
    let Some(values) = values else {
        let missing = Describe::ObjectNotFound { kind, name: name.clone() };
        return if optional == Some(true) { Ok(None) } else { Err(missing) };
    };
    match values.get(key) {
        Some(value) => Ok(Some(value.clone())),
        None if optional == Some(true) => Ok(None),
        None => {
            let namespace = pod.namespace().unwrap_or_default();
            Err(Describe::KeyNotFound { key: key.clone(), kind, namespace, name: name.clone() })
        }
    }
}

/// A field of the pod that containers may read about themselves.
pub(crate) fn field(pod: &Pod, path: &str, place: &Place<'_>) -> Option<String> {
    let spec = pod.spec.as_ref();
    let of_map = |prefix: &str| path.strip_prefix(prefix)?.strip_suffix("']");
    if let Some(key) = of_map("metadata.labels['") {
        return Some(pod.labels().get(key).cloned().unwrap_or_default());
    }
    if let Some(key) = of_map("metadata.annotations['") {
        return Some(pod.annotations().get(key).cloned().unwrap_or_default());
    }
    let list = |it: &BTreeMap<String, String>| {
        it.iter().map(|(key, value)| format!("{key}={value:?}")).collect::<Vec<_>>().join("\n")
    };
    match path {
        "metadata.name" => Some(pod.name_any()),
        "metadata.namespace" => Some(pod.namespace().unwrap_or_default()),
        "metadata.uid" => Some(pod.uid().unwrap_or_default()),
        "metadata.labels" => Some(list(pod.labels())),
        "metadata.annotations" => Some(list(pod.annotations())),
        "spec.nodeName" => Some(spec?.node_name.clone().unwrap_or_default()),
        "spec.serviceAccountName" => Some(spec?.service_account_name.clone().unwrap_or_default()),
        "status.podIP" | "status.podIPs" => Some(place.pod_ip.to_owned()),
        "status.hostIP" | "status.hostIPs" => Some(place.host_ip.to_owned()),
        _ => None,
    }
}

/// A limit or request of the container, rounded up to whole units of the divisor.
fn resource(container: &Container, selector: &ResourceFieldSelector) -> Option<String> {
    let resources = container.resources.clone().unwrap_or_default();
    let (kind, name) = selector.resource.split_once('.')?;
    let values = match kind {
        "limits" => resources.limits,
        "requests" => resources.requests,
        _ => return None,
    };
    let value = super::containers::milli(values?.get(name)?)?;
    let divisor = selector.divisor.as_ref().filter(|it| it.0 != "0" && !it.0.is_empty());
    let divisor = super::containers::milli(divisor.unwrap_or(&Quantity("1".into())))?.max(1);
    Some(value.div_ceil(divisor).to_string())
}

/// Replaces `$(NAME)`; `$$` is a dollar; what is not known stays as it is.
pub(crate) fn expand(text: &str, variables: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|it| it.split_once(')')) {
            match variables.iter().find(|it| it.0 == name) {
                Some((_, value)) => out.push_str(value),
                None => out.extend(["$(", name, ")"]),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out + rest
}

#[cfg(test)]
mod tests;
