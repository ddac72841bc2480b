//! Dependencies between our own crates point down: L3 → L2 → L1 → L0, and never sideways in L2. What must meet there
//! meets in the binary.

use std::collections::BTreeMap;

use super::{House, packages};

/// The one table of layers. A new crate gets its line here.
const LAYERS: &[(&str, u8)] = &[
    ("fairway-clock", 0),
    ("fairway-failpoints", 0),
    ("fairway-api", 0),
    ("fairway-schema", 0),
    ("fairway-plan", 0),
    ("fairway-store", 1),
    ("fairway-ledger", 1),
    ("fairway-oci", 1),
    ("fairway-outside", 1),
    ("fairway-git", 1),
    ("fairway-controller", 1),
    ("fairway-apiserver", 2),
    ("fairway-workloads", 2),
    ("fairway-node", 2),
    ("fairway-gateway", 2),
    ("fairway-agent", 2),
    ("fairway-controllers", 2),
    ("fairway-cli", 2),
    ("fairway", 3),
    ("fairway-testkit", 3),
    ("xtask", 3),
];

/// Crates that could be published alone: no noun of the product in them.
const GENERIC: &[&str] = &[
    "fairway-clock",
    "fairway-failpoints",
    "fairway-schema",
    "fairway-store",
    "fairway-outside",
    "fairway-controller",
    "fairway-apiserver",
    "fairway-workloads",
    "fairway-node",
    "fairway-gateway",
];

/// Crates that hold the product's nouns.
const PRODUCT: &[&str] = &["fairway-api", "fairway-plan"];

/// Who depends on whom, in code that ships (not in tests).
fn shipped(house: &House) -> Vec<(String, String)> {
    let mut edges = Vec::new();
    for package in packages(&house.metadata) {
        let from = package["name"].as_str().unwrap_or_default();
        for it in package["dependencies"].as_array().into_iter().flatten() {
            // A kind of null is a normal dependency; those with a path are ours.
            if it["kind"] != "dev" && it["path"].is_string() {
                edges.push((from.to_owned(), it["name"].as_str().unwrap_or_default().to_owned()));
            }
        }
    }
    edges
}

pub(super) fn dependencies_point_down(house: &House) -> Vec<String> {
    let members = packages(&house.metadata).iter().filter_map(|it| it["name"].as_str());
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let mut wrong: Vec<String> = members
        .filter(|it| !layers.contains_key(it))
        .map(|it| format!("{it}: has no layer; add it to the table in xtask/src/tidy/layers.rs"))
        .collect();
    wrong.extend(upward(&shipped(house), &layers));
    wrong
}

/// The dependencies that point up, or sideways in L2.
pub(super) fn upward(edges: &[(String, String)], layers: &BTreeMap<&str, u8>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, to) in edges {
        let (Some(upper), Some(lower)) = (layers.get(from.as_str()), layers.get(to.as_str())) else { continue };
        if lower > upper {
            wrong.push(format!("{from} (L{upper}) depends on {to} (L{lower}): dependencies point down"));
        } else if lower == upper && *upper == 2 {
            wrong.push(format!("{from} depends on {to}, both L2: they meet by a trait in the binary"));
        }
    }
    wrong
}

pub(super) fn generic_crates_know_no_product(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, to) in shipped(house) {
        if GENERIC.contains(&from.as_str()) && PRODUCT.contains(&to.as_str()) {
            wrong.push(format!("{from} depends on {to}: it could be published alone, so it knows no noun of ours"));
        }
    }
    wrong
}
