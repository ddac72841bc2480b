//! Objects in other shapes: rows of a Table, and metadata alone.

use std::sync::Arc;

use fairway_store::Revision;
use serde_json::{Value, json};

use crate::registry::Served;
use crate::server::Call;
use crate::{ApiError, crd, kinds};

/// How much of each object a row carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    Nothing,
    Metadata,
    Object,
}

/// A Table in the making.
pub(crate) struct Table {
    served: Arc<Served>,
    include: Include,
    rows: Vec<Value>,
    now: jiff::Timestamp,
}

impl Table {
    /// An empty table for the resource of a request.
    pub(crate) fn start(call: &Call) -> Result<Self, ApiError> {
        let include = match call.query.get("includeObject").unwrap_or_default() {
            "None" => Include::Nothing,
            "" | "Metadata" => Include::Metadata,
            "Object" => Include::Object,
            other => {
                let message = format!("includeObject: unknown value {other:?}: use None, Metadata or Object");
                return Err(ApiError::bad_request(message));
            }
        };
        let now = call.shared.world.clock.now();
        Ok(Self { served: Arc::clone(&call.served), include, rows: Vec::new(), now })
    }

    /// Another empty table of the same kind.
    pub(crate) fn fresh(&self) -> Self {
        Self { served: Arc::clone(&self.served), rows: Vec::new(), ..*self }
    }

    /// Adds an object as it would be served.
    pub(crate) fn add(&mut self, object: &Value) {
        let mut row = json!({ "cells": self.cells(object) });
        match self.include {
            Include::Nothing => {}
            Include::Metadata => row["object"] = partial(object),
            Include::Object => row["object"] = object.clone(),
        }
        self.rows.push(row);
    }

    fn cells(&self, object: &Value) -> Vec<Value> {
        if self.served.is_custom() {
            return crd::cells(&self.served, object, self.now);
        }
        kinds::cells(&self.served, object, self.now)
    }

    /// The table of one object.
    pub(crate) fn finish_single(self, revision: Option<Revision>) -> Value {
        let metadata = revision.map_or(json!({}), |it| json!({ "resourceVersion": it.to_string() }));
        self.finish(metadata, true)
    }

    /// The table of a list, or of one watch event, of which only the first carries the columns.
    pub(crate) fn finish(self, metadata: Value, columns: bool) -> Value {
        let columns = if columns { columns_of(&self.served) } else { json!([]) };
        json!({
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": columns, "rows": self.rows,
        })
    }
}

fn columns_of(served: &Served) -> Value {
    let column = |it: &crate::Column| {
        json!({
            "name": &*it.name, "type": &*it.r#type, "format": &*it.format,
            "description": &*it.description, "priority": it.priority,
        })
    };
    served.columns.iter().map(column).collect()
}

/// An object with everything but its metadata left out.
pub(crate) fn partial(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata").cloned().unwrap_or_default(),
    })
}
