//! The volumes of a pod: folders that its ConfigMaps, Secrets and fields are written into.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use k8s_openapi::api::core::v1::{ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, Volume, VolumeProjection};
use thiserror::Error;

use super::environment::{Place, References, field};

/// The mode of files whose volume does not say.
const MODE: i32 = 0o644;

/// Why a volume cannot be filled.
#[derive(Debug, Error)]
pub(crate) enum Fill {
    #[error("MountVolume.SetUp failed for volume {volume:?} : {kind} {name:?} not found")]
    ObjectNotFound { volume: String, kind: &'static str, name: String },
    #[error("MountVolume.SetUp failed for volume {volume:?} : {path:?} is not a path inside the volume")]
    Path { volume: String, path: String },
    #[error("MountVolume.SetUp failed for volume {volume:?} : {path:?} is not a field that can be read here")]
    Field { volume: String, path: String },
    #[error("MountVolume.SetUp failed for volume {volume:?} : no token for service account {account:?}")]
    Token { volume: String, account: String },
    #[error("MountVolume.SetUp failed for volume {volume:?} : {source}")]
    Write { volume: String, source: io::Error },
}

/// Files of a volume: content and mode, by path.
pub(crate) type Files = BTreeMap<String, (Vec<u8>, u32)>;

/// The names of ConfigMaps and Secrets that the volumes of a pod need.
pub(crate) fn needed(pod: &Pod) -> (Vec<String>, Vec<String>) {
    let (mut config_maps, mut secrets) = (Vec::new(), Vec::new());
    for volume in pod.spec.iter().flat_map(|it| it.volumes.iter().flatten()) {
        config_maps.extend(volume.config_map.iter().map(|it| it.name.clone()));
        secrets.extend(volume.secret.iter().filter_map(|it| it.secret_name.clone()));
        for source in volume.projected.iter().flat_map(|it| it.sources.iter().flatten()) {
            config_maps.extend(source.config_map.iter().map(|it| it.name.clone()));
            secrets.extend(source.secret.iter().map(|it| it.name.clone()));
        }
    }
    (config_maps, secrets)
}

/// Whether a projected volume wants a token of the pod's service account, and for how many seconds.
pub(crate) fn wants_token(pod: &Pod) -> Option<(Option<String>, Option<i64>)> {
    let volumes = pod.spec.iter().flat_map(|it| it.volumes.iter().flatten());
    let mut sources = volumes.filter_map(|it| it.projected.as_ref()).flat_map(|it| it.sources.iter().flatten());
    let token = sources.find_map(|it| it.service_account_token.as_ref())?;
    Some((token.audience.clone(), token.expiration_seconds))
}

/// What the files of a volume are. `None` for volumes that begin empty.
pub(crate) fn files(
    pod: &Pod,
    volume: &Volume,
    references: &References,
    place: &Place<'_>,
    token: Option<&str>,
) -> Result<Option<Files>, Fill> {
    let context = Context { pod, volume: &volume.name, references, place, token };
    let mut files = Files::new();
    if let Some(source) = &volume.config_map {
        let optional = source.optional == Some(true);
        context.config_map(&mut files, &source.name, source.items.as_deref(), source.default_mode, optional)?;
    } else if let Some(source) = &volume.secret {
        let name = source.secret_name.as_deref().unwrap_or_default();
        let optional = source.optional == Some(true);
        context.secret(&mut files, name, source.items.as_deref(), source.default_mode, optional)?;
    } else if let Some(source) = &volume.downward_api {
        context.fields(&mut files, source.items.as_deref().unwrap_or_default(), source.default_mode)?;
    } else if let Some(projected) = &volume.projected {
        for source in projected.sources.iter().flatten() {
            context.projection(&mut files, source, projected.default_mode)?;
        }
    } else {
        return Ok(None);
    }
    for path in files.keys() {
        let is_inside = Path::new(path).components().all(|it| matches!(it, Component::Normal(_))) && !path.is_empty();
        if !is_inside {
            return Err(Fill::Path { volume: volume.name.clone(), path: path.clone() });
        }
    }
    Ok(Some(files))
}

struct Context<'a> {
    pod: &'a Pod,
    volume: &'a str,
    references: &'a References,
    place: &'a Place<'a>,
    token: Option<&'a str>,
}

impl Context<'_> {
    fn config_map(
        &self,
        files: &mut Files,
        name: &str,
        items: Option<&[KeyToPath]>,
        mode: Option<i32>,
        optional: bool,
    ) -> Result<(), Fill> {
        match self.references.config_maps.get(name) {
            Some(found) => pick(files, bytes_of_map(found), items, mode),
            None if optional => {}
            None => return Err(self.missing("configmap", name)),
        }
        Ok(())
    }

    fn secret(
        &self,
        files: &mut Files,
        name: &str,
        items: Option<&[KeyToPath]>,
        mode: Option<i32>,
        optional: bool,
    ) -> Result<(), Fill> {
        match self.references.secrets.get(name) {
            Some(found) => pick(files, bytes_of_secret(found), items, mode),
            None if optional => {}
            None => return Err(self.missing("secret", name)),
        }
        Ok(())
    }

    fn missing(&self, kind: &'static str, name: &str) -> Fill {
        Fill::ObjectNotFound { volume: self.volume.to_owned(), kind, name: name.to_owned() }
    }

    fn fields(&self, files: &mut Files, items: &[DownwardAPIVolumeFile], mode: Option<i32>) -> Result<(), Fill> {
        for item in items {
            let path = item.field_ref.as_ref().map(|it| it.field_path.as_str()).unwrap_or_default();
            let value = field(self.pod, path, self.place)
                .ok_or_else(|| Fill::Field { volume: self.volume.to_owned(), path: path.to_owned() })?;
            files.insert(item.path.clone(), (value.into_bytes(), bits(item.mode.or(mode))));
        }
        Ok(())
    }

    fn projection(&self, files: &mut Files, source: &VolumeProjection, mode: Option<i32>) -> Result<(), Fill> {
        if let Some(it) = &source.config_map {
            self.config_map(files, &it.name, it.items.as_deref(), mode, it.optional == Some(true))?;
        }
        if let Some(it) = &source.secret {
            self.secret(files, &it.name, it.items.as_deref(), mode, it.optional == Some(true))?;
        }
        if let Some(it) = &source.downward_api {
            self.fields(files, it.items.as_deref().unwrap_or_default(), mode)?;
        }
        if let Some(it) = &source.service_account_token {
            let account = self.pod.spec.as_ref().and_then(|it| it.service_account_name.clone()).unwrap_or_default();
            let token = self.token.ok_or_else(|| Fill::Token { volume: self.volume.to_owned(), account })?;
            files.insert(it.path.clone(), (token.as_bytes().to_vec(), bits(mode)));
        }
        Ok(())
    }
}

fn bytes_of_map(map: &ConfigMap) -> BTreeMap<String, Vec<u8>> {
    let text = map.data.iter().flatten().map(|(key, value)| (key.clone(), value.clone().into_bytes()));
    text.chain(map.binary_data.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone()))).collect()
}

fn bytes_of_secret(secret: &Secret) -> BTreeMap<String, Vec<u8>> {
    secret.data.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone())).collect()
}

fn pick(files: &mut Files, values: BTreeMap<String, Vec<u8>>, items: Option<&[KeyToPath]>, mode: Option<i32>) {
    match items.filter(|it| !it.is_empty()) {
        None => files.extend(values.into_iter().map(|(key, value)| (key, (value, bits(mode))))),
        Some(items) => files.extend(
            items
                .iter()
                .filter_map(|it| Some((it.path.clone(), (values.get(&it.key)?.clone(), bits(it.mode.or(mode)))))),
        ),
    }
}

fn bits(mode: Option<i32>) -> u32 {
    u32::try_from(mode.unwrap_or(MODE)).unwrap_or(0o644) & 0o777
}

/// Makes a folder hold just these files. Each changes at once; what is as it should be is not touched.
pub(crate) fn write(folder: &Path, files: &Files) -> io::Result<()> {
    for (path, (bytes, mode)) in files {
        let target = folder.join(path);
        if fs::read(&target).is_ok_and(|it| it == *bytes) {
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let beside = folder.join(format!("..new-{}", path.replace('/', "-")));
        fs::write(&beside, bytes)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(*mode))?;
        fs::rename(&beside, &target)?;
    }
    remove_others(folder, Path::new(""), files)
}

fn remove_others(folder: &Path, below: &Path, files: &Files) -> io::Result<()> {
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(folder, &path, files)?;
        } else if !files.contains_key(&*path.to_string_lossy()) {
            fs::remove_file(folder.join(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
