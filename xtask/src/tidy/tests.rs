use std::collections::BTreeMap;

use super::{layers, modules, size, stories};

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
    assert_eq!(stories::pages_show_the_lines_of_their_stories(&house).expect("the pages"), Vec::<String>::new());
}

#[test]
fn a_page_that_shows_other_lines_than_its_story_runs_is_found() {
    let story = "#!/usr/bin/env bash\n# A tale.\n# The page is docs/how-to/tale.md: it shows every line.\nset -eu\n\n\
                 export PORT=0 # story only\nplatform up\n\nplatform down\n";
    let compare = |story: &str, page: Option<&str>| stories::compare("tale.sh", story, |_| page.map(str::to_owned));
    let page = "# Tale\n\n```sh\nplatform up\n```\n\nThen:\n\n```sh\nplatform down\n```\n\n```text\nit is down\n```\n";
    assert_eq!(compare(story, Some(page)), None);
    let found = compare(story, Some(&page.replace(" down", " up"))).expect("a finding");
    assert_eq!(found, "docs/how-to/tale.md: line 2 is `platform up`, the story tale.sh has `platform down`");
    let found = compare(story, Some("# Tale\n\n```sh\nplatform up\n```\n")).expect("a finding");
    assert!(found.contains("line 2 is nothing"), "{found}");
    assert!(compare(story, None).expect("a finding").contains("there is no page docs/how-to/tale.md"));

    let section = story.replace("docs/how-to/tale.md", "README.md#by-hand");
    let readme =
        format!("# Fairway\n\n```sh\ncargo run\n```\n\n## By hand\n{}\n## Later\n\n```sh\nls\n```\n", &page[6..]);
    assert_eq!(compare(&section, Some(&readme)), None);

    let unnamed = story.replace("The page is", "No page is");
    assert_eq!(compare(&unnamed, None), None, "a story needs no page");
    assert!(compare(&unnamed, Some(page)).expect("a finding").contains("it does not say"));
}
