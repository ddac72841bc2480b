use super::*;

const WHOLE: &str = r#"
apiVersion: fairway.dev/v1alpha1
kind: Pipeline
steps:
  - name: test
    toolchain: rust@1.95
    run: cargo test --locked
  - name: build
    needs: [test]
    toolchain: rust@1.95
    run: |
      cargo build --release --locked
      install -D target/orders out/orders
    image: { program: out/orders }
    network: [index.crates.io:443]
    timeout: 1h
    workspace: 8Gi
    memory: 512Mi
    cpu: 1.5
    log: 1Mi
    environment: { LEVEL: 3, QUIET: true, NAME: orders }
    inputs: ["src/**", Cargo.toml]
refs:
  - { match: main, release: true, deliverTo: [staging] }
  - { match: "release/*", release: true }
"#;

/// The findings of a file, as an editor would list them.
fn findings(text: &str) -> Vec<String> {
    let (pipeline, findings) = parse(text);
    assert_eq!(pipeline.is_none(), !findings.is_empty());
    findings.iter().map(|it| it.in_file("p")).collect()
}

fn with_steps(steps: &str) -> String {
    format!("apiVersion: fairway.dev/v1alpha1\nkind: Pipeline\nsteps:\n{steps}")
}

#[test]
fn a_whole_file_is_read_with_every_field() {
    let (pipeline, findings) = parse(WHOLE);
    assert_eq!(findings, []);
    let pipeline = pipeline.unwrap();
    let build = pipeline.step("build").unwrap();
    assert_eq!(build.needs, ["test"]);
    assert_eq!(
        (build.timeout, build.workspace, build.memory, build.cpu, build.log),
        (3600, 8 * GIB, 512 * MIB, 1500, MIB)
    );
    assert_eq!(build.environment["LEVEL"], "3");
    assert_eq!(build.environment["QUIET"], "true");
    assert_eq!(build.network.as_deref(), Some(&["index.crates.io:443".to_owned()][..]));
    assert_eq!(build.inputs, ["src/**", "Cargo.toml"]);
    assert_eq!(pipeline.image_step().map(|it| it.name.as_str()), Some("build"));
    let test = pipeline.step("test").unwrap();
    assert_eq!(
        (test.timeout, test.workspace, test.memory, test.cpu, test.log),
        (1800, 4 * GIB, 2 * GIB, 2000, 50 * MIB)
    );
    assert_eq!(test.network, None, "what the platform allows");
    assert_eq!(pipeline.workspace(), 8 * GIB);
    assert_eq!(pipeline.refs[0].deliver_to, ["staging"]);
}

#[test]
fn every_mistake_is_said_at_once_with_its_line() {
    let text = "apiVersion: v2\nkind: Pipeline\nsteps:\n  - name: Test\n    run: x\n    timeout: soon\n    colour: red\n  - name: build\n    toolchain: rust@1.95\n    run: x\n    needs: [tset]\n    network: [crates.io]\n    image: { program: ../x }\n    inputs:\n      - src/**\n      - ../up\nrefs:\n  - { match: main, deliverTo: [Staging] }\nwhat: 1\n";
    assert_eq!(
        findings(text),
        [
            "p:1: apiVersion: is \"v2\"; \"fairway.dev/v1alpha1\" is understood",
            "p:4: steps[0].name: is no name of a step; use lower-case letters, digits and \"-\", at most 30",
            "p:4: steps[0].toolchain: is missing; write \"rust@1.95\"",
            "p:6: steps[0].timeout: must be a time such as \"90s\" or \"30m\", at most 6h",
            "p:7: steps[0].colour: is not known here; remove it or check its spelling",
            "p:8: steps[1].needs: \"tset\" is no step of this file; there are Test, build",
            "p:12: steps[1].network: \"crates.io\": it has no port, as in example.com:443; write \"host:port\"",
            "p:13: steps[1].image.program: must be a path below the workspace, such as \"out/app\"",
            "p:16: steps[1].inputs: \"../up\" is no path in the repository; write it like \"src/**\"",
            "p:18: refs[0].deliverTo: environment name \"Staging\" contains 'S': use lower-case letters, digits and \"-\"",
            "p:18: refs[0].deliverTo: delivers what is not released; write \"release: true\" beside it",
            "p:19: what: is not known here; remove it or check its spelling",
        ]
    );
}

#[test]
fn a_circle_of_steps_is_named() {
    let step = |name: &str, need: &str| format!("  - {{ name: {name}, toolchain: rust, run: x, needs: [{need}] }}\n");
    let text = with_steps(&(step("a", "b") + &step("b", "c") + &step("c", "a") + &step("d", "a")));
    assert_eq!(
        findings(&text),
        ["p:4: steps: steps wait for each other in a circle: a → b → c → a; remove one of these needs"]
    );
    let own = with_steps(&step("a", "a"));
    assert!(findings(&own)[0].contains("a → a"), "{:?}", findings(&own));
}

#[test]
fn two_steps_of_a_name_and_two_images_are_refused() {
    let text = with_steps(
        "  - { name: a, toolchain: rust, run: x, image: { program: a } }\n  - { name: a, toolchain: rust, run: x }\n  - { name: b, toolchain: rust, run: x, image: { program: b } }\n",
    );
    let found = findings(&text);
    assert!(found.iter().any(|it| it.contains("p:5: steps[1].name") && it.contains("another step")), "{found:?}");
    assert!(found.iter().any(|it| it.contains("p:6: steps[2].image") && it.contains("one image")), "{found:?}");
}

#[test]
fn what_is_no_pipeline_at_all_is_said_in_a_sentence() {
    let cases = [
        ("", "must be a map"),
        ("[]", "must be a map, and is a list"),
        ("steps: 3", "p:1: steps: must be a list, and is a number"),
        ("a: [", "is not valid YAML"),
        ("steps: []", "is missing or empty"),
        ("steps: [3]", "p:1: steps[0]: must be a map, and is a number"),
        ("steps: [{name: a, name: b}]", "is not valid YAML"),
        ("\u{0}", "is not valid YAML"),
    ];
    for (text, expected) in cases {
        let found = findings(text);
        assert!(found.iter().any(|it| it.contains(expected)), "{text:?}: {found:?}");
    }
    let long = "#".repeat(MAX_BYTES + 1);
    assert!(findings(&long)[0].contains("at most 65536"));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g]\n";
    assert!(!findings(bomb).is_empty());
}

#[test]
fn lists_have_budgets() {
    let step = |index: usize| format!("  - {{ name: s{index}, toolchain: rust, run: x }}\n");
    let many: String = (0..=MAX_STEPS).map(step).collect();
    assert_eq!(findings(&with_steps(&many)), ["p:3: steps: has 51 entries; at most 50 are allowed"]);
}

#[test]
fn amounts_and_times_are_read_as_people_write_them() {
    let seconds = [
        ("90", Some(90)),
        ("90s", Some(90)),
        ("30m", Some(1800)),
        ("2h", Some(7200)),
        ("1d", None),
        ("m", None),
        ("-1s", None),
        ("99999999999h", None),
    ];
    for (text, expected) in seconds {
        assert_eq!(units::seconds(text), expected, "{text}");
    }
    let bytes = [
        ("1", Some(1)),
        ("1Ki", Some(1024)),
        ("4Gi", Some(4 << 30)),
        ("1G", Some(1_000_000_000)),
        ("1.5Gi", None),
        ("", None),
    ];
    for (text, expected) in bytes {
        assert_eq!(units::bytes(text), expected, "{text}");
    }
    let cores = [
        ("2", Some(2000)),
        ("0.5", Some(500)),
        ("1.25", Some(1250)),
        ("500m", Some(500)),
        ("1.2345", None),
        (".5", None),
        ("two", None),
    ];
    for (text, expected) in cores {
        assert_eq!(units::millicores(text), expected, "{text}");
    }
}

#[test]
fn the_page_with_the_schema_is_current() {
    let page = include_str!("../../../../../docs/reference/pipeline.schema.json");
    let now = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    assert!(page == now, "cargo run -p fairway-plan --example pipeline_schema > docs/reference/pipeline.schema.json");
}

#[test]
fn the_schema_names_exactly_the_fields_that_are_read() {
    let schema = schema();
    let names = |node: &serde_json::Value| node["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let unknown =
        |text: &str, field: &str| findings(text).iter().any(|it| it.contains(&format!("{field}: is not known")));
    for field in names(&schema["$defs"]["Step"]) {
        assert!(!unknown(&with_steps(&format!("  - {{ {field}: }}\n")), &field), "{field}");
    }
    for field in names(&schema["$defs"]["RefRule"]) {
        assert!(!unknown(&format!("refs:\n  - {{ {field}: }}\n"), &field), "{field}");
    }
    for field in names(&schema) {
        assert!(!unknown(&format!("{field}:\n"), &field), "{field}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z\\[\\]{}:&*|> \n\"'-]{0,200}") {
        let _ = parse(&text);
    }
}

#[test]
fn an_image_is_a_program_or_a_folder_on_a_base() {
    let image = |image: &str| with_steps(&format!("  - {{ name: a, toolchain: python, run: x, image: {image} }}\n"));
    let whole = "{ base: python-3.11, folder: out, entrypoint: [python3, -m, app], environment: { PYTHONPATH: /app/packages } }";
    let (pipeline, findings_of_it) = parse(&image(whole));
    assert!(findings_of_it.is_empty(), "{findings_of_it:?}");
    let image_of_it = pipeline.and_then(|it| it.steps[0].image.clone()).unwrap();
    assert_eq!(image_of_it.base(), Some("python-3.11"));
    let ImageOf::Folder(folder) = image_of_it else { unreachable!("it names a folder") };
    assert_eq!((folder.folder.as_str(), folder.entrypoint.len()), ("out", 3));
    assert_eq!(folder.environment["PYTHONPATH"], "/app/packages");
    for (written, wanted) in [
        ("{}", "steps[0].image.program: is missing; write the path of the program"),
        ("{ base: python-3.11 }", "steps[0].image.folder: is missing; write the path of the folder"),
        ("{ base: python-3.11, folder: ../out, entrypoint: [x] }", "steps[0].image.folder: must be a path below"),
        ("{ base: python-3.11, folder: /out, entrypoint: [x] }", "steps[0].image.folder: must be a path below"),
        ("{ base: Python, folder: out, entrypoint: [x] }", "steps[0].image.base: is no name of a base image"),
        ("{ folder: out, entrypoint: [x] }", "steps[0].image.base: is missing"),
        ("{ base: python-3.11, folder: out }", "steps[0].image.entrypoint: must be the command"),
        ("{ base: python-3.11, folder: out, entrypoint: [''] }", "steps[0].image.entrypoint: must be the command"),
        ("{ base: python-3.11, folder: out, entrypoint: [x], program: y }", "steps[0].image.program: stands beside"),
        ("{ base: python-3.11, folder: out, entrypoint: [x], user: root }", "steps[0].image.user: is not known here"),
        ("{ base: python-3.11, folder: out, entrypoint: [x], environment: { 1X: y } }", "is not a variable name"),
    ] {
        let found = findings(&image(written));
        assert!(found.iter().any(|it| it.contains(wanted)), "{written}: {found:?}");
    }
}
