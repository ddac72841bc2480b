//! The schemas of the built-in kinds, compiled one by one when first needed: a server that never sees an Ingress
//! never pays for its schema.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use fairway_schema::{Link, Schema, compile};
use serde_json::Value;

/// `name<TAB>schema` per line, sorted by name.
static TABLE: &str = include_str!("../../data/builtin-schemas.tsv");

static TEXTS: LazyLock<BTreeMap<&'static str, &'static str>> =
    LazyLock::new(|| TABLE.lines().filter_map(|it| it.split_once('\t')).collect());

static LINKS: LazyLock<BTreeMap<&'static str, Link>> =
    LazyLock::new(|| TEXTS.iter().map(|(name, text)| (*name, Link::lazy(move || compiled(name, text)))).collect());

/// The compiled schema of that name: `io.k8s.api.core.v1.Pod`.
pub fn component(name: &str) -> Option<Link> {
    LINKS.get(name).cloned()
}

/// The schema of that name as OpenAPI v3 text, for documents about it.
pub fn component_text(name: &str) -> Option<&'static str> {
    TEXTS.get(name).copied()
}

/// The names of these schemas and of everything they refer to, sorted: what an OpenAPI document about them holds.
pub fn component_names<'a>(roots: impl IntoIterator<Item = &'a str>) -> Vec<&'static str> {
    let known = |name: &str| TEXTS.get_key_value(name).map(|(name, text)| (*name, *text));
    let mut open: Vec<(&'static str, &'static str)> = roots.into_iter().filter_map(known).collect();
    let mut found = BTreeSet::new();
    while let Some((name, text)) = open.pop() {
        if found.insert(name) {
            open.extend(references(text).filter_map(known));
        }
    }
    found.into_iter().collect()
}

const REFERENCE: &str = "#/components/schemas/";

fn references(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(REFERENCE).skip(1).filter_map(|it| it.split('"').next())
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("`xtask gen` writes valid JSON, and a test parses every line")
}

fn compiled(name: &str, text: &str) -> Schema {
    compile::component(name, &parse(text), &component).expect("a test compiles every line that `xtask gen` writes")
}
