use std::fs;

use fairway_api::v1alpha1::TemplateSpec;

use super::*;

fn which(path: &str) -> Which {
    Which { template: Some(path.into()) }
}

#[test]
fn settings_are_a_name_and_a_value() {
    let setting = |name: &str, value: &str| Setting { name: name.to_owned(), value: value.to_owned() };
    assert_eq!(parse_setting("port=9000"), Ok(setting("port", "9000")));
    assert_eq!(parse_setting("note=a=b"), Ok(setting("note", "a=b")));
    assert_eq!(parse_setting("note="), Ok(setting("note", "")));
    for bad in ["port", "=9000", "", " =x", "🚢"] {
        assert!(parse_setting(bad).unwrap_err().contains("port=9000"), "{bad:?}");
    }
}

#[test]
fn every_wrong_choice_is_told_at_once_and_only_what_was_chosen_is_kept() {
    let parameters: Vec<TemplateParameter> = serde_json::from_value(serde_json::json!([
        { "name": "port", "type": "integer", "default": 8080 },
        { "name": "docker", "type": "boolean", "default": true },
    ]))
    .unwrap();
    let settings = |words: &[&str]| words.iter().map(|it| parse_setting(it).unwrap()).collect::<Vec<_>>();
    let kept = chosen("x", &parameters, &settings(&["port=9000"])).unwrap();
    assert_eq!(serde_json::Value::Object(kept), serde_json::json!({ "port": 9000 }));
    let words = ["port=many", "prot=1", "docker=true", "docker=false"];
    let failure = chosen("x", &parameters, &settings(&words)).unwrap_err();
    assert_eq!((failure.exit, failure.details.len()), (Exit::Usage, 3));
    assert_eq!(failure.hint.as_deref(), Some("platform template show x"));
}

#[test]
fn those_that_come_with_the_platform_are_in_order() {
    for name in template::builtin_names() {
        let linted = lint(&which(name)).unwrap();
        assert_eq!((linted.table(), linted.exit()), (format!("{name} is in order\n"), Exit::Done));
        let tested = test(&which(name)).unwrap();
        assert_eq!(tested.exit(), Exit::Done, "{}", tested.table());
    }
}

#[test]
fn mistakes_in_a_folder_have_file_and_line_and_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let here = path.display().to_string();
    assert_eq!(lint(&which(&here)).unwrap_err().exit, Exit::Usage);
    assert_eq!(lint(&which("no-such-template")).unwrap_err().exit, Exit::NotFound);
    let manifest = "apiVersion: fairway.dev/v1alpha1\nkind: Template\nmetadata: { name: sample }\n\
                    spec: { version: v1.0.0, source: { builtin: sample } }\n";
    fs::write(path.join("template.yaml"), manifest).unwrap();
    fs::create_dir(path.join("files")).unwrap();
    fs::write(path.join("files/a.jinja"), "\n{{ env }}\n").unwrap();
    let linted = lint(&which(&here)).unwrap();
    assert_eq!(linted.exit(), Exit::Failed);
    assert!(linted.findings[0].starts_with("files/a.jinja:2: \"env\" is not known"), "{:?}", linted.findings);
    assert_eq!(test(&which(&here)).unwrap().exit(), Exit::Failed, "no tests are no proof");
    fs::write(path.join("files/a.jinja"), "{{ component.name }}\n").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", path.join("files/passwd")).unwrap();
        assert!(lint(&which(&here)).unwrap().findings[0].contains("files/passwd: is a link"));
        fs::remove_file(path.join("files/passwd")).unwrap();
    }
    assert_eq!(lint(&which(&here)).unwrap().findings, [""; 0]);
}

#[test]
fn rendering_writes_into_an_empty_folder_only() {
    let place = tempfile::tempdir().unwrap();
    let into = place.path().join("orders");
    let wanted = Render {
        template: Some("rust-service".into()),
        name: "orders".to_owned(),
        settings: vec![parse_setting("port=9000").unwrap()],
        into: Some(into.clone()),
        ..Render::default()
    };
    let made = render(&wanted, Some("shop")).unwrap();
    assert!(made.files.contains(&"score.yaml".to_owned()) && made.table().contains("files are in"));
    assert!(fs::read_to_string(into.join("score.yaml")).unwrap().contains("targetPort: 9000"));
    assert_eq!(render(&wanted, Some("shop")).unwrap_err().exit, Exit::Usage, "the folder is not empty now");
    for (name, project, setting) in
        [("../x", "shop", "port=9000"), ("orders", "../x", "port=9000"), ("orders", "shop", "port=1")]
    {
        let settings = vec![parse_setting(setting).unwrap()];
        let bad = Render { name: name.to_owned(), settings, into: Some(place.path().join("bad")), ..wanted.clone() };
        assert_eq!(render(&bad, Some(project)).unwrap_err().exit, Exit::Usage);
        assert!(!place.path().join("bad").exists(), "nothing is made before all is checked");
    }
}

#[test]
fn a_template_is_shown_with_what_can_be_chosen() {
    let spec: TemplateSpec = serde_json::from_value(serde_json::json!({
        "version": "v1.0.0", "description": "A thing", "source": { "builtin": "x" },
        "parameters": [
            { "name": "port", "type": "integer", "default": 8080, "minimum": 1, "maximum": 9 },
            { "name": "size", "type": "enum", "values": ["small", "large"], "description": "How\u{1b}[31m large" },
            { "name": "owner", "required": true },
        ],
    }))
    .unwrap();
    let template = row(&Template::new("x", spec.clone()));
    let shown = Shown { template, summary: "fine".to_owned(), findings: Vec::new(), parameters: spec.parameters };
    let text = shown.table();
    for part in ["x v1.0.0: A thing\nfine\n", "1 to 9", "small|large", "(required)", "8080"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\u{1b}'));
}
