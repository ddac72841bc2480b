use super::{Limits, Wanted, bytes, entry, file_count, file_size, link, path, reference, update};

#[test]
fn branches_and_tags_are_called_as_usual() {
    for name in [
        "refs/heads/main",
        "refs/heads/release/1.2",
        "refs/heads/feature/ABC-1_x",
        "refs/tags/v1.0.0+build.5",
        "refs/heads/größe",
        "refs/heads/a@b",
        "refs/heads/fix#12",
        "refs/heads/x=y",
    ] {
        assert_eq!(reference(name), Ok(()), "{name}");
    }
}

#[test]
fn names_that_could_be_taken_for_something_else_are_refused() {
    for name in [
        "refs/heads/--upload-pack=x",
        "refs/heads/--upload-pack=touch /tmp/x",
        "refs/heads/a/-x",
        "refs/heads/",
        "main",
        "HEAD",
        "",
        "refs/notes/commits",
        "refs/replace/x",
        "refs/heads/a..b",
        "refs/heads/.hidden",
        "refs/heads/a/.b",
        "refs/heads/a.",
        "refs/heads/a.lock",
        "refs/heads/a.LOCK/b",
        "refs/heads/a b",
        "refs/heads/a;b",
        "refs/heads/$(x)",
        "refs/heads/`x`",
        "refs/heads/a\nb",
        "refs/heads/a\0b",
        "refs/heads/a|b",
        "refs/heads/a&b",
        "refs/heads/a'b",
        "refs/heads/a\"b",
        "refs/heads/a<b",
        "refs/heads/a:b",
        "refs/heads/a?b",
        "refs/heads/a*b",
        "refs/heads/a[b",
        "refs/heads/a~1",
        "refs/heads/a^b",
        "refs/heads/a\\b",
        "refs/heads/a//b",
        "refs/heads/a/",
        "refs/heads/HEAD",
        "refs/heads/@",
        "refs/heads/\u{202e}x",
        "refs/heads/56b56867cef0935dbc934bd6003dd2600725eb32",
        "refs/heads/../../x",
        "refs/heads/@{0}",
        &format!("refs/heads/{}", "x".repeat(200)),
    ] {
        let refused = reference(name).expect_err(name).to_string();
        assert!(refused.contains("choose another name") && !refused.contains('\n'), "{refused}");
    }
}

#[test]
fn the_protected_branch_goes_forward_only() {
    let wanted = |reference, removed, rewritten| Wanted { reference, removed, rewritten };
    assert_eq!(update(&wanted("refs/heads/main", false, false), "main"), Ok(()));
    assert_eq!(update(&wanted("refs/heads/topic", true, false), "main"), Ok(()));
    assert_eq!(update(&wanted("refs/heads/topic", false, true), "main"), Ok(()));
    assert_eq!(update(&wanted("refs/tags/main", true, false), "main"), Ok(()));
    for (removed, rewritten, part) in [(true, false, "git revert"), (false, true, "pull --rebase")] {
        let refused = update(&wanted("refs/heads/main", removed, rewritten), "main").expect_err("main").to_string();
        assert!(refused.contains("protected") && refused.contains(part), "{refused}");
    }
}

#[test]
fn usual_paths_are_taken() {
    for name in [
        "README.md",
        "src/main.rs",
        ".github/workflows/ci.yaml",
        ".gitignore",
        ".gitattributes",
        ".gitmodules",
        "a/..b/c",
        "a/b..",
        "...",
        "größe/日本.txt",
        "with space.txt",
        "git",
        ".git2",
        "x.git",
        "git~2",
        "a:b",
    ] {
        assert_eq!(path(name), Ok(()), "{name}");
    }
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    let parts = [
        "..",
        ".",
        "",
        ".git",
        ".GIT",
        ".Git",
        ".gIt",
        "git~1",
        "GIT~1",
        ".git ",
        ".git.",
        ".git. .",
        ".git::$INDEX_ALLOCATION",
        ".g\u{200c}it",
        ".git\u{feff}",
        "\u{200d}.git",
        ".GI\u{206a}T",
        "a\nb",
        "a\tb",
        "a\u{7f}b",
        "a\u{1b}[31mb",
        "a\0b",
        "a\\b",
        "..\\..\\x",
        "\u{202e}cod.exe",
        &"x".repeat(256),
    ];
    for part in parts {
        for name in [part.to_owned(), format!("a/{part}"), format!("{part}/a"), format!("a/{part}/b")] {
            assert!(path(&name).is_err(), "{name:?}");
        }
    }
    for name in ["/etc/passwd", "a//b", "a/", &"a/".repeat(600), &format!("{}x", "a/".repeat(64))] {
        assert!(path(name).is_err(), "{name:.40}");
    }
}

#[test]
fn links_stay_in_the_repository_however_they_are_chained() {
    for (name, target) in [
        ("a", "b"),
        ("a/b", "../c"),
        ("a/b/c", "../../d/e"),
        ("a", "./b"),
        ("a/b", ".."),
        ("a", "."),
        ("a", "missing"),
        ("a", "b//c"),
    ] {
        assert_eq!(link(name, target.as_bytes()), Ok(()), "{name} -> {target}");
    }
    for (name, target) in [
        ("a", "/etc/passwd"),
        ("a", ".."),
        ("a", "../a"),
        ("a/b", "../../c"),
        ("a", "b/../.."),
        ("a", "b/../c"),
        ("a", ".git/config"),
        ("a/b", "../.GIT/hooks"),
        ("a", ""),
        ("a", "b\nc"),
        ("a", "b\0c"),
        ("a", "..\\x"),
        ("a", "./../x"),
        ("a/b", "./.././../x"),
        ("a", &"x".repeat(2000)),
    ] {
        let refused = link(name, target.as_bytes()).expect_err(target).to_string();
        assert!(refused.contains("link"), "{refused}");
    }
    assert!(link("a", b"\xff").is_err());
}

#[test]
fn submodules_odd_modes_and_odd_bytes_are_refused() {
    assert!(entry("100644", b"a").is_ok());
    for (mode, name, part) in [
        ("160000", &b"lib"[..], "submodule"),
        ("100600", b"a", "mode"),
        ("040000", b"a", "mode"),
        ("100644", b"\xff", "UTF-8"),
    ] {
        let refused = entry(mode, name).expect_err(mode).to_string();
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn sizes_and_counts_name_the_limit() {
    let limits = Limits { file_bytes: 1536, files: 3, ..Limits::default() };
    assert_eq!(file_size("a", 1536, &limits), Ok(()));
    assert!(file_size("a", 1537, &limits).expect_err("too large").to_string().contains("a file may have 1.5 KiB"));
    assert_eq!(file_count("refs/heads/x", 3, &limits), Ok(()));
    assert!(file_count("refs/heads/x", 4, &limits).expect_err("too many").to_string().contains("more than 3 files"));
    for (count, shown) in
        [(0, "0 bytes"), (1023, "1023 bytes"), (1 << 20, "1 MiB"), (100 << 20, "100 MiB"), (3 << 29, "1.5 GiB")]
    {
        assert_eq!(bytes(count), shown);
    }
}

#[test]
fn whatever_is_named_is_shown_on_one_line_and_cut() {
    let refused = path(&format!("a\n\u{1b}[2J{}", "x".repeat(900))).expect_err("bad").to_string();
    assert!(refused.len() < 400 && !refused.contains('\n') && !refused.contains('\u{1b}'), "{refused}");
}
