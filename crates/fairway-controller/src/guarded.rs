//! An object that may turn out not to be readable: whoever lists or watches many still gets the others.
//!
//! What kube's `DeserializeGuard` is for. That one keeps each object a second time in a form that nothing else here
//! reads, copies it whole before it looks, and brings a reader of every kind for that form into the program.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use thiserror::Error;

/// An object, or why it cannot be read.
#[derive(Debug, Clone)]
pub struct Guarded<K>(pub Result<K, Unreadable>);

/// What is known of an object that cannot be read.
#[derive(Debug, Clone, Error)]
#[error("{error}")]
pub struct Unreadable {
    /// Why.
    pub error: String,
    metadata: ObjectMeta,
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        let metadata = object.get("metadata").cloned().unwrap_or_default();
        Ok(Self(match serde_json::from_value(object) {
            Ok(object) => Ok(object),
            // Without its name nobody can tell which object it is.
            Err(error) => Err(Unreadable {
                error: error.to_string(),
                metadata: serde_json::from_value(metadata).map_err(D::Error::custom)?,
            }),
        }))
    }
}

impl<K: Resource> Resource for Guarded<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(kind)
    }

    fn group(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::group(kind)
    }

    fn version(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::version(kind)
    }

    fn plural(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(kind)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|it| &it.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|it| &mut it.metadata, K::meta_mut)
    }
}

#[cfg(test)]
mod tests;
