//! Sets of fields, and their algebra.

use std::collections::BTreeMap;

use super::path::{Path, PathElement};

/// A set of fields of one object, as a tree. A field may be in the set without what is below it, and the other way
/// round: owning `spec.replicas` is not owning `spec`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    nodes: BTreeMap<PathElement, Node>,
}

/// One step of the tree. A node that is not in the set itself always has something below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// Whether the field itself is in the set.
    pub(super) owned: bool,
    /// What of its inside is.
    pub(super) below: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.owned && self.below.is_empty()
    }
}

impl FieldSet {
    /// The set without fields.
    pub const fn new() -> Self {
        Self { nodes: BTreeMap::new() }
    }

    /// The set of these paths.
    pub fn of(paths: impl IntoIterator<Item = Path>) -> Self {
        let mut set = Self::new();
        for path in paths {
            set.insert(&path.0);
        }
        set
    }

    /// Whether no field is in the set.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds one field. The empty path names no field and adds nothing.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.nodes.entry(first.clone()).or_default();
        if rest.is_empty() {
            node.owned = true;
        } else {
            node.below.insert(rest);
        }
    }

    /// Puts a node in its place; an empty one changes nothing.
    pub(super) fn put(&mut self, step: PathElement, node: Node) {
        if node.is_empty() {
            return;
        }
        let place = self.nodes.entry(step).or_default();
        place.owned |= node.owned;
        place.below = if place.below.is_empty() { node.below } else { place.below.union(&node.below) };
    }

    /// Whether this field itself is in the set.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        self.nodes.get(first).is_some_and(|node| if rest.is_empty() { node.owned } else { node.below.contains(rest) })
    }

    /// Whether the field one step away is in the set.
    pub(super) fn has(&self, step: &PathElement) -> bool {
        self.nodes.get(step).is_some_and(|node| node.owned)
    }

    /// What of the inside of the field one step away is in the set.
    pub(super) fn below(&self, step: &PathElement) -> Option<&FieldSet> {
        self.nodes.get(step).map(|node| &node.below).filter(|it| !it.is_empty())
    }

    /// The steps of this level with their nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&PathElement, &Node)> {
        self.nodes.iter()
    }

    /// The fields that are in one of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut whole = self.clone();
        for (step, node) in &other.nodes {
            whole.put(step.clone(), node.clone());
        }
        whole
    }

    /// The fields that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filtered(other, |mine, theirs| Node {
            owned: mine.owned && theirs.owned,
            below: mine.below.intersection(&theirs.below),
        })
        .kept(|step| other.nodes.contains_key(step))
    }

    /// The fields that are in this one and not in the other. What lies below a field stays.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filtered(other, |mine, theirs| Node {
            owned: mine.owned && !theirs.owned,
            below: mine.below.difference(&theirs.below),
        })
    }

    /// The fields that are neither in the other nor below one that is.
    #[must_use]
    pub fn outside(&self, other: &Self) -> Self {
        self.filtered(other, |mine, theirs| {
            if theirs.owned {
                Node::default()
            } else {
                Node { owned: mine.owned, below: mine.below.outside(&theirs.below) }
            }
        })
    }

    /// Every field, those of one level before what is below them.
    pub fn paths(&self) -> Vec<Path> {
        let (mut found, mut way) = (Vec::new(), Vec::new());
        self.collect(&mut way, &mut found);
        found
    }

    /// The set in which the nodes that both have are what `combine` makes of them.
    fn filtered(&self, other: &Self, combine: impl Fn(&Node, &Node) -> Node) -> Self {
        let nodes = self.nodes.iter().map(|(step, mine)| {
            let node = other.nodes.get(step).map_or_else(|| mine.clone(), |theirs| combine(mine, theirs));
            (step.clone(), node)
        });
        Self { nodes: nodes.filter(|(_, node)| !node.is_empty()).collect() }
    }

    fn kept(mut self, keep: impl Fn(&PathElement) -> bool) -> Self {
        self.nodes.retain(|step, _| keep(step));
        self
    }

    fn collect(&self, way: &mut Vec<PathElement>, found: &mut Vec<Path>) {
        for (step, _) in self.nodes.iter().filter(|(_, node)| node.owned) {
            way.push(step.clone());
            found.push(Path(way.clone()));
            way.pop();
        }
        for (step, node) in &self.nodes {
            way.push(step.clone());
            node.below.collect(way, found);
            way.pop();
        }
    }
}
