use super::*;

#[test]
fn the_name_of_a_file_says_its_layer() {
    let of = |file| layer(file).map(|it| it.map_err(|it| it.message));
    assert_eq!(of("default.yaml"), Some(Ok("default")));
    assert_eq!(of("staging.yaml"), Some(Ok("staging")));
    assert_eq!(of("notes.txt"), None);
    assert_eq!(of("staging.yml"), Some(Err("is not read; call it staging.yaml".to_owned())));
    assert!(of("Nowhere.yaml").is_some_and(|it| it.is_err()));
}

#[test]
fn a_flat_map_becomes_texts_and_anything_else_a_finding() {
    let (settings, findings) = parse("default", "GREETING: hello\nPORT: 8080\nDEBUG: true\n");
    assert!(findings.is_empty());
    assert_eq!((settings["PORT"].as_str(), settings["DEBUG"].as_str()), ("8080", "true"));
    assert_eq!(parse("default", "").1, []);
    let said = |text: &str| parse("default", text).1.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert_eq!(said("LIST: [1]"), "LIST: must be a text; write it in quotes");
    assert!(said("A-B: x").starts_with("config.default.A-B: "));
    assert!(said("a: [").starts_with("is not valid YAML"));
    assert_eq!(said("- a"), "must be a map of names to texts");
    assert!(said(&"#".repeat(MAX_BYTES + 1)).contains("bytes"));
}
