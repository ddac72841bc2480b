//! Templates, good and hostile, from folder to files.

mod hostile;

mod parameters;

use serde_json::{Map, Value, json};

use super::*;
use crate::Finding;

const TEMPLATE: &str = "\
apiVersion: fairway.dev/v1alpha1
kind: Template
metadata: { name: sample }
spec:
  version: v1.2.3
  parameters:
    - { name: port, type: integer, default: 8080, minimum: 1024, maximum: 65535 }
    - { name: docker, type: boolean }
    - { name: note, description: Something to remember }
  source: { builtin: sample }
";

/// A folder with the sample's `template.yaml` and these files.
fn folder(files: &[(&str, &str)]) -> Folder {
    let mut folder = Folder::default();
    folder.add(MANIFEST, TEMPLATE.as_bytes().to_vec(), false);
    for (path, text) in files {
        folder.add(path, text.as_bytes().to_vec(), false);
    }
    folder
}

fn facts() -> Facts {
    Facts {
        component: "my-api".to_owned(),
        description: "Answers\nquestions".to_owned(),
        project: "shop".to_owned(),
        team: "checkout".to_owned(),
        repository_url: "https://hub/git/shop/my-api.git".to_owned(),
    }
}

fn chosen(tree: Value) -> Map<String, Value> {
    tree.as_object().cloned().unwrap_or_default()
}

fn rendered(files: &[(&str, &str)], parameters: Value) -> Files {
    let (files, findings) = render(&folder(files), &chosen(parameters), &facts());
    assert_eq!(findings, []);
    files
}

/// What is found when these files are rendered with the defaults.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let (files, findings) = render(&folder(files), &Map::new(), &facts());
    assert!(files.is_empty() != findings.is_empty(), "files or findings");
    findings.iter().map(Finding::to_string).collect()
}

fn text(files: &Files, path: &str) -> String {
    String::from_utf8(files[path].bytes.clone()).unwrap()
}

#[test]
fn files_with_the_ending_are_rendered_and_all_others_taken_as_they_are() {
    let files = rendered(
        &[
            ("files/score.yaml.jinja", "name: {{ component.name }}\nport: {{ parameters.port }}\n"),
            ("files/.github/workflows/ci.yaml", "run: ${{ secrets.X }}\n"),
            ("files/src/{{ component.name | snake }}.rs", "fn main() {}\n"),
            ("files/{% if parameters.docker %}Dockerfile{% endif %}", "FROM scratch\n"),
            ("tests/none.yaml", ""),
            ("README.md", "about the template"),
        ],
        json!({ "port": "9000" }),
    );
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(paths, [".github/workflows/ci.yaml", "score.yaml", "src/my_api.rs"]);
    assert_eq!(text(&files, "score.yaml"), "name: my-api\nport: 9000\n");
    assert_eq!(text(&files, ".github/workflows/ci.yaml"), "run: ${{ secrets.X }}\n");
}

#[test]
fn the_language_inserts_chooses_and_repeats() {
    let source = "\
{# not seen #}
{% for it in [\"a\", \"b\"] %}
- {{ it }}{{ \",\" if not loop.last else \"\" }}
{% endfor %}
{% if parameters.docker and parameters.port == 8080 %}
docker
{% elif parameters.note in [\"x\", \"\"] %}
none
{% else %}
other
{% endif %}
{{ component.name | pascal }} {{ component.name | snake | upper }} {{ component.description | quote }}
{% raw %}{{ kept }}{% endraw %} {{ parameters.port }} {{ parameters.docker }}
";
    let files = rendered(&[("files/a.jinja", source)], json!({}));
    let wanted = "- a,\n- b\nnone\nMyApi MY_API \"Answers questions\"\n{{ kept }} 8080 false\n";
    assert_eq!(text(&files, "a"), wanted);
}

#[test]
fn the_same_input_gives_the_same_bytes_and_the_same_digest() {
    let files = [("files/a.jinja", "{{ parameters.note }}"), ("files/b", "b")];
    assert_eq!(rendered(&files, json!({ "note": "x" })), rendered(&files, json!({ "note": "x" })));
    let digest = folder(&files).digest();
    assert_eq!(digest, folder(&[files[1], files[0], ("README.md", "new"), ("tests/a.yaml", "{}")]).digest());
    assert_ne!(digest, folder(&[files[0], ("files/b", "c")]).digest());
    let mut executable = folder(&files[..1]);
    executable.add("files/b", b"b".to_vec(), true);
    assert_ne!(digest, executable.digest());
}

#[test]
fn the_mode_of_a_file_is_kept() {
    let mut folder = folder(&[]);
    folder.add("files/run.sh.jinja", b"#!/bin/sh\necho {{ component.name }}\n".to_vec(), true);
    let (files, findings) = render(&folder, &Map::new(), &facts());
    assert_eq!(findings, []);
    assert!(files["run.sh"].executable);
}

#[test]
fn a_manifest_is_held_to_the_schema_of_the_kind_and_every_mistake_is_named() {
    let bad = "\
apiVersion: fairway.dev/v2
kind: Widget
metadata: { name: A--b }
spec:
  version: '1.0'
  versoin: v1.0.0
  parameters:
    - { name: Port, type: number }
";
    let mut folder = Folder::default();
    folder.add(MANIFEST, bad.as_bytes().to_vec(), false);
    let (template, findings) = manifest(&folder);
    assert!(template.is_none());
    let all = findings.iter().map(|it| format!("{it}\n")).collect::<String>();
    for part in
        ["apiVersion", "kind", "metadata.name", "spec.version", "versoin", "parameters[0].name", "type", "source"]
    {
        assert!(all.contains(part), "{part} is not in:\n{all}");
    }
    for broken in ["", "- a", "a: [", "\0", "a: &a [*a]", &"x".repeat(1 << 19)] {
        let mut folder = Folder::default();
        folder.add(MANIFEST, broken.as_bytes().to_vec(), false);
        assert!(manifest(&folder).0.is_none() && !manifest(&folder).1.is_empty(), "{broken:.20}");
    }
    assert!(manifest(&Folder::default()).1[0].message.contains("is missing"));
}

#[test]
fn lint_names_file_and_line_of_what_is_not_known() {
    let folder = folder(&[
        ("files/a.md.jinja", "fine\n{{ parameters.prot }}\n{{ component.naem }}\n{{ env.HOME }}\n{{ component }}\n"),
        ("files/b.jinja", "{{ project.name | shout }}\n{% include \"/etc/passwd\" %}\n"),
        ("files/c.jinja", "{% if %}\n"),
        ("files/{{ nobody }}", ""),
    ]);
    let found: Vec<String> = lint(&folder).iter().map(Finding::to_string).collect();
    for part in [
        "files/a.md.jinja:2: parameters.prot is not known; there are parameters.docker, parameters.note, parameters.port",
        "files/a.md.jinja:3: component.naem is not known",
        "files/a.md.jinja:4: \"env\" is not known",
        "files/a.md.jinja:5: component is not known; there are component.name, component.description",
        "files/b.jinja:1: there is no filter \"shout\"",
        "files/b.jinja:2: \"include\" is not part of templates",
        "files/{{ nobody }}: in its path: \"nobody\" is not known",
        "template.yaml: spec.parameters: \"port\" is used nowhere; remove it",
    ] {
        assert!(found.iter().any(|it| it.contains(part)), "{part} is not in {found:#?}");
    }
}

#[test]
fn lint_renders_and_finds_what_a_chosen_text_could_break() {
    let used = "{{ parameters.port }}{{ parameters.docker }}";
    let careless = [("files/a.yaml.jinja", "note: x{{ parameters.note }}\n"), ("files/b.jinja", used)];
    let found = lint(&folder(&careless));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().contains("a.yaml: cannot be read when parameters.note has quotes"), "{found:?}");
    let careful = [("files/a.yaml.jinja", "note: {{ parameters.note | quote }}\n"), ("files/b.jinja", used)];
    assert_eq!(lint(&folder(&careful)), []);
    let broken = [("files/score.yaml.jinja", "name: {{ parameters.note | quote }}\n"), ("files/b.jinja", used)];
    assert!(lint(&folder(&broken)).iter().any(|it| it.to_string().contains("score.yaml: metadata.name: is missing")));
}

#[test]
fn tests_of_a_template_say_what_is_not_as_expected() {
    let test = "\
description: a port
parameters: { port: 9000 }
expect:
  files: [port.yaml, nowhere]
  absent: [always]
  contains: { port.yaml: ['9000', '8080'] }
  lacks: { port.yaml: ['9'] }
";
    let folder = folder(&[
        ("files/port.yaml.jinja", "port: {{ parameters.port }}\n"),
        ("files/always", ""),
        ("tests/a-port.yaml", test),
        ("tests/refused.yaml", "parameters: { port: 80 }\nexpect: { refused: [port] }\n"),
        ("tests/not-refused.yaml", "parameters: { port: 8080, colour: red }\nexpect: { refused: [port] }\n"),
        ("tests/typo.yaml", "paramters: {}\n"),
        ("tests/good.yaml", "expect: { contains: { port.yaml: ['port: 8080'] } }\n"),
    ]);
    let results = super::test(&folder);
    let said: Vec<(String, Vec<String>)> =
        results.into_iter().map(|it| (it.name, it.findings.iter().map(Finding::to_string).collect())).collect();
    let of = |name: &str| said.iter().find(|it| it.0 == name).unwrap().1.clone();
    assert_eq!(
        of("tests/a-port.yaml"),
        [
            "nowhere: is not there",
            "always: is there, and should not be",
            "port.yaml: lacks \"8080\"",
            "port.yaml: has \"9\""
        ]
    );
    assert!(of("tests/refused.yaml").is_empty() && of("tests/good.yaml").is_empty());
    assert_eq!(of("tests/not-refused.yaml").len(), 2);
    assert!(of("tests/typo.yaml")[0].contains("unknown field `paramters`"));
}

#[test]
fn the_templates_that_come_with_the_platform_are_good_and_pass_their_tests() {
    assert!(builtin_names().any(|it| it == "rust-service"));
    for name in builtin_names() {
        let folder = builtin(name).unwrap();
        let template = manifest(&folder).0.unwrap();
        assert_eq!(template.metadata.name.as_deref(), Some(name), "the folder is named as the template");
        assert_eq!(template.spec.source.builtin.as_deref(), Some(name));
        assert_eq!(lint(&folder), []);
        let results = super::test(&folder);
        assert!(results.len() >= 2, "{name} has tests");
        for it in results {
            assert_eq!(it.findings, [], "{name}: {}", it.name);
        }
    }
}
