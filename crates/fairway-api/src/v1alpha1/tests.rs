use super::*;

/// The YAML example in a module's `//!` page.
fn example(source: &str) -> String {
    let text: Vec<&str> =
        source.lines().map_while(|it| it.strip_prefix("//!")).map(|it| it.strip_prefix(' ').unwrap_or(it)).collect();
    let start = text.iter().position(|it| *it == "```yaml").expect("a yaml example") + 1;
    let end = start + text[start..].iter().position(|it| *it == "```").expect("its end");
    text[start..end].join("\n")
}

fn parsed<K: serde::de::DeserializeOwned + Serialize>(source: &str) -> serde_json::Value {
    let object: K = serde_saphyr::from_str(&example(source)).expect("the example parses");
    serde_json::to_value(object).unwrap()
}

#[test]
fn the_example_of_every_kind_parses_into_its_type_and_keeps_its_name() {
    assert_eq!(parsed::<Team>(include_str!("team.rs"))["metadata"]["name"], "checkout");
    assert_eq!(parsed::<Project>(include_str!("project.rs"))["spec"]["teamName"], "checkout");
    assert_eq!(parsed::<Environment>(include_str!("environment.rs"))["spec"]["tier"], "staging");
    assert_eq!(parsed::<Template>(include_str!("template.rs"))["spec"]["parameters"][0]["type"], "integer");
    assert_eq!(parsed::<ResourceClass>(include_str!("resource_class.rs"))["spec"]["secrets"][0]["length"], 32);
    assert_eq!(parsed::<Component>(include_str!("component.rs"))["spec"]["type"], "Service");
    assert_eq!(parsed::<Release>(include_str!("release.rs"))["spec"]["config"]["default"]["GREETING"], "hello");
    assert_eq!(parsed::<Delivery>(include_str!("delivery.rs"))["spec"]["replicas"], 2);
    assert_eq!(parsed::<Resource>(include_str!("resource.rs"))["spec"]["deletionPolicy"], "Dump");
    assert_eq!(parsed::<PipelineRun>(include_str!("pipeline_run.rs"))["spec"]["ref"], "refs/heads/main");
}

#[test]
fn every_field_of_every_kind_has_a_sentence_of_documentation() {
    fn undocumented(path: &str, node: &serde_json::Value, found: &mut Vec<String>) {
        if let Some(properties) = node["properties"].as_object() {
            for (name, property) in properties {
                let at = format!("{path}.{name}");
                if property["description"].as_str().is_none_or(str::is_empty) {
                    found.push(at.clone());
                }
                if !at.ends_with(".conditions") {
                    undocumented(&at, property, found);
                }
            }
        }
        if node["items"].is_object() {
            undocumented(path, &node["items"], found);
        }
    }
    let mut found = Vec::new();
    for definition in definitions() {
        let schema = serde_json::to_value(&definition.spec.versions[0].schema).unwrap();
        for part in ["spec", "status"] {
            let kind = &definition.spec.names.kind;
            undocumented(&format!("{kind}.{part}"), &schema["openAPIV3Schema"]["properties"][part], &mut found);
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn there_are_fewer_than_25_kinds_and_each_has_a_status() {
    let definitions = definitions();
    assert!(definitions.len() <= 25);
    for it in definitions {
        let version = &it.spec.versions[0];
        assert!(version.subresources.as_ref().is_some_and(|it| it.status.is_some()), "{}", it.spec.names.kind);
    }
}
