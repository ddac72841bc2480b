//! Parameters: which values are taken, and which declarations.

use fairway_api::v1alpha1::{ParameterType, TemplateParameter};
use serde_json::{Value, json};

use super::chosen;
use crate::template::{check, resolve};

fn declared(tree: Value) -> Vec<TemplateParameter> {
    serde_json::from_value(tree).unwrap()
}

#[test]
fn every_mistake_in_what_is_chosen_is_one_finding() {
    let parameters = declared(json!([
        { "name": "port", "type": "integer", "minimum": 1024, "maximum": 65535, "default": 8080 },
        { "name": "docker", "type": "boolean" },
        { "name": "size", "type": "enum", "values": ["small", "large"] },
        { "name": "owner", "pattern": "@[a-z]+", "required": true, "description": "Who reviews" },
        { "name": "note", "maximum": 5 },
    ]));
    let good = json!({ "port": "9000", "docker": "true", "owner": "@ada", "note": "Grüße" });
    let (values, findings) = resolve(&parameters, &chosen(good));
    assert_eq!(findings, []);
    let wanted = json!({ "port": 9000, "docker": true, "size": "small", "owner": "@ada", "note": "Grüße" });
    assert_eq!(Value::Object(values), wanted);
    let bad = json!({ "port": "80", "docker": "yes", "size": "Small", "note": "too long", "colour": "red" });
    let (values, findings) = resolve(&parameters, &chosen(bad));
    assert!(values.is_empty());
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "parameters.colour: is not known; there are port, docker, size, owner, note",
            "parameters.port: must be at least 1024, and is 80",
            "parameters.docker: must be true or false, and is \"yes\"",
            "parameters.size: must be one of small, large, and is \"Small\"",
            "parameters.owner: is required (Who reviews)",
            "parameters.note: must be at most 5 characters, and is 8",
        ]
    );
}

#[test]
fn text_is_one_line_of_what_people_see() {
    let parameters = declared(json!([{ "name": "note" }]));
    for bad in ["a\nb", "a\0", "\u{202E}txt.exe", "zero\u{200B}width", "\u{1B}[31m", &"x".repeat(1001)] {
        assert_eq!(resolve(&parameters, &chosen(json!({ "note": bad }))).1.len(), 1, "{bad:?}");
    }
    for bad in [json!(7), json!([]), json!({ "a": 1 }), json!(true)] {
        assert_eq!(resolve(&parameters, &chosen(json!({ "note": bad }))).1.len(), 1);
    }
    for good in ["", "日本語", "{{ env }}", "../../x", "a \"quoted\" thing"] {
        assert_eq!(resolve(&parameters, &chosen(json!({ "note": good }))).1, [], "{good:?}");
    }
}

#[test]
fn a_pattern_matches_the_whole_text_and_cannot_take_for_ever() {
    let parameters = declared(json!([{ "name": "note", "pattern": "(a+)+", "default": "a" }]));
    let evil = format!("{}b", "a".repeat(900));
    assert_eq!(resolve(&parameters, &chosen(json!({ "note": evil }))).1.len(), 1);
    assert_eq!(resolve(&parameters, &chosen(json!({ "note": "aaa" }))).1, []);
}

#[test]
fn declarations_that_contradict_themselves_are_found() {
    let parameters = declared(json!([
        { "name": "a", "type": "enum" },
        { "name": "a", "values": ["x"] },
        { "name": "b", "type": "integer", "minimum": 3, "maximum": 2 },
        { "name": "c", "pattern": "(" },
        { "name": "d", "type": "integer", "default": "many" },
        { "name": "e", "required": true, "default": "x" },
        { "name": "f", "type": "boolean", "minimum": 1 },
        { "name": "g", "type": "integer", "pattern": "x" },
        { "name": "h", "pattern": "x+" },
        { "name": "i", "type": "enum", "values": ["x", "x"] },
        { "name": "../j" },
    ]));
    let said: Vec<String> = check(&parameters, "p").iter().map(ToString::to_string).collect();
    for part in [
        "p[0].values: is missing",
        "p[1].name: \"a\" is declared twice",
        "p[1].values: is only for an enum",
        "p[2].minimum: is more than maximum",
        "p[3].pattern: ",
        "p[4].default: must be a whole number, and is \"many\"",
        "p[5].default: is never used",
        "p[6].minimum: and maximum are for an integer or a string",
        "p[7].pattern: is only for a string",
        "p[8].default: is missing, and what stands for it must match x+",
        "p[9].values: has a word twice",
        "p[10].name: \"../j\" is no name",
    ] {
        assert!(said.iter().any(|it| it.starts_with(part)), "{part} is not in {said:#?}");
    }
}

#[test]
fn what_nobody_gives_has_the_value_that_the_page_promises() {
    let parameters = declared(json!([
        { "name": "text" }, { "name": "number", "type": "integer", "minimum": 5 },
        { "name": "truth", "type": "boolean" }, { "name": "choice", "type": "enum", "values": ["first", "second"] },
    ]));
    assert_eq!(parameters[1].r#type, ParameterType::Integer);
    let wanted = json!({ "text": "", "number": 5, "truth": false, "choice": "first" });
    assert_eq!(Value::Object(resolve(&parameters, &chosen(json!({ "text": null }))).0), wanted);
}
