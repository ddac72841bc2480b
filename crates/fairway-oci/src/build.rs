//! Images from files. The same files give the same digests, whenever and wherever they are built.

mod contents;
mod layer;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::digest::Digest;
use crate::document::{Descriptor, History, ImageConfig, Manifest, Platform, RootFs, RunConfig, media_type};
use crate::layout::{Layout, LayoutError};

pub use contents::{Contents, Owner, Packing};

/// The time that everything has: a real one would make every build another image.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// The user that images run as: nobody in particular, and not root.
const USER: &str = "65532:65532";

/// How an image is to be run.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// What it runs on.
    pub platform: Platform,
    /// The program and its fixed arguments; empty keeps those of the base.
    pub entrypoint: Vec<String>,
    /// Arguments that a container may replace.
    pub cmd: Vec<String>,
    /// Variables, which replace those of the same name in the base.
    pub env: BTreeMap<String, String>,
    /// The folder it starts in; empty keeps that of the base.
    pub working_dir: String,
    /// Ports it listens on: `8080/tcp`.
    pub exposed_ports: Vec<String>,
    /// Labels of the image, which are annotations of its manifest too.
    pub labels: BTreeMap<String, String>,
    /// What made the layer, in words.
    pub created_by: String,
}

/// Why an image was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildImage {
    #[error("{path:?} cannot be a path in an image: {why}")]
    Path { path: String, why: &'static str },
    #[error("{path:?} is in the image twice")]
    Twice { path: String },
    #[error("read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is neither file, folder nor link", path.display())]
    Special { path: PathBuf },
    #[error("write the layer")]
    Write(#[source] io::Error),
    #[error("the base image has {layers} layers and {diff_ids} layer digests")]
    BrokenBase { layers: usize, diff_ids: usize },
    #[error("store the image")]
    Store(#[source] LayoutError),
}

impl Layout {
    /// Builds an image of these files, onto a base image of this store or onto nothing. It has no name yet.
    pub fn build(
        &self,
        base: Option<&Descriptor>,
        contents: &Contents,
        spec: &ImageSpec,
    ) -> Result<Descriptor, BuildImage> {
        let (layer, diff_id) = layer::write(self, contents)?;
        let (mut layers, config) = match base {
            None => (Vec::new(), None),
            Some(base) => {
                let (_, manifest) = self.manifest(base, &spec.platform).map_err(BuildImage::Store)?;
                let config = self.image_config(&manifest).map_err(BuildImage::Store)?;
                let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
                if layers != diff_ids {
                    return Err(BuildImage::BrokenBase { layers, diff_ids });
                }
                (manifest.layers, Some(config))
            }
        };
        layers.push(layer);
        let config = configured(config, diff_id, spec);
        let bytes = serde_json::to_vec(&config).expect("a configuration is plain data");
        let config = self.put_blob(media_type::CONFIG, &bytes).map_err(BuildImage::Store)?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::MANIFEST.to_owned()),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: spec.labels.clone(),
        };
        let mut descriptor = self.put_manifest(&manifest).map_err(BuildImage::Store)?;
        descriptor.platform = Some(spec.platform.clone());
        Ok(descriptor)
    }

    /// Stores bytes of another kind than an image as an artifact with one layer. It has no name yet.
    pub fn put_artifact(
        &self,
        artifact_type: &str,
        media_type: &str,
        bytes: &[u8],
        annotations: BTreeMap<String, String>,
    ) -> Result<Descriptor, LayoutError> {
        let config = self.put_blob(media_type::EMPTY, b"{}")?;
        let layer = self.put_blob(media_type, bytes)?;
        self.put_manifest(&Manifest {
            schema_version: 2,
            media_type: Some(media_type::MANIFEST.to_owned()),
            artifact_type: Some(artifact_type.to_owned()),
            config,
            layers: vec![layer],
            subject: None,
            annotations,
        })
    }
}

fn configured(base: Option<ImageConfig>, diff_id: Digest, spec: &ImageSpec) -> ImageConfig {
    let mut config = base.unwrap_or_else(|| ImageConfig {
        created: None,
        architecture: spec.platform.architecture.clone(),
        os: spec.platform.os.clone(),
        variant: spec.platform.variant.clone(),
        config: RunConfig::default(),
        rootfs: RootFs { r#type: "layers".to_owned(), diff_ids: Vec::new() },
        history: Vec::new(),
    });
    config.created = Some(EPOCH.to_owned());
    config.rootfs.diff_ids.push(diff_id);
    let created_by = Some(spec.created_by.clone());
    config.history.push(History { created: Some(EPOCH.to_owned()), created_by, empty_layer: false });
    let run = &mut config.config;
    USER.clone_into(&mut run.user);
    if !spec.entrypoint.is_empty() {
        run.entrypoint = Some(spec.entrypoint.clone());
        run.cmd = None;
    }
    if !spec.cmd.is_empty() {
        run.cmd = Some(spec.cmd.clone());
    }
    if !spec.working_dir.is_empty() {
        run.working_dir.clone_from(&spec.working_dir);
    }
    let name_of = |variable: &String| variable.split('=').next().unwrap_or_default().to_owned();
    let mut env = run.env.take().unwrap_or_default();
    env.retain(|variable| !spec.env.contains_key(&name_of(variable)));
    env.extend(spec.env.iter().map(|(name, value)| format!("{name}={value}")));
    run.env = Some(env).filter(|it| !it.is_empty());
    let mut ports = run.exposed_ports.take().unwrap_or_default();
    ports.extend(spec.exposed_ports.iter().map(|port| (port.clone(), serde_json::json!({}))));
    run.exposed_ports = Some(ports).filter(|it| !it.is_empty());
    let mut labels = run.labels.take().unwrap_or_default();
    labels.extend(spec.labels.clone());
    run.labels = Some(labels).filter(|it| !it.is_empty());
    config
}
