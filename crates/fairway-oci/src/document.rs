//! The documents of the image specification. Maps are sorted, so that the same content has the same bytes.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The media types that are understood.
pub mod media_type {
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
}

/// How large a manifest or index may be.
pub(crate) const MOST_MANIFEST_BYTES: u64 = 4 << 20;

/// Names content: what it is, how long, and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

impl Descriptor {
    /// The descriptor of these bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// A descriptor without annotations.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        let media_type = media_type.to_owned();
        Self { media_type, digest, size, annotations: BTreeMap::new(), artifact_type: None, platform: None }
    }
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    pub architecture: String,
    pub os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on this machine's processor.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Self { architecture: architecture.to_owned(), os: "linux".to_owned(), variant: None }
    }
}

/// Several manifests under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    pub manifests: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// One image or artifact: its configuration and its layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// How an image is run, and what its layers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    pub architecture: String,
    pub os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    #[serde(default)]
    pub config: RunConfig,
    pub rootfs: RootFs,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
}

/// How an image is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RunConfig {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
}

/// The digests of the layers, uncompressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    pub r#type: String,
    pub diff_ids: Vec<Digest>,
}

/// What made a layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

/// Why bytes are not the document they should be.
#[derive(Debug, thiserror::Error)]
pub enum ParseDocument {
    #[error("the document is not JSON of the expected form")]
    Json(#[source] serde_json::Error),
    #[error("schemaVersion must be 2, not {0}")]
    SchemaVersion(u32),
    #[error("the document says it is {found:?}, but is named as {expected:?}")]
    MediaType { expected: String, found: String },
    #[error("the document is both a manifest and an index")]
    BothKinds,
    #[error("{0:?} is neither a manifest nor an index")]
    UnknownMediaType(String),
}

impl Manifest {
    /// Reads a manifest. It must be what it is named as, and nothing else besides.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, ParseDocument> {
        let manifest: Self = parse(bytes, &["manifests"])?;
        check(media_type, manifest.media_type.as_deref(), manifest.schema_version)?;
        Ok(manifest)
    }
}

impl Index {
    /// Reads an index. It must be what it is named as, and nothing else besides.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, ParseDocument> {
        let index: Self = parse(bytes, &["config", "layers"])?;
        check(media_type, index.media_type.as_deref(), index.schema_version)?;
        Ok(index)
    }
}

/// The descriptors of all that a manifest or index needs.
pub(crate) fn children(media_type: &str, bytes: &[u8]) -> Result<Vec<Descriptor>, ParseDocument> {
    if is_manifest(media_type) {
        let manifest = Manifest::parse(media_type, bytes)?;
        return Ok(std::iter::once(manifest.config).chain(manifest.layers).collect());
    }
    if is_index(media_type) {
        return Ok(Index::parse(media_type, bytes)?.manifests);
    }
    Err(ParseDocument::UnknownMediaType(media_type.chars().take(100).collect()))
}

/// Whether content of this type names other content.
pub(crate) fn has_children(media_type: &str) -> bool {
    is_manifest(media_type) || is_index(media_type)
}

pub(crate) fn is_manifest(media_type: &str) -> bool {
    [media_type::MANIFEST, media_type::DOCKER_MANIFEST].contains(&media_type)
}

pub(crate) fn is_index(media_type: &str) -> bool {
    [media_type::INDEX, media_type::DOCKER_INDEX].contains(&media_type)
}

fn parse<T: DeserializeOwned>(bytes: &[u8], foreign: &[&str]) -> Result<T, ParseDocument> {
    // The first reading finds duplicate and foreign names, which a second reader might take for the truth.
    let names: Names = serde_json::from_slice(bytes).map_err(ParseDocument::Json)?;
    if foreign.iter().any(|name| names.0.contains(*name)) {
        return Err(ParseDocument::BothKinds);
    }
    serde_json::from_slice(bytes).map_err(ParseDocument::Json)
}

fn check(expected: &str, found: Option<&str>, version: u32) -> Result<(), ParseDocument> {
    if version != 2 {
        return Err(ParseDocument::SchemaVersion(version));
    }
    match found {
        Some(found) if found != expected => {
            Err(ParseDocument::MediaType { expected: expected.to_owned(), found: found.chars().take(100).collect() })
        }
        _ => Ok(()),
    }
}

/// The names of an object's fields, each of which stands once.
struct Names(std::collections::BTreeSet<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Names;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Names(std::collections::BTreeSet::new());
                while let Some(name) = map.next_key::<String>()? {
                    map.next_value::<serde::de::IgnoredAny>()?;
                    if !names.0.insert(name.clone()) {
                        return Err(serde::de::Error::custom(format!("field {name:?} stands twice")));
                    }
                }
                Ok(names)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
