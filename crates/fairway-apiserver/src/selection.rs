//! Which objects of a collection a request is about: label and field selectors.

use fairway_store::Stored;
use serde_json::Value;

use crate::registry::Served;
use crate::server::Call;
use crate::standin::{FieldSelector, LabelSelector};
use crate::{ApiError, object, standin};

/// Label and field selectors of one request.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
    /// Whether fields other than name and namespace are asked for: then objects must be parsed.
    deep: bool,
}

impl Selection {
    /// Reads the selectors; a field that the resource cannot be selected by is refused.
    pub(crate) fn parse(call: &Call) -> Result<Self, ApiError> {
        let bad = |error: &dyn std::fmt::Display| ApiError::bad_request(error.to_string());
        let labels = LabelSelector::parse(call.query.get("labelSelector").unwrap_or_default());
        let labels = labels.map_err(|error| bad(&error))?;
        let fields = FieldSelector::parse(call.query.get("fieldSelector").unwrap_or_default());
        let fields = fields.map_err(|error| bad(&error))?;
        let mut deep = false;
        for field in fields.fields() {
            match field {
                "metadata.name" => {}
                "metadata.namespace" if call.served.namespaced => {}
                other if standin::is_selectable(&call.served, other) => deep = true,
                other => return Err(unknown_field(&call.served, other)),
            }
        }
        Ok(Self { labels, fields, deep })
    }

    /// Whether everything matches.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object matches.
    pub(crate) fn matches(&self, served: &Served, stored: &Stored) -> bool {
        let label = |key: &str| {
            let found = stored.labels.binary_search_by(|it| (*it.0).cmp(key));
            found.map_or(String::new(), |at| stored.labels[at].1.to_string())
        };
        if !self.labels.is_empty() && !self.labels.matches(label) {
            return false;
        }
        if self.fields.is_empty() {
            return true;
        }
        let tree = if self.deep { object::parse(&stored.value) } else { Value::Null };
        self.fields.matches(|field| match field {
            "metadata.name" => stored.key.name.to_string(),
            "metadata.namespace" => stored.key.namespace.to_string(),
            other => standin::field_value(served, &tree, other),
        })
    }
}

fn unknown_field(served: &Served, field: &str) -> ApiError {
    let known = if served.namespaced { "\"metadata.name\", \"metadata.namespace\"" } else { "\"metadata.name\"" };
    let message = if served.is_custom() {
        format!("field label not supported: {field}")
    } else {
        format!("{field:?} is not a known field selector: only {known}")
    };
    ApiError::bad_request(message)
}
