//! What must hold whatever the input is.

use fairway_schema::jsonpath::JsonPath;
use fairway_schema::quantity::Quantity;
use fairway_schema::selector::{FieldSelector, LabelSelector};
use fairway_schema::{Link, Pattern, compile, decode, encode, json_patch, merge_patch, names, validate};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const NAMES: [&str; 5] = ["a", "b", "c", "metadata", "kind"];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned)
}

/// Any JSON, with few names so that schemas meet their fields.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5_i64..5).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,6}".prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..4)
                .prop_map(|it| Value::Object(it.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(name(), tree(), 0..4).prop_map(|it| Value::Object(it.into_iter().collect()))
}

/// A structural schema of one value.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|nullable| json!({ "type": "string", "nullable": nullable })),
        (-3_i64..3).prop_map(|default| json!({ "type": "integer", "default": default })),
        Just(json!({ "type": "string", "enum": ["", "x"], "default": "x" })),
        Just(json!({ "x-kubernetes-int-or-string": true })),
        Just(json!({ "x-kubernetes-preserve-unknown-fields": true })),
        Just(json!({ "type": "boolean" })),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        let fields = prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c"]), inner.clone(), 0..4);
        prop_oneof![
            (fields, any::<bool>(), any::<bool>()).prop_map(|(fields, keep, default)| {
                let mut node = json!({ "type": "object", "properties": fields });
                if keep {
                    node["x-kubernetes-preserve-unknown-fields"] = json!(true);
                }
                if default {
                    node["default"] = json!({});
                }
                node
            }),
            inner.clone().prop_map(|items| json!({ "type": "array", "items": items })),
            inner.prop_map(|each| json!({ "type": "object", "additionalProperties": each })),
        ]
    })
}

fn compiled() -> impl Strategy<Value = (Value, Link)> {
    schema().prop_filter_map("the schema is structural", |spec| {
        let root = json!({ "type": "object", "properties": { "a": spec.clone(), "b": spec } });
        let (link, causes) = compile::structural(&root, "");
        causes.is_empty().then_some((root, link))
    })
}

proptest! {
    #[test]
    fn pruning_twice_is_pruning_once((_, schema) in compiled(), mut value in object()) {
        let found = fairway_schema::unknown_fields(&schema, &value);
        prop_assert_eq!(fairway_schema::prune(&schema, &mut value), found);
        let once = value.clone();
        prop_assert!(fairway_schema::prune(&schema, &mut value).is_empty());
        prop_assert_eq!(value, once);
    }

    #[test]
    fn defaulting_twice_is_defaulting_once((_, schema) in compiled(), mut value in object()) {
        fairway_schema::default(&schema, &mut value);
        let once = value.clone();
        fairway_schema::default(&schema, &mut value);
        prop_assert_eq!(value, once);
    }

    #[test]
    fn what_defaulting_adds_is_known_and_valid((_, schema) in compiled()) {
        let mut value = json!({});
        fairway_schema::default(&schema, &mut value);
        prop_assert!(fairway_schema::unknown_fields(&schema, &value).is_empty());
        prop_assert_eq!(validate::validate(&schema, &value, ""), vec![]);
    }

    #[test]
    fn validation_takes_any_value((_, schema) in compiled(), value in tree()) {
        validate::validate(&schema, &value, "");
    }

    #[test]
    fn a_compiled_schema_writes_the_document_it_was_made_of((_, schema) in compiled()) {
        let document = compile::to_openapi(&schema);
        let mut again = document.clone();
        again["properties"].as_object_mut().unwrap().remove("metadata");
        let (second, causes) = compile::structural(&again, "");
        prop_assert_eq!(causes, vec![]);
        prop_assert_eq!(compile::to_openapi(&second), document);
    }

    #[test]
    fn any_json_may_be_a_schema_and_is_compiled_or_refused(value in tree()) {
        compile::structural(&value, "spec");
        compile::structural(&json!({ "type": "object", "properties": value }), "spec");
    }

    #[test]
    fn an_empty_merge_patch_changes_nothing_and_any_is_idempotent(target in object(), patch in object()) {
        prop_assert_eq!(&merge_patch::merge_patch(&target, &json!({})).unwrap(), &target);
        let once = merge_patch::merge_patch(&target, &patch).unwrap();
        prop_assert_eq!(merge_patch::merge_patch(&once, &patch).unwrap(), once);
    }

    #[test]
    fn json_patches_apply_or_say_why(
        target in tree(),
        ops in prop::collection::vec(
            (prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test", "odd"]),
             "(/(a|b|0|1|-1|-|~0|)){0,3}", "(/(a|b|0|-)){0,3}", tree()), 0..5),
    ) {
        let ops: Vec<Value> = ops
            .into_iter()
            .map(|(op, path, from, value)| json!({ "op": op, "path": path, "from": from, "value": value }))
            .collect();
        let _ = json_patch::json_patch(&target, &json!(ops));
        let _ = json_patch::json_patch(&target, &target);
    }

    #[test]
    fn decoding_takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), (_, schema) in compiled()) {
        let _ = decode::json(&bytes, Some(&schema));
        let _ = decode::yaml(&bytes, Some(&schema));
    }

    #[test]
    fn decoding_takes_any_text_that_looks_like_a_document(
        json in r#"[\[\]{}:,"a0 \\\n-]{0,60}"#, yaml in "[\\[\\]{}:,\"a0 \n&*|>!%@'-]{0,60}",
    ) {
        let _ = decode::json(json.as_bytes(), None);
        let _ = decode::yaml(yaml.as_bytes(), None);
    }

    #[test]
    fn what_is_written_is_read_back(value in object()) {
        let bytes = encode::canonical(&value);
        prop_assert_eq!(&decode::json(&bytes, None).unwrap().value, &value);
        prop_assert_eq!(encode::canonical(&decode::json(&bytes, None).unwrap().value), bytes);
    }

    #[test]
    fn strict_decoding_finds_what_pruning_finds((_, schema) in compiled(), value in object()) {
        let mut found: Vec<String> = decode::json(value.to_string().as_bytes(), Some(&schema))
            .unwrap()
            .findings
            .into_iter()
            .map(|it| match it {
                decode::Finding::Unknown(path) | decode::Finding::Duplicate(path) => path,
            })
            .collect();
        found.sort();
        prop_assert_eq!(found, fairway_schema::unknown_fields(&schema, &value));
    }

    #[test]
    fn a_quantity_means_the_same_in_its_canonical_form(
        text in "[+]?[0-9]{1,12}(\\.[0-9]{1,6})?(n|u|m|k|M|G|Ki|Mi|Gi|e[0-9]|E-[0-9]|)",
    ) {
        let quantity: Quantity = text.parse().unwrap();
        let canonical = quantity.to_string();
        let again: Quantity = canonical.parse().unwrap();
        prop_assert_eq!(again.to_string(), canonical);
        prop_assert!(again >= quantity, "only bytes below one are rounded, and up");
    }

    #[test]
    fn small_languages_take_any_text(text in "\\PC{0,30}", odd in "[.\\[\\]@?()='\"a0*:,!<>{}\\\\ -]{0,30}") {
        for text in [text, odd] {
            let _ = JsonPath::parse(&text).map(|it| it.find(&json!({ "a": [{ "a": 0 }] })).len());
            let _ = LabelSelector::parse(&text).map(|it| it.matches(&[("a", "0")]));
            let _ = FieldSelector::parse(&text);
            let _ = text.parse::<Quantity>().map(|it| it.to_string());
            let _ = Pattern::new(&text).is_match(&text);
            names::dns_subdomain(&text);
            names::qualified_name(&text);
        }
    }

    #[test]
    fn a_label_selector_reads_what_it_writes(
        terms in prop::collection::vec(
            prop_oneof!["[a-c]", "![a-c]", "[a-c]=[xyz]", "[a-c]!=[xyz]", "[a-c] in \\(x,y\\)", "[a-c] notin \\(x\\)"], 0..5),
    ) {
        let selector = LabelSelector::parse(&terms.join(",")).unwrap();
        prop_assert_eq!(LabelSelector::parse(&selector.to_string()).unwrap(), selector);
    }
}
