//! What the templates that come with the platform render is held to the schemas of others: the Score specification's and
//! the Backstage catalogue's. `schemas/ORIGIN.md` says where they are from.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;

use fairway_plan::template::{Facts, Files, builtin, builtin_names, render};
use fairway_schema::{Pattern, decode_yaml};
use serde_json::{Map, Value, json};

const SCORE: &str = include_str!("schemas/score-v1b1.json");
const CATALOG: &str = include_str!("schemas/backstage-catalog.json");
/// Words of a schema that judge nothing.
const SILENT: [&str; 10] =
    ["$schema", "$id", "$defs", "definitions", "title", "description", "examples", "default", "deprecated", "$comment"];

/// Schemas by their names; the first is the one that counts.
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// What is wrong with a value. A word that is not understood ends the test: nothing is passed over.
    fn judge(&self, home: &str, schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
        let Some(words) = schema.as_object() else {
            if schema == &json!(false) {
                wrong.push(format!("{path} is not allowed"));
            }
            return;
        };
        for (word, rule) in words {
            if !SILENT.contains(&word.as_str()) && !self.holds(home, word, rule, words, value, path, wrong) {
                wrong.push(format!("{path}: {value} breaks {word} {rule}"));
            }
        }
    }

    /// Whether one word of a schema holds; what is inside the value is judged by itself.
    #[expect(clippy::too_many_arguments, reason = "a table of words")]
    fn holds(
        &self,
        home: &str,
        word: &str,
        rule: &Value,
        words: &Map<String, Value>,
        value: &Value,
        path: &str,
        wrong: &mut Vec<String>,
    ) -> bool {
        let (text, map) = (value.as_str(), value.as_object());
        let length = text.map(|it| it.chars().count() as u64);
        match word {
            "$ref" => {
                let (home, schema) = self.find(home, rule.as_str().unwrap());
                self.judge(home, schema, value, path, wrong);
            }
            "allOf" => rule.as_array().unwrap().iter().for_each(|it| self.judge(home, it, value, path, wrong)),
            "oneOf" | "anyOf" => {
                let fits = |it: &&Value| {
                    let mut inside = Vec::new();
                    self.judge(home, it, value, path, &mut inside);
                    inside.is_empty()
                };
                let fitting = rule.as_array().unwrap().iter().filter(fits).count();
                return fitting == 1 || (fitting > 1 && word == "anyOf");
            }
            "type" => return is_of(rule, value),
            "enum" => return rule.as_array().unwrap().contains(value),
            "const" => return rule == value,
            "required" => {
                return map.is_none_or(|map| {
                    rule.as_array().unwrap().iter().all(|it| map.contains_key(it.as_str().unwrap()))
                });
            }
            "minProperties" => return map.is_none_or(|it| it.len() as u64 >= rule.as_u64().unwrap()),
            "minLength" => return length.is_none_or(|it| it >= rule.as_u64().unwrap()),
            "maxLength" => return length.is_none_or(|it| it <= rule.as_u64().unwrap()),
            "minimum" => return value.as_i64().is_none_or(|it| it >= rule.as_i64().unwrap()),
            "maximum" => return value.as_i64().is_none_or(|it| it <= rule.as_i64().unwrap()),
            "pattern" => return text.is_none_or(|it| Pattern::new(rule.as_str().unwrap()).is_match(it)),
            "items" => {
                for (index, it) in value.as_array().into_iter().flatten().enumerate() {
                    self.judge(home, rule, it, &format!("{path}[{index}]"), wrong);
                }
            }
            "propertyNames" => map.into_iter().flatten().for_each(|(name, _)| {
                self.judge(home, rule, &json!(name), &format!("the name {path}.{name}"), wrong);
            }),
            "properties" | "patternProperties" | "additionalProperties" => {
                for (name, it) in map.into_iter().flatten() {
                    if let Some(schema) = part(word, rule, words, name) {
                        self.judge(home, schema, it, &format!("{path}.{name}"), wrong);
                    }
                }
            }
            other => panic!("{path}: the schema's word {other:?} is not understood"),
        }
        true
    }

    /// `#/$defs/x`, `Entity`, `common#reference`, seen from the schema `home`.
    fn find<'a>(&'a self, home: &'a str, reference: &str) -> (&'a str, &'a Value) {
        let (name, place) = reference.split_once('#').unwrap_or((reference, ""));
        let (home, whole) = if name.is_empty() {
            (home, &self.0[home])
        } else {
            let (home, whole) = self.0.get_key_value(name).unwrap_or_else(|| panic!("no schema {name}"));
            (home.as_str(), whole)
        };
        let named = || whole["definitions"].as_object()?.values().find(|it| it["$id"] == format!("#{place}").as_str());
        (home, whole.pointer(place).or_else(named).unwrap_or_else(|| panic!("no {reference}")))
    }
}

/// The schema that one of the three words gives a field.
fn part<'a>(word: &str, rule: &'a Value, words: &Map<String, Value>, name: &str) -> Option<&'a Value> {
    let matching = |pattern: &str| Pattern::new(pattern).is_match(name);
    match word {
        "properties" => rule.get(name),
        "patternProperties" => rule.as_object()?.iter().find(|it| matching(it.0)).map(|it| it.1),
        _ => {
            let named = words.get("properties").is_some_and(|it| it.get(name).is_some());
            let patterns = words.get("patternProperties").and_then(Value::as_object);
            let known = named || patterns.is_some_and(|it| it.keys().any(|it| matching(it)));
            (!known).then_some(rule)
        }
    }
}

fn is_of(r#type: &Value, value: &Value) -> bool {
    let is = |word: &str| match word {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    };
    match r#type {
        Value::Array(words) => words.iter().any(|it| is(it.as_str().unwrap())),
        word => is(word.as_str().unwrap()),
    }
}

fn score() -> (Schemas, &'static str) {
    (Schemas(BTreeMap::from([("score".to_owned(), serde_json::from_str(SCORE).unwrap())])), "score")
}

fn catalog() -> (Schemas, &'static str) {
    (Schemas(serde_json::from_str(CATALOG).unwrap()), "ComponentV1alpha1")
}

fn mistakes((schemas, name): &(Schemas, &str), text: &[u8]) -> Vec<String> {
    let value = decode_yaml(text, None).unwrap().value;
    let mut wrong = Vec::new();
    schemas.judge(name, &schemas.0[*name], &value, "", &mut wrong);
    wrong
}

/// What a template renders with its defaults.
fn rendered(name: &str, description: &str) -> Files {
    let facts = Facts {
        component: "orders".to_owned(),
        description: description.to_owned(),
        project: "shop".to_owned(),
        team: "checkout".to_owned(),
        repository_url: "https://127.0.0.1:7443/git/shop/orders.git".to_owned(),
    };
    let (files, findings) = render(&builtin(name).unwrap(), &Map::new(), &facts);
    assert_eq!(findings, []);
    files
}

#[test]
fn every_template_renders_a_valid_score_file_and_a_valid_catalogue_entity() {
    let (score, catalog) = (score(), catalog());
    for name in builtin_names() {
        for description in ["Takes orders", "says \"hi\": {a} [b] #c"] {
            let files = rendered(name, description);
            assert_eq!(mistakes(&score, &files["score.yaml"].bytes), [""; 0], "{name}");
            assert_eq!(mistakes(&catalog, &files["catalog-info.yaml"].bytes), [""; 0], "{name}");
        }
    }
}

#[test]
fn the_schemas_do_refuse_what_is_wrong() {
    let files = rendered("rust-service", "Takes orders");
    let text = |path: &str| String::from_utf8(files[path].bytes.clone()).unwrap();
    for (from, to) in [("port: 80,", "port: 0,"), ("  web:", "  Web:"), ("image: .", "image: 7"), ("service:", "svc:")]
    {
        assert!(!mistakes(&score(), text("score.yaml").replace(from, to).as_bytes()).is_empty(), "{to}");
    }
    for (from, to) in [("lifecycle: production", ""), ("kind: Component", "kind: Thing"), ("tags: [", "tags: [7, ")] {
        assert!(!mistakes(&catalog(), text("catalog-info.yaml").replace(from, to).as_bytes()).is_empty(), "{to}");
    }
}
