//! Templates and parameters that want out, or want everything.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::{chosen, facts, folder, found};
use crate::template::{Folder, MANIFEST, lint, manifest, render, resolve};

#[test]
fn no_path_leads_out_of_the_repository_or_into_git() {
    let long = "x".repeat(101);
    let deep = "a/".repeat(200) + "b";
    for path in [
        "../x",
        "a/../../x",
        "..",
        ".",
        "a/./b",
        "/etc/passwd",
        "//x",
        ".git/config",
        ".GIT/hooks/pre-push",
        "a/.git/x",
        ".git",
        ".git./x",
        ".git /x",
        "git~1/x",
        "GIT~1",
        ".g\u{200C}it/x",
        ".git::$INDEX_ALLOCATION/x",
        "a\\b",
        "..\\x",
        "a:b",
        "a\0b",
        "a\nb",
        "x.",
        "x ",
        " x",
        "\u{202E}x",
        &long,
        &deep,
    ] {
        let said = found(&[(&format!("files/{path}"), "")]);
        assert_eq!(said.len(), 1, "{path:?} gives {said:?}");
    }
}

#[test]
fn a_parameter_in_a_path_cannot_choose_the_folder() {
    let folder = folder(&[("files/src/{{ parameters.note }}.rs", "")]);
    for hostile in ["../../x", "a/b", "..", "/etc/x", ".git/x", "a\\b"] {
        let (files, findings) = render(&folder, &chosen(json!({ "note": hostile })), &facts());
        let fine = files.keys().all(|it| it == "src/...rs");
        assert!(!findings.is_empty() || fine, "{hostile:?} gives {:?}", files.keys());
        assert!(files.keys().all(|it| !it.contains("/x") && it.starts_with("src/")), "{hostile:?}");
    }
}

#[test]
fn two_files_at_one_place_are_refused_also_in_another_case() {
    for files in [
        [("files/a.jinja", ""), ("files/a", "")],
        [("files/README.md", ""), ("files/readme.md", "")],
        [("files/a", ""), ("files/a/b", "")],
        [("files/A", ""), ("files/a/b", "")],
        [("files/{{ component.name }}", ""), ("files/my-api/x", "")],
    ] {
        let said = found(&files);
        assert!(said.len() == 1 && said[0].contains("takes"), "{said:?}");
    }
}

#[test]
fn nothing_that_grows_loops_or_reaches_out_is_part_of_the_language() {
    let nested = format!("{}x{}", "{% if true %}".repeat(60), "{% endif %}".repeat(60));
    let brackets = format!("{{{{ {}1{} }}}}", "(".repeat(60), ")".repeat(60));
    let chain = format!("{{{{ true {} }}}}", "and true ".repeat(5000));
    let elifs = format!("{{% if true %}}{}{{% endif %}}", "{% elif true %}".repeat(5000));
    for source in [
        "{% set a = 'x' %}",
        "{% set a %}{% endset %}",
        "{% with a = 'x' %}{% endwith %}",
        "{% macro a() %}{% endmacro %}",
        "{% filter upper %}x{% endfilter %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% call x() %}{% endcall %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% do x() %}",
        "{{ 'x' * 1000000000 }}",
        "{{ component.name ~ component.name }}",
        "{{ 'a' + 'b' }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ range(1000000000) }}",
        "{{ dict(a=1) }}",
        "{{ debug() }}",
        "{{ namespace() }}",
        "{{ lipsum() }}",
        "{{ env }}",
        "{{ env.HOME }}",
        "{{ self }}",
        "{{ now() }}",
        "{{ [1][0](2) }}",
        "{{ (loop)(1) }}",
        "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
        "{{ 'x' | indent(1000000000) }}",
        "{{ {'a': 1} }}",
        "{{ component.name[0:1] }}",
        "{{ component['name']('x') }}",
        "{{ 'x' is defined }}",
        "{{",
        "{% if",
        "{{ 'x }}",
        "{{ }}",
        "{% %}",
        "{% if true %}",
        "{% endfor %}",
        "{{ 1 2 }}",
        &nested,
        &brackets,
        &chain,
        &elifs,
    ] {
        let said = found(&[("files/a.jinja", source)]);
        assert!(said[0].starts_with("files/a.jinja"), "{source:.60} gives {said:?}");
    }
}

#[test]
fn endless_work_and_endless_output_end_at_their_budgets() {
    let digits = format!("[{}]", vec!["1"; 60].join(", "));
    let open = |depth: usize| format!("{{% for a in {digits} %}}").repeat(depth);
    let close = |depth: usize| "{% endfor %}".repeat(depth);
    let work = format!("{}{}", open(6), close(6));
    assert!(found(&[("files/a.jinja", &work)])[0].contains("steps to render"));
    let text = "x".repeat(100_000);
    let output = format!("{}{text}{}", open(2), close(2));
    assert!(found(&[("files/a.jinja", &output)])[0].contains("becomes more than"));
    // Many files that are allowed one by one.
    let large = format!("{}{}{}", open(1), "x".repeat(17_000), close(1));
    let mut folder = folder(&[]);
    for index in 0..30 {
        folder.add(&format!("files/{index}.jinja"), large.clone().into_bytes(), false);
    }
    let (files, findings) = render(&folder, &Map::new(), &facts());
    assert!(files.is_empty() && findings[0].message.contains("bytes are rendered"), "{findings:?}");
}

#[test]
fn a_folder_that_is_too_large_or_holds_links_is_no_template() {
    let mut large = folder(&[("files/a", "")]);
    large.add("files/large", vec![0; (1 << 20) + 1], false);
    let mut many = folder(&[]);
    (0..2000).for_each(|it| many.add(&format!("files/{it}"), Vec::new(), false));
    let mut heavy = folder(&[]);
    (0..20).for_each(|it| heavy.add(&format!("files/{it}"), vec![0; 1 << 20], false));
    let mut linked = folder(&[("files/a", "")]);
    linked.refuse("files/passwd", "a link");
    for (folder, part) in [(large, "bytes"), (many, "files"), (heavy, "bytes in all"), (linked, "is a link")] {
        let (files, findings) = render(&folder, &Map::new(), &facts());
        assert!(files.is_empty() && findings.len() == 1 && findings[0].message.contains(part), "{findings:?}");
        assert!(!lint(&folder).is_empty());
    }
}

#[test]
fn what_is_not_text_is_not_rendered() {
    let mut folder = folder(&[]);
    folder.add("files/a.jinja", vec![0xFF, 0xFE], false);
    assert!(render(&folder, &Map::new(), &facts()).1[0].message.contains("is not text"));
    let mut folder = super::folder(&[]);
    folder.add("files/a.png", vec![0xFF, 0xFE], false);
    assert_eq!(render(&folder, &Map::new(), &facts()).0["a.png"].bytes, [0xFF, 0xFE]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_engine_panic(text in "[ -~\\n]{0,200}") {
        let _ = render(&folder(&[("files/a.jinja", &text)]), &Map::new(), &facts());
    }

    #[test]
    fn no_tag_makes_the_engine_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("{{"), Just("}}"), Just("{%"), Just("%}"), Just("if"), Just("for"), Just("in"), Just("endif"),
                Just("endfor"), Just("else"), Just("elif"), Just("("), Just(")"), Just("["), Just("]"), Just("-"),
                Just("component.name"), Just("parameters.port"), Just("|"), Just("quote"), Just("not"), Just("'x'"),
                Just("=="), Just("1"), Just("99999999999999999999999999"), Just("raw"), Just("loop"), Just("."), Just(","),
            ],
            0..40,
        )
    ) {
        let _ = render(&folder(&[("files/a.jinja", &words.join(" "))]), &Map::new(), &facts());
        let _ = render(&folder(&[(&format!("files/{}", words.concat()), "")]), &Map::new(), &facts());
    }

    #[test]
    fn no_manifest_and_no_choice_makes_it_panic(text in "\\PC{0,300}", name in "\\PC{0,20}") {
        let mut folder = Folder::default();
        folder.add(MANIFEST, text.clone().into_bytes(), false);
        let _ = manifest(&folder);
        let _ = resolve(&[], &chosen(json!({ name: text })));
    }
}
