//! Which objects of a collection a request is about: label and field selectors.

mod fields;

use std::borrow::Cow;

use fairway_schema::selector::{FieldSelector, LabelSelector};
use fairway_store::Stored;
use serde_json::Value;

use crate::registry::Served;
use crate::server::Call;
use crate::{ApiError, object};

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
        let labels = LabelSelector::parse(call.query.get("labelSelector").unwrap_or_default());
        let labels = labels.map_err(|error| ApiError::bad_request(error.to_string()))?;
        let fields = FieldSelector::parse(call.query.get("fieldSelector").unwrap_or_default());
        let mut fields = fields.map_err(|error| ApiError::bad_request(error.to_string()))?;
        let mut deep = false;
        for term in &mut fields.terms {
            // The newer form of events has other names for the same fields.
            if call.served.converted
                && let Some(rest) = term.path.strip_prefix("regarding.")
            {
                term.path = format!("involvedObject.{rest}");
            }
            match term.path.as_str() {
                "metadata.name" => {}
                "metadata.namespace" if call.served.namespaced => {}
                other if fields::is_selectable(&call.served, other) => deep = true,
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
    pub(crate) fn matches(&self, stored: &Stored) -> bool {
        if !self.labels.is_empty() && !self.labels.matches(&stored.labels) {
            return false;
        }
        if self.fields.is_empty() {
            return true;
        }
        let tree = if self.deep { object::parse(&stored.value) } else { Value::Null };
        self.fields.matches(|field| match field {
            "metadata.name" => Cow::Borrowed(&*stored.key.name),
            "metadata.namespace" => Cow::Borrowed(&*stored.key.namespace),
            other => fields::value(&tree, other),
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
