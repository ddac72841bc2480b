//! Content negotiation: in which form an answer goes out.

use http::HeaderMap;
use http::header::{ACCEPT, USER_AGENT};

use super::Query;
use crate::ApiError;

/// The form a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Accept {
    pub(crate) format: Format,
    pub(crate) shape: Shape,
}

/// The notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Json,
    PrettyJson,
    Yaml,
}

/// The type an object is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// The object itself.
    Object,
    /// `Table` of `meta.k8s.io/v1`.
    Table,
    /// `PartialObjectMetadata`, and its list for lists.
    Metadata,
    /// `APIGroupDiscoveryList` of `apidiscovery.k8s.io/v2`.
    Discovery,
}

impl Format {
    /// The content type of an answer.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::PrettyJson => "application/json",
            Self::Yaml => "application/yaml",
        }
    }
}

impl Accept {
    /// Plain JSON.
    pub(crate) const JSON: Self = Self { format: Format::Json, shape: Shape::Object };

    /// What is served to a client that sent these headers; 406 if it takes nothing that we have.
    pub(crate) fn negotiate(headers: &HeaderMap, query: &Query) -> Result<Self, ApiError> {
        let Some(accept) = headers.get(ACCEPT).and_then(|it| it.to_str().ok()).filter(|it| !it.trim().is_empty())
        else {
            return Ok(Self::JSON.prettier(headers, query));
        };
        let mut offers: Vec<(f32, Self)> = accept.split(',').filter_map(offer).collect();
        // Stable: of equals, the first named wins.
        offers.sort_by(|a, b| b.0.total_cmp(&a.0));
        match offers.first() {
            Some((_, chosen)) => Ok(chosen.prettier(headers, query)),
            None => {
                let message = "only the following media types are accepted: application/json, application/yaml";
                Err(ApiError::new(406, "NotAcceptable", message))
            }
        }
    }

    /// Indents for people: `pretty=true`, or a program people read the output of.
    fn prettier(self, headers: &HeaderMap, query: &Query) -> Self {
        let by_agent = || {
            let agent = headers.get(USER_AGENT).and_then(|it| it.to_str().ok()).unwrap_or_default();
            ["curl", "Wget", "Mozilla/5.0"].iter().any(|it| agent.starts_with(it))
        };
        let pretty = match query.get("pretty") {
            Some(_) => query.flag("pretty"),
            None => by_agent(),
        };
        let format = if pretty && self.format == Format::Json { Format::PrettyJson } else { self.format };
        Self { format, ..self }
    }
}

/// One entry of an Accept header, if we can serve it.
fn offer(entry: &str) -> Option<(f32, Accept)> {
    let mut parts = entry.split(';').map(str::trim);
    let format = match parts.next()? {
        "application/json" | "*/*" | "application/*" => Format::Json,
        "application/yaml" => Format::Yaml,
        _ => return None,
    };
    let (mut quality, mut kind, mut group, mut version) = (1.0, "", "", "");
    for part in parts {
        match part.split_once('=')? {
            ("q", value) => quality = value.parse().ok()?,
            ("as", value) => kind = value,
            ("g", value) => group = value,
            ("v", value) => version = value,
            _ => {} // `stream=watch`, `charset=…`
        }
    }
    let shape = match (kind, group, version) {
        ("", _, _) => Shape::Object,
        ("Table", "meta.k8s.io", "v1" | "v1beta1") => Shape::Table,
        ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io", "v1" | "v1beta1") => Shape::Metadata,
        ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => Shape::Discovery,
        _ => return None,
    };
    (quality > 0.0).then_some((quality, Accept { format, shape }))
}
