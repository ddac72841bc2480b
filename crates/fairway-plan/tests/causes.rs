//! The page of causes tells of every kind there is, and of no other.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fairway_plan::why::CauseKind;

#[test]
fn the_page_tells_of_every_kind_of_cause() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/causes.md");
    let page = std::fs::read_to_string(&path).expect("docs/reference/causes.md");
    let told: BTreeSet<String> = page.lines().filter_map(|it| it.strip_prefix("### ")).map(str::to_owned).collect();
    let kinds: BTreeSet<String> = CauseKind::ALL.iter().map(|it| format!("{it:?}")).collect();
    assert_eq!(told, kinds);
    for part in page.split("\n### ").skip(1) {
        let kind = part.lines().next().unwrap_or_default();
        for what in ["**Says so.**", "**Mend it.**"] {
            assert!(part.contains(what), "{kind} without {what}");
        }
    }
}
