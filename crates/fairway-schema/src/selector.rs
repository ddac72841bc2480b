//! Label selectors and field selectors.

mod fields;
mod labels;

pub use fields::{FieldSelector, FieldTerm};
pub use labels::{LabelSelector, Operator, Requirement};

/// Text or an object that is not a selector, in the words of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSelector {
    #[error("unable to parse requirement: {0}")]
    ReadRequirement(String),
    #[error("invalid selector: '{selector}'; can't understand '{term}'")]
    ReadTerm {
        /// The whole text.
        selector: String,
        /// The part that has no operator.
        term: String,
    },
    #[error("{0}")]
    ReadObject(String),
    #[error("the selector breaks the limit of {limit} {what}")]
    KeepBudget {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
}

#[cfg(test)]
mod tests;
