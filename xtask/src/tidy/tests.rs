use std::collections::BTreeMap;

use super::{layers, modules, size};

#[test]
fn a_file_over_the_limit_is_found_and_an_exception_only_shrinks() {
    let check = |lines: usize, allowed: &str| size::check([("a.rs", lines, false)].into_iter(), allowed);
    assert!(check(600, "").is_empty());
    assert!(check(601, "")[0].starts_with("a.rs: 601 lines"));
    assert!(check(700, "# why\na.rs 700\n").is_empty());
    assert!(check(701, "a.rs 700")[0].contains("may only shrink"));
    assert!(check(690, "a.rs 700")[0].contains("write 690"));
    assert!(check(500, "a.rs 700")[0].contains("remove its line"));
    assert!(check(1, "b.rs 700")[0].contains("does not exist"));
    assert!(check(1, "a.rs many")[0].contains("is not `path lines`"));
    assert!(size::check([("tests.rs", 1_000, true)].into_iter(), "").is_empty());
}

#[test]
fn files_that_no_module_line_leads_to_are_found() {
    let files = BTreeMap::from([
        (
            "c/src/lib.rs",
            "//! x\nmod a;\npub(crate) mod b;\n#[cfg(test)]\n#[path = \"odd/name.rs\"]\nmod c;\n// mod gone;",
        ),
        ("c/src/a.rs", "mod deep;"),
        ("c/src/a/deep.rs", ""),
        ("c/src/b/mod.rs", ""),
        ("c/src/odd/name.rs", ""),
        ("c/src/gone.rs", ""),
        ("c/src/deep.rs", ""),
    ]);
    assert_eq!(
        modules::unreached(&files, &["c/src/lib.rs".to_owned()]),
        [
            "c/src/b/mod.rs: write foo.rs beside foo/, not foo/mod.rs",
            "c/src/deep.rs: no `mod` line leads here, so it is never compiled",
            "c/src/gone.rs: no `mod` line leads here, so it is never compiled",
        ]
    );
}

#[test]
fn dependencies_up_and_sideways_are_found() {
    let layers = BTreeMap::from([("low", 0), ("left", 2), ("right", 2), ("top", 3)]);
    let edge = |from: &str, to: &str| vec![(from.to_owned(), to.to_owned())];
    assert!(layers::upward(&edge("left", "low"), &layers).is_empty());
    assert!(layers::upward(&edge("top", "left"), &layers).is_empty());
    assert!(layers::upward(&edge("low", "left"), &layers)[0].contains("point down"));
    assert!(layers::upward(&edge("left", "right"), &layers)[0].contains("both L2"));
}

#[test]
fn the_workspace_keeps_the_rules_about_its_own_files() {
    let house = super::survey().expect("the workspace");
    assert!(house.files.iter().any(|it| it.path == "xtask/src/main.rs"));
    for rule in [modules::every_file_is_a_module, layers::dependencies_point_down] {
        assert_eq!(rule(&house), Vec::<String>::new());
    }
}
