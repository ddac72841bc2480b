//! The way of a written object: decoded, checked against its path, prepared, defaulted, admitted, owned, validated,
//! committed. Handlers say in which order; the steps are here.

mod commit;
mod prepare;
mod read;
mod replace;

pub(crate) use commit::{Origin, commit_delete, commit_put, refused};
pub(crate) use prepare::{now_text, prepare_create};
pub(crate) use read::{Given, check_identity, decode, decode_options, decode_tree};
pub(crate) use replace::{Part, Replaced, Replacement, modified, replace};
