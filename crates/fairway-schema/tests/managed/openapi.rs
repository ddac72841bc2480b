//! The captured schemas, by kind.

use std::collections::BTreeMap;

use fairway_schema::{Link, Schema, compile};
use serde_json::Value;

/// The schemas of a captured OpenAPI document.
pub(crate) struct Document {
    kinds: BTreeMap<(String, String), Link>,
}

impl Document {
    pub(crate) fn captured() -> Self {
        let served = include_str!("../../../fairway-apiserver/data/captured/openapi.json");
        let unserved = include_str!("../data/openapi-unserved.json");
        let mut raw = serde_json::Map::new();
        for text in [served, unserved] {
            let document: Value = serde_json::from_str(text).unwrap();
            raw.extend(document["schemas"].as_object().unwrap().clone());
        }
        let schemas = compile::openapi(&raw).unwrap();
        let mut kinds = BTreeMap::new();
        for (name, value) in &raw {
            for kind in value["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
                let (group, version) = (kind["group"].as_str().unwrap(), kind["version"].as_str().unwrap());
                let api_version = format!("{group}/{version}").trim_start_matches('/').to_owned();
                kinds.insert((api_version, kind["kind"].as_str().unwrap().to_owned()), schemas[name].clone());
            }
        }
        Self { kinds }
    }

    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> &Schema {
        &self.kinds[&(api_version.to_owned(), kind.to_owned())]
    }
}
