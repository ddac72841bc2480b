//! The pages for users say what is so: each kind's page names every field there is and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use fairway_api::v1alpha1::definitions;
use serde_json::Value;

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).expect(path)
}

/// The paths of all fields below a node; conditions are standard and count as one.
fn fields(path: &str, node: &Value, found: &mut BTreeSet<String>) {
    if node["items"].is_object() && !path.ends_with(".conditions") {
        fields(&format!("{path}[]"), &node["items"], found);
    }
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        if path.ends_with(".conditions") {
            continue;
        }
        let at = format!("{path}.{name}");
        found.insert(at.clone());
        fields(&at, property, found);
    }
}

/// The fields that a page's tables describe: the code in the first cell.
fn described(page: &str) -> BTreeSet<String> {
    page.lines().filter_map(|it| it.strip_prefix("| `")?.split_once("` |")).map(|it| it.0.to_owned()).collect()
}

#[test]
fn the_page_of_every_kind_describes_every_field_and_no_other() {
    for definition in definitions() {
        let kind = definition.spec.names.kind.to_lowercase();
        let schema = serde_json::to_value(&definition.spec.versions[0].schema).unwrap();
        let mut there = BTreeSet::new();
        for part in ["spec", "status"] {
            fields(part, &schema["openAPIV3Schema"]["properties"][part], &mut there);
        }
        let described = described(&read(&format!("docs/spec/{kind}.md")));
        let missing: Vec<_> = there.difference(&described).collect();
        let surplus: Vec<_> = described.difference(&there).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "docs/spec/{kind}.md: missing {missing:?}, surplus {surplus:?}"
        );
    }
}
