//! The pages for users say what is so: each kind's page names every field there is and no other, and each how-to page
//! shows exactly the lines that its story runs.

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

/// The lines of a story that its page shows.
fn told(story: &str) -> Vec<&str> {
    let hidden = |it: &&str| it.is_empty() || it.starts_with('#') || *it == "set -eu" || it.contains("# story only");
    story.lines().filter(|it| !hidden(it)).collect()
}

/// The lines in a page's blocks of shell.
fn shown(page: &str) -> Vec<&str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => lines.push(line),
            _ => {}
        }
    }
    lines
}

#[test]
fn how_to_pages_show_exactly_the_lines_of_their_stories() {
    for name in ["first-service", "roll-back", "come-back-after-a-crash"] {
        let story = read(&format!("tests/e2e/stories/{name}.sh"));
        let page = read(&format!("docs/how-to/{name}.md"));
        assert_eq!(shown(&page), told(&story), "docs/how-to/{name}.md and tests/e2e/stories/{name}.sh");
    }
}
