//! What is not taken, and what the client reads about it.

use std::fs;
use std::os::unix::fs::symlink;

use fairway_git::rules::Limits;

use crate::server::{Person, Served};
use crate::support::{git, orders};

/// A tree of raw lines, as no honest client makes it, on a commit that follows the first.
fn planted(person: &Person, lines: &[(&str, &[u8], &str)]) -> String {
    let mut tree = Vec::new();
    for (mode, name, object) in lines {
        tree.extend_from_slice(mode.as_bytes());
        tree.push(b' ');
        tree.extend_from_slice(name);
        tree.push(0);
        tree.extend((0..20).map(|it| u8::from_str_radix(&object[it * 2..it * 2 + 2], 16).expect("hex")));
    }
    let tree = git(&person.folder, &["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &tree);
    git(&person.folder, &["commit-tree", &tree, "-p", "main", "-m", "x"], b"")
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_links_and_submodules_that_are_refused_are_named_and_nothing_of_them_stays() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    let blob = |text: &str| git(&ada.folder, &["hash-object", "-w", "--stdin"], text.as_bytes());
    let (content, out, absolute) = (blob("x"), blob("../../etc/passwd"), blob("/etc/passwd"));
    let inner = git(&ada.folder, &["mktree"], format!("100644 blob {content}\tconfig\n").as_bytes());
    let linked = git(&ada.folder, &["mktree"], format!("120000 blob {out}\tl\n").as_bytes());
    let head = ada.ok(&["rev-parse", "HEAD"]).await;
    for (what, lines, part) in [
        ("dots", vec![("40000", &b".."[..], inner.as_str())], "\"..\""),
        ("git", vec![("40000", b".git", &inner)], ".git"),
        ("other case", vec![("40000", b".GiT", &inner)], ".GiT"),
        ("short name", vec![("40000", b"git~1", &inner)], "git~1"),
        ("unseen", vec![("40000", "\u{200c}.git".as_bytes(), &inner)], ".git"),
        ("control", vec![("100644", b"a\x1b[2Jb", &content)], "U+001B"),
        ("line end", vec![("100644", b"a\nb", &content)], "U+000A"),
        ("backslash", vec![("100644", b"..\\..\\x", &content)], "separates folders"),
        ("bytes", vec![("100644", b"\xff", &content)], "UTF-8"),
        ("submodule", vec![("160000", b"lib", &head)], "submodule"),
        ("link out", vec![("40000", b"sub", &linked)], "sub/l"),
        ("absolute link", vec![("120000", b"l", &absolute)], "/etc/passwd"),
        ("slash", vec![("100644", b"../x", &content)], "fullPathname"),
        ("twice", vec![("120000", b"l", &content), ("40000", b"l", &inner)], "duplicateEntries"),
    ] {
        let commit = planted(&ada, &lines);
        // Also where a later commit takes it away again: history is checked out too.
        let tree = git(&ada.folder, &["rev-parse", "main^{tree}"], b"");
        let hidden = git(&ada.folder, &["commit-tree", &tree, "-p", &commit, "-m", "hide"], b"");
        for commit in [commit, hidden] {
            let said = ada.fails(&["push", "origin", &format!("{commit}:refs/heads/main")]).await;
            assert!(said.contains(part) && said.contains("remote"), "{what}: {said}");
            assert!(!said.contains('\u{1b}'), "{what}: {said:?}");
            let refusals = served.refusals();
            assert!(refusals.len() == 1 && !refusals[0].contains('\u{1b}'), "{what}: {refusals:?}");
        }
        assert_eq!(served.main().await, served.first, "{what} was taken");
    }
    assert!(served.recorded().is_empty());
    let packs = served.place.git(&orders(), &["count-objects", "-v"]);
    assert!(packs.contains("packs: 1") && packs.contains("garbage: 0"), "{packs}");
    served.is_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_a_known_file_to_a_bad_place_is_seen_although_no_content_is_new() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    let known = ada.ok(&["rev-parse", "main:README.md"]).await;
    let commit = planted(&ada, &[("100644", b".gIt", &known)]);
    let said = ada.fails(&["push", "origin", &format!("{commit}:refs/heads/main")]).await;
    assert!(said.contains(".gIt"), "{said}");
    // A merge whose files are in neither parent.
    let tree = git(&ada.folder, &["rev-parse", &format!("{commit}^{{tree}}")], b"");
    let other = git(&ada.folder, &["commit-tree", "main^{tree}", "-p", "main", "-m", "other"], b"");
    let merge = git(&ada.folder, &["commit-tree", &tree, "-p", "main", "-p", &other, "-m", "merge"], b"");
    let said = ada.fails(&["push", "origin", &format!("{merge}:refs/heads/main")]).await;
    assert!(said.contains(".gIt"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_of_links_are_refused_where_one_of_them_could_lead_out() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    fs::create_dir_all(ada.folder.join("a/b/c")).expect("folders");
    symlink("../../..", ada.folder.join("a/b/c/top")).expect("a link");
    symlink("a/b/c/top/../outside", ada.folder.join("chain")).expect("a link");
    ada.ok(&["add", "--all"]).await;
    ada.ok(&["commit", "--quiet", "-m", "Links"]).await;
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("chain") && said.contains("goes up after it went down"), "{said}");
    fs::remove_file(ada.folder.join("chain")).expect("removed");
    symlink("a/b/c/top/README.md", ada.folder.join("chain")).expect("a link");
    ada.ok(&["add", "--all"]).await;
    ada.ok(&["commit", "--quiet", "--amend", "-m", "Links"]).await;
    ada.ok(&["push", "--quiet", "origin", "main"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refs_that_could_be_taken_for_options_are_refused_on_the_way_in_and_cannot_be_asked_for() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    for name in [
        "refs/heads/--upload-pack=x",
        "refs/heads/-x",
        "refs/tags/--exec=x",
        "refs/notes/x",
        "refs/heads/a;b",
        "refs/heads/$(id)",
    ] {
        let said = ada.fails(&["push", "origin", &format!("HEAD:{name}")]).await;
        assert!(said.contains(name) && said.contains("choose another name"), "{name}: {said}");
    }
    let many: Vec<String> = (0..101).map(|it| format!("HEAD:refs/heads/b{it}")).collect();
    let arguments: Vec<&str> = ["push", "origin"].into_iter().chain(many.iter().map(String::as_str)).collect();
    let said = ada.fails(&arguments).await;
    assert!(said.contains("100 are allowed"), "{said}");
    let fetched = ada.fails(&["fetch", "origin", "refs/heads/--upload-pack=x"]).await;
    assert!(fetched.contains("couldn't find remote ref"), "{fetched}");
    assert!(served.recorded().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_over_the_limits_says_which_limit() {
    let limits = Limits {
        push_bytes: 300_000,
        repository_bytes: 400_000,
        file_bytes: 200_000,
        files: 50,
        references: 3,
        ..Limits::default()
    };
    let served = Served::with(limits).await;
    let ada = served.clone_as("ada").await;
    let noise = |count: usize, seed: u64| -> Vec<u8> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33).to_le_bytes()[0]
            })
            .collect()
    };
    ada.commit("packs-to-little", &vec![b'x'; 200_001]).await;
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("packs-to-little") && said.contains("195.3 KiB"), "{said}");
    ada.ok(&["reset", "--quiet", "--hard", "origin/main"]).await;
    for part in 0..3 {
        ada.commit(&format!("noise-{part}"), &noise(120_000, part)).await;
    }
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("larger than 292.9 KiB"), "{said}");
    // In two steps the push is small enough, and the repository is too large.
    ada.ok(&["push", "--quiet", "origin", "main~1:refs/heads/main"]).await;
    ada.commit("noise-4", &noise(100_000, 4)).await;
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("repository") && said.contains("390.6 KiB are allowed"), "{said}");
    ada.ok(&["reset", "--quiet", "--hard", "origin/main"]).await;
    ada.ok(&["push", "--quiet", "origin", "main:one", "main:two"]).await;
    let said = ada.fails(&["push", "origin", "main:three"]).await;
    assert!(said.contains("3 are allowed"), "{said}");
    for number in 0..50 {
        fs::write(ada.folder.join(format!("file-{number}")), "x").expect("a file");
    }
    ada.commit("last", b"x").await;
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("more than 50 files"), "{said}");
    served.is_sound();
}
