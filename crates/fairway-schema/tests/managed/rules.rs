//! The rules of apply and update, one small object at a time.

use fairway_schema::managed::{ApplyError, FieldSet, Manager, Path, Write, apply, extract, fields_of, update};
use fairway_schema::{Link, Schema, Type, compile};
use serde_json::{Value, json};

/// A kind with one field of each form a walk can meet.
pub(crate) fn schema() -> Schema {
    let text = json!({"type": "string"});
    let port = json!({"type": "object", "required": ["port"], "properties": {
        "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}, "name": text,
        "target": {"type": "object", "properties": {"x": text, "y": text}},
    }});
    let raw = json!({"type": "object", "properties": {
        "metadata": {"type": "object"},
        "replicas": {"type": "integer"},
        "data": {"type": "object", "additionalProperties": text},
        "selector": {"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"},
        "command": {"type": "array", "items": text},
        "tags": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
        "ports": {"type": "array", "items": port, "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port", "protocol"]},
        "nested": {"type": "object", "properties": {"a": text, "b": {"type": "object", "properties": {"c": text}}}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "size": {"x-kubernetes-int-or-string": true},
        "on": {"type": "boolean"},
    }});
    let (schema, causes) = compile::structural(&raw, "schema");
    assert_eq!(causes, []);
    (*schema).clone()
}

/// One object and the clock that its writes see.
pub(crate) struct Story {
    pub(crate) schema: Schema,
    pub(crate) object: Option<Value>,
    pub(crate) second: i64,
    pub(crate) subresource: &'static str,
    pub(crate) reset: FieldSet,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self { schema: schema(), object: None, second: 0, subresource: "", reset: FieldSet::new() }
    }

    pub(crate) fn write<'a>(&'a self, name: &'a str) -> Write<'a> {
        Write {
            schema: &self.schema,
            built_in: false,
            live: self.object.as_ref(),
            manager: Manager { name, api_version: "x.test/v1", subresource: self.subresource },
            now: jiff::Timestamp::from_second(self.second).unwrap(),
            reset: &self.reset,
        }
    }

    pub(crate) fn try_apply(&mut self, name: &str, config: &Value, force: bool) -> Result<(), ApplyError> {
        self.second += 1;
        self.object = Some(apply(&self.write(name), &whole(config), force)?);
        Ok(())
    }

    pub(crate) fn apply(mut self, name: &str, config: Value) -> Self {
        self.try_apply(name, &config, false).unwrap();
        self
    }

    pub(crate) fn force(mut self, name: &str, config: Value) -> Self {
        self.try_apply(name, &config, true).unwrap();
        self
    }

    pub(crate) fn conflicts(mut self, name: &str, config: Value) -> String {
        let before = self.object.clone();
        let error = self.try_apply(name, &config, false).unwrap_err();
        assert_eq!(self.object, before);
        assert!(!error.causes().is_empty());
        error.to_message()
    }

    pub(crate) fn update(mut self, name: &str, mut new: Value) -> Self {
        self.second += 1;
        new = whole(&new);
        update(&self.write(name), &mut new);
        self.object = Some(new);
        self
    }

    /// The object without what every object has.
    pub(crate) fn body(&self) -> Value {
        let mut body = self.object.clone().unwrap();
        for name in ["apiVersion", "kind"] {
            body.as_object_mut().unwrap().remove(name);
        }
        for name in ["name", "managedFields"] {
            body["metadata"].as_object_mut().unwrap().remove(name);
        }
        if body["metadata"] == json!({}) {
            body.as_object_mut().unwrap().remove("metadata");
        }
        body
    }

    /// Who owns what: `manager operation second` to fields.
    pub(crate) fn owners(&self) -> Vec<(String, Value)> {
        let entries = self.object.as_ref().unwrap()["metadata"]["managedFields"].as_array().cloned();
        let shown = |entry: Value| {
            let second = entry["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let words = [text("manager"), text("operation"), second.to_string(), text("subresource")];
            (words.join(" ").trim_end().to_owned(), entry["fieldsV1"].clone())
        };
        entries.unwrap_or_default().into_iter().map(shown).collect()
    }

    pub(crate) fn expect(self, body: Value, owners: &[(&str, Value)]) -> Self {
        assert_eq!(self.body(), body);
        let owners: Vec<_> = owners.iter().map(|(who, what)| ((*who).to_owned(), what.clone())).collect();
        assert_eq!(self.owners(), owners);
        self
    }
}

pub(crate) fn whole(body: &Value) -> Value {
    let mut object = body.clone();
    object["apiVersion"] = json!("x.test/v1");
    object["kind"] = json!("Thing");
    object["metadata"]["name"] = json!("t");
    object
}

#[test]
fn an_apply_owns_what_it_sends() {
    let sent = json!({
        "replicas": 1, "data": {"a": "1"}, "selector": {"x": "y"}, "command": ["a", "b"], "tags": ["t"],
        "ports": [{"port": 80, "name": "http"}], "nested": {"a": "1", "b": {}}, "free": {"q": [{"z": 1}], "m": {"n": 1}},
        "size": "1Gi", "on": false, "metadata": {"labels": {"l.test/x": "1"}, "finalizers": ["f"]},
    });
    let owned = json!({
        "f:replicas": {}, "f:data": {"f:a": {}}, "f:selector": {}, "f:command": {}, "f:tags": {"v:\"t\"": {}},
        "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:name": {}}},
        "f:nested": {"f:a": {}, "f:b": {}}, "f:free": {"f:q": {}, "f:m": {".": {}, "f:n": {}}},
        "f:size": {}, "f:on": {},
        "f:metadata": {"f:labels": {"f:l.test/x": {}}, "f:finalizers": {"v:\"f\"": {}}},
    });
    Story::new().apply("m", sent.clone()).expect(sent, &[("m Apply 1", owned)]);
}

#[test]
fn applying_the_same_again_changes_nothing_and_keeps_the_time() {
    let sent = json!({"replicas": 1, "ports": [{"port": 80}]});
    let once = Story::new().apply("m", sent.clone());
    let before = once.object.clone();
    assert_eq!(once.apply("m", sent).object, before);
}

#[test]
fn what_is_no_longer_sent_is_removed_where_nobody_else_owns_it() {
    let story = Story::new()
        .apply("m", json!({"replicas": 1, "data": {"a": "1", "b": "2"}, "ports": [{"port": 80}, {"port": 81}]}))
        .apply("o", json!({"data": {"b": "2", "c": "3"}}))
        .apply("m", json!({"ports": [{"port": 81}]}));
    let port = json!({"k:{\"port\":81,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}});
    story.expect(
        json!({"data": {"b": "2", "c": "3"}, "ports": [{"port": 81}]}),
        &[("o Apply 2", json!({"f:data": {"f:b": {}, "f:c": {}}})), ("m Apply 3", json!({"f:ports": port}))],
    );
}

#[test]
fn the_last_item_takes_its_list_along() {
    let story = Story::new().apply("m", json!({"replicas": 1, "ports": [{"port": 80}], "tags": ["a"]}));
    story
        .apply("m", json!({"replicas": 1}))
        .expect(json!({"replicas": 1}), &[("m Apply 2", json!({"f:replicas": {}}))]);
}

#[test]
fn an_item_keeps_the_fields_that_others_own() {
    let story = Story::new()
        .apply("m", json!({"ports": [{"port": 80, "name": "http"}]}))
        .apply("o", json!({"ports": [{"port": 80, "target": {"x": "1"}}]}))
        .apply("m", json!({}));
    let item = json!({".": {}, "f:port": {}, "f:target": {"f:x": {}}});
    story.expect(
        json!({"ports": [{"port": 80, "target": {"x": "1"}}]}),
        &[("o Apply 2", json!({"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": item}}))],
    );
}

#[test]
fn the_default_of_a_key_names_the_same_item() {
    let story = Story::new()
        .apply("m", json!({"ports": [{"port": 80}]}))
        .apply("o", json!({"ports": [{"port": 80, "protocol": "TCP", "name": "x"}, {"port": 80, "protocol": "UDP"}]}));
    assert_eq!(
        story.body(),
        json!({"ports": [{"port": 80, "protocol": "TCP", "name": "x"}, {"port": 80, "protocol": "UDP"}]})
    );
}

#[test]
fn equal_values_are_shared_and_others_conflict() {
    let story = Story::new().apply("m", json!({"replicas": 1, "data": {"a": "1"}})).apply("o", json!({"replicas": 1}));
    assert_eq!(story.owners().len(), 2);
    let message = Story::new().apply("m", json!({"replicas": 1})).conflicts("o", json!({"replicas": 2}));
    assert_eq!(message, r#"Apply failed with 1 conflict: conflict with "m": .replicas"#);
}

#[test]
fn several_conflicts_are_grouped_by_manager() {
    let story = Story::new()
        .update("ctl", json!({"replicas": 1, "data": {"a": "1"}}))
        .apply("m", json!({"ports": [{"port": 80, "name": "a"}], "tags": ["t"]}));
    let sent = json!({"replicas": 2, "data": {"a": "2"}, "ports": [{"port": 80, "name": "b"}], "tags": ["t"]});
    assert_eq!(
        story.conflicts("o", sent),
        "Apply failed with 3 conflicts: conflicts with \"ctl\" using x.test/v1:\n- .replicas\n- .data.a\nconflicts with \"m\":\n- .ports[port=80,protocol=\"TCP\"].name"
    );
}

#[test]
fn force_takes_fields_from_others() {
    let story = Story::new().apply("m", json!({"replicas": 1, "on": true})).force("o", json!({"replicas": 2}));
    story.expect(
        json!({"replicas": 2, "on": true}),
        &[("m Apply 1", json!({"f:on": {}})), ("o Apply 2", json!({"f:replicas": {}}))],
    );
}

#[test]
fn atomic_values_are_owned_and_replaced_whole() {
    let story = Story::new().apply("m", json!({"selector": {"a": "1"}, "command": ["a"]}));
    let story = story.force("o", json!({"selector": {"b": "2"}, "command": ["b", "a"]}));
    story.expect(
        json!({"selector": {"b": "2"}, "command": ["b", "a"]}),
        &[("o Apply 2", json!({"f:selector": {}, "f:command": {}}))],
    );
}

#[test]
fn lists_are_merged_in_the_order_of_the_configuration() {
    let cases: &[(&[u16], &[u16], &[u16])] = &[
        (&[1, 2, 3], &[3, 1], &[2, 3, 1]),
        (&[1, 2], &[3, 1], &[3, 1, 2]),
        (&[1, 2, 3], &[1, 9, 3], &[1, 2, 9, 3]),
        (&[], &[2, 1], &[2, 1]),
        (&[5, 1, 6, 2, 7], &[1, 2], &[5, 1, 6, 2, 7]),
    ];
    for (live, sent, expected) in cases {
        let ports = |list: &[u16]| json!({"ports": list.iter().map(|port| json!({"port": port})).collect::<Vec<_>>()});
        let story = Story::new().apply("m", ports(live)).apply("o", ports(sent));
        assert_eq!(story.body(), ports(expected), "{live:?} {sent:?}");
    }
}

#[test]
fn an_update_moves_what_it_changes() {
    let story = Story::new()
        .apply("m", json!({"replicas": 1, "data": {"a": "1", "b": "1"}, "on": true}))
        .update("hpa", json!({"replicas": 3, "data": {"a": "1", "c": "1"}, "on": true, "metadata": {}}));
    let story = Story { second: story.second, ..story };
    let lost = story.owners();
    // The update sent no managers: it keeps the live ones.
    assert_eq!(lost[0], ("m Apply 1".to_owned(), json!({"f:data": {"f:a": {}}, "f:on": {}})));
    assert_eq!(lost[1], ("hpa Update 2".to_owned(), json!({"f:data": {"f:c": {}}, "f:replicas": {}})));
}

#[test]
fn an_update_that_changes_nothing_keeps_every_byte() {
    let story = Story::new().apply("m", json!({"replicas": 1})).update("u", json!({"replicas": 2, "on": true}));
    let before = story.object.clone().unwrap();
    let after = story.update("other", json!({"replicas": 2, "on": true}));
    assert_eq!(after.object.unwrap(), before);
}

#[test]
fn a_create_owns_containers_of_custom_resources_too() {
    let story = Story::new().update("u", json!({"nested": {"b": {"c": "1"}}, "ports": [{"port": 1}]}));
    let item = json!({".": {}, "f:port": {}});
    let owned = json!({
        "f:nested": {".": {}, "f:b": {".": {}, "f:c": {}}},
        "f:ports": {".": {}, "k:{\"port\":1,\"protocol\":\"TCP\"}": item},
    });
    assert_eq!(story.owners(), [("u Update 1".to_owned(), owned)]);
}

#[test]
fn an_empty_list_of_managers_forgets_everyone_until_the_next_apply() {
    for reset in [json!([]), json!([{}])] {
        let story = Story::new().apply("m", json!({"replicas": 1, "on": true}));
        let story = story.update("u", json!({"replicas": 2, "on": true, "metadata": {"managedFields": reset}}));
        assert_eq!(story.owners(), []);
        let story = story.apply("m", json!({"on": true}));
        story.expect(
            json!({"replicas": 2, "on": true}),
            &[
                ("m Apply 3", json!({"f:on": {}})),
                ("before-first-apply Update 3", json!({"f:on": {}, "f:replicas": {}})),
            ],
        );
    }
}

#[test]
fn managers_that_cannot_be_read_are_those_of_the_live_object() {
    let story = Story::new().apply("m", json!({"replicas": 1}));
    let broken = json!([{"manager": "x", "operation": "Steal", "fieldsType": "FieldsV1"}]);
    let story = story.update("u", json!({"replicas": 1, "metadata": {"managedFields": broken}}));
    story.expect(json!({"replicas": 1}), &[("m Apply 1", json!({"f:replicas": {}}))]);
}

#[test]
fn a_subresource_has_entries_of_its_own_and_leaves_reset_fields_alone() {
    let mut story = Story::new().apply("m", json!({"replicas": 1, "on": true}));
    story.subresource = "status";
    story.reset = FieldSet::of([Path::of_fields(&["replicas"])]);
    let story = story.update("ctl", json!({"replicas": 5, "on": false}));
    let owners = story.owners();
    assert_eq!(owners[0], ("m Apply 1".to_owned(), json!({"f:replicas": {}})));
    assert_eq!(owners[1], ("ctl Update 2 status".to_owned(), json!({"f:on": {}})));
    let mut story = story;
    story.subresource = "";
    story.reset = FieldSet::new();
    let message = story.conflicts("m", json!({"on": true, "replicas": 5}));
    assert_eq!(
        message,
        r#"Apply failed with 1 conflict: conflict with "ctl" with subresource "status" using x.test/v1: .on"#
    );
}

#[test]
fn more_than_ten_updaters_are_gathered() {
    let mut story = Story::new();
    for index in 0..14 {
        let data: serde_json::Map<_, _> = (0..=index).map(|it| (format!("k{it:02}"), json!("v"))).collect();
        story = story.update(&format!("u{index:02}"), json!({"data": data}));
    }
    let names: Vec<_> = story.owners().into_iter().map(|(who, _)| who).collect();
    assert_eq!(names.len(), 10);
    assert_eq!(names[0], "ancient-changes Update 5");
    assert_eq!(names[9], "u13 Update 14");
}

#[test]
fn nobody_owns_what_names_an_object() {
    let metadata = json!({"namespace": "n", "uid": "u", "resourceVersion": "1", "generation": 1, "labels": {"a": "b"},
        "creationTimestamp": "2026-01-01T00:00:00Z", "selfLink": "s", "generateName": "g-"});
    let owned = json!({"f:metadata": {"f:generateName": {}, "f:labels": {"f:a": {}}}});
    let story = Story::new().apply("m", json!({"metadata": metadata}));
    assert_eq!(story.owners(), [("m Apply 1".to_owned(), owned)]);
}

#[test]
fn configurations_that_do_not_fit_are_refused_in_the_words_of_kubernetes() {
    let cases = [
        (json!({"foo": 1}), ".foo: field not declared in schema"),
        (json!({"nested": {"b": {"x": 1}}}), ".nested.b.x: field not declared in schema"),
        (json!({"replicas": "1"}), ".replicas: expected numeric (int or float), got string"),
        (json!({"data": {"a": 1}}), ".data.a: expected string, got &value.valueUnstructured{Value:1}"),
        (json!({"on": "x"}), ".on: expected boolean, got &{x}"),
        (json!({"size": {}}), ".size: expected any scalar, got &{map[]}"),
        (json!({"nested": [1]}), ".nested: expected map, got &{[1]}"),
        (json!({"ports": {"a": 1}}), ".ports: expected list, got &{map[a:1]}"),
        (
            json!({"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]}),
            r#".ports: duplicate entries for key [port=1,protocol="TCP"]"#,
        ),
        (json!({"tags": ["a", "a"]}), r#".tags: duplicate entries for key [="a"]"#),
        (json!({"ports": [null]}), ".ports: element 0: associative list with keys may not have a null element"),
        (json!({"ports": ["x"]}), ".ports: element 0: associative list with keys may not have non-map elements"),
        (
            json!({"on": 1, "replicas": true}),
            "errors:\n  .on: expected boolean, got &{1}\n  .replicas: expected numeric (int or float), got bool",
        ),
    ];
    for (config, expected) in cases {
        let error = Story::new().try_apply("m", &config, true).unwrap_err().to_message();
        assert_eq!(error, format!("failed to create typed patch object (/t; x.test/v1, Kind=Thing): {expected}"));
    }
}

#[test]
fn a_configuration_of_another_version_or_with_managers_is_refused() {
    let story = Story::new();
    let mut config = whole(&json!({}));
    config["apiVersion"] = json!("v2");
    let error = apply(&story.write("m"), &config, false).unwrap_err().to_message();
    assert_eq!(error, "Incorrect version specified in apply patch. Specified patch version: v2, expected: x.test/v1");
    let config = whole(&json!({"metadata": {"managedFields": []}}));
    let error = apply(&story.write("m"), &config, false).unwrap_err();
    assert_eq!(error.to_message(), "metadata.managedFields must be nil");
}

#[test]
fn kubectl_takes_over_what_it_applied_on_the_client() {
    let last = whole(&json!({"replicas": 1, "data": {"a": "1"}})).to_string();
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    let created = json!({"replicas": 1, "data": {"a": "1"}, "metadata": {"annotations": {annotation: last}}});
    let story = Story::new().update("kubectl-client-side-apply", created);
    let story = story.apply("kubectl", json!({"replicas": 2, "data": {"a": "1"}}));
    let body = story.body();
    assert_eq!(body["replicas"], 2);
    let refreshed: Value = serde_json::from_str(body["metadata"]["annotations"][annotation].as_str().unwrap()).unwrap();
    assert_eq!(refreshed["replicas"], 2);
    // What someone else changed since is still theirs.
    let mut changed = story.object.clone().unwrap();
    changed["replicas"] = json!(7);
    changed["metadata"].as_object_mut().unwrap().remove("managedFields");
    let story = story.update("hpa", changed);
    let message = story.conflicts("kubectl", json!({"replicas": 3, "data": {"a": "1"}}));
    assert_eq!(message, r#"Apply failed with 1 conflict: conflict with "hpa" using x.test/v1: .replicas"#);
}

#[test]
fn a_field_that_became_atomic_is_owned_whole() {
    let mut story = Story::new().apply("m", json!({"nested": {"a": "1", "b": {"c": "1"}}}));
    let nested = Schema { map_type: fairway_schema::MapType::Atomic, ..(*story.schema.properties["nested"]).clone() };
    story.schema.properties.insert("nested".into(), Link::new(nested));
    let story = story.update("u", json!({"nested": {"a": "1", "b": {"c": "1"}}, "on": true}));
    assert_eq!(story.owners()[0], ("m Apply 1".to_owned(), json!({"f:nested": {}})));
}

#[test]
fn live_objects_with_duplicates_and_unknown_fields_can_still_be_written() {
    let live = json!({"ports": [{"port": 1}, {"port": 1}], "gone": {"x": 1}, "replicas": "odd"});
    let story = Story::new().update("u", live).force("m", json!({"ports": [{"port": 1, "name": "n"}], "on": true}));
    assert_eq!(story.body()["ports"], json!([{"port": 1, "name": "n"}]));
    assert_eq!(story.body()["gone"], json!({"x": 1}));
}

#[test]
fn the_fields_of_one_manager_can_be_taken_out() {
    let object =
        json!({"replicas": 1, "ports": [{"port": 80, "name": "a"}, {"port": 81}], "data": {"a": "1", "b": "2"}});
    let mine = fields_of(&schema(), &json!({"ports": [{"port": 80, "name": "x"}], "data": {"b": ""}}));
    let expected = json!({"ports": [{"port": 80, "name": "a"}], "data": {"b": "2"}});
    assert_eq!(extract(&schema(), &object, &mine), expected);
    let everything = Schema { preserve_unknown: true, r#type: Type::Object, ..Schema::default() };
    assert_eq!(extract(&everything, &object, &FieldSet::new()), json!({}));
}
