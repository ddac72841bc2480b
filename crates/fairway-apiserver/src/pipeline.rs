//! The way of a written object: decoded, checked against its path, defaulted, owned, prepared, admitted, validated,
//! committed. Handlers say in which order; the steps are here.

mod commit;
mod ownership;
mod prepare;
mod read;
mod replace;
mod rules;

pub(crate) use commit::{Kept, Origin, commit_delete, commit_put, commit_puts, refused};
pub(crate) use ownership::{apply, record};
pub(crate) use prepare::{check, complete, now_text, prepare_create};
pub(crate) use read::{Given, check_identity, decode, decode_options, decode_tree, read_tree};
pub(crate) use replace::{Part, Replaced, Replacement, add_causes, is_let_go, modified, replace};
pub(crate) use rules::{is_made_by_update, needs_revision};
