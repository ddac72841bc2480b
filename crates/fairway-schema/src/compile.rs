//! Schemas from documents and back: the OpenAPI v3 components of built-in kinds, the schema of a
//! CustomResourceDefinition (which must be *structural*), and an OpenAPI document from either.

mod checks;
mod document;
mod metadata;
mod node;
mod openapi;
mod patterns;
mod structural;

pub use document::to_openapi;
pub use metadata::object_meta;
pub use openapi::{CompileSchema, component, openapi};
pub use structural::structural;

#[cfg(test)]
mod tests;
