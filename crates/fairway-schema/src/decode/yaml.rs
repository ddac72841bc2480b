//! YAML, which is only ever the format of a request: the tree that comes out is the same.

use serde::de::DeserializeSeed;
use serde_saphyr::Options;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use super::tree::{Budget, Node};
use super::{DecodeBody, Decoded, MAX_DEPTH, MAX_TEXT, MAX_VALUES};
use crate::model::Schema;

/// How many aliases (`*name`) a body may hold.
const MAX_ALIASES: usize = 1_000;

/// Reads one YAML document; see [`super::json`]. JSON is YAML, so it may be that too.
pub fn yaml(bytes: &[u8], schema: Option<&Schema>) -> Result<Decoded, DecodeBody> {
    let text = std::str::from_utf8(bytes).map_err(|_| DecodeBody::ReadText)?;
    let mut budget = Budget::new(schema.is_some());
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options(), |source| {
        Node::root(&mut budget, schema).deserialize(source)
    });
    match read {
        Ok(value) => Ok(Decoded { value, findings: budget.findings }),
        Err(_) if budget.broken.is_some() => Err(budget.into_error()),
        Err(error) => Err(explain(&error)),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_documents: 1,
            max_nodes: MAX_VALUES,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_recorded_anchor_bytes: MAX_TEXT,
            max_total_scalar_bytes: MAX_TEXT,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_VALUES },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        with_snippet: false,
    }
}

fn explain(error: &serde_saphyr::Error) -> DecodeBody {
    use serde_saphyr::Error;
    use serde_saphyr::budget::BudgetBreach;
    let (what, limit) = match error {
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => ("levels of nesting", MAX_DEPTH),
            BudgetBreach::Aliases { .. } => ("aliases", MAX_ALIASES),
            BudgetBreach::Anchors { .. } => ("anchors", MAX_ALIASES),
            BudgetBreach::AliasAnchorRatio { .. } => ("aliases of one anchor", 10),
            BudgetBreach::Documents { .. } => ("documents", 1),
            BudgetBreach::ScalarBytes { .. } | BudgetBreach::RecordedAnchorBytes { .. } => ("bytes of text", MAX_TEXT),
            _ => ("values", MAX_VALUES),
        },
        Error::AliasReplayLimitExceeded { .. } => ("values behind aliases", MAX_VALUES),
        Error::AliasReplayStackDepthExceeded { .. } => ("levels of aliases", 64),
        other => return explain_text(&other.render()),
    };
    DecodeBody::KeepBudget { what, limit }
}

/// Some limits reach us as text only, wrapped with the place of the alias or from the scanner below.
fn explain_text(text: &str) -> DecodeBody {
    let limits = [
        ("recursion limit", "levels of nesting", MAX_DEPTH),
        ("alias replay limit", "values behind aliases", MAX_VALUES),
        ("budget breached: ScalarBytes", "bytes of text", MAX_TEXT),
        ("budget breached: Depth", "levels of nesting", MAX_DEPTH),
        ("budget breached", "values", MAX_VALUES),
    ];
    match limits.iter().find(|it| text.contains(it.0)) {
        Some((_, what, limit)) => DecodeBody::KeepBudget { what, limit: *limit },
        None => DecodeBody::ReadYaml(text.to_owned()),
    }
}
