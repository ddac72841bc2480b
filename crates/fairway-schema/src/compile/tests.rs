use serde_json::{Value, json};

use super::*;
use crate::{Additional, ListType, MapType, Type};

fn components() -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    json!({
        "io.k8s.api.core.v1.PodSpec": {
            "type": "object", "required": ["containers"],
            "properties": {
                "containers": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "x-kubernetes-patch-strategy": "merge,retainKeys", "x-kubernetes-patch-merge-key": "name",
                    "items": { "allOf": [reference("io.k8s.api.core.v1.Container")], "default": {} },
                },
                "size": { "allOf": [reference("io.k8s.api.core.v1.Container")], "x-kubernetes-map-type": "atomic" },
            },
        },
        "io.k8s.api.core.v1.Container": {
            "type": "object",
            "properties": {
                "name": { "type": "string", "default": "" },
                "port": reference("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
                "limits": {
                    "type": "object",
                    "additionalProperties": reference("io.k8s.apimachinery.pkg.api.resource.Quantity"),
                },
                "raw": reference("io.k8s.apimachinery.pkg.runtime.RawExtension"),
            },
        },
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
            "format": "int-or-string", "oneOf": [{ "type": "integer" }, { "type": "string" }],
        },
        "io.k8s.apimachinery.pkg.api.resource.Quantity": { "oneOf": [{ "type": "string" }, { "type": "number" }] },
        "io.k8s.apimachinery.pkg.runtime.RawExtension": { "type": "object" },
        "JSONSchemaProps": {
            "type": "object",
            "properties": {
                "not": reference("JSONSchemaProps"),
                "allOf": { "type": "array", "items": { "allOf": [reference("JSONSchemaProps")], "default": {} } },
            },
        },
    })
}

fn named() -> std::collections::BTreeMap<String, crate::Link> {
    openapi(components().as_object().unwrap()).unwrap()
}

#[test]
fn references_keep_what_stands_beside_them() {
    let pod = &named()["io.k8s.api.core.v1.PodSpec"];
    let containers = &pod.properties["containers"];
    assert_eq!(containers.list_type, ListType::Map);
    assert_eq!(&*containers.list_map_keys[0], "name");
    assert_eq!(containers.patch_strategy.iter().map(|it| &**it).collect::<Vec<_>>(), ["merge", "retainKeys"]);
    let item = containers.items.as_ref().unwrap();
    assert_eq!(item.default, Some(json!({})));
    assert_eq!(item.name.as_deref(), Some("io.k8s.api.core.v1.Container"));
    assert_eq!(item.properties["name"].r#type, Type::String);
    assert_eq!(pod.properties["size"].map_type, MapType::Atomic);
    assert_eq!(named()["io.k8s.api.core.v1.Container"].map_type, MapType::Granular);
}

#[test]
fn special_types_are_recognised() {
    let container = &named()["io.k8s.api.core.v1.Container"];
    assert_eq!(container.properties["port"].r#type, Type::IntOrString);
    let Additional::Of(quantity) = &container.properties["limits"].additional else { panic!("a map") };
    assert_eq!((quantity.r#type, quantity.format.as_deref()), (Type::Any, Some("quantity")));
    assert!(container.properties["raw"].preserve_unknown, "an object without fields is raw JSON");
}

#[test]
fn a_schema_may_contain_itself() {
    let named = named();
    let schema = &named["JSONSchemaProps"];
    let deep = &schema.properties["not"].properties["not"].properties["allOf"];
    assert!(deep.items.as_ref().unwrap().properties.contains_key("not"));
}

#[test]
fn a_reference_to_nothing_is_an_error_that_names_it() {
    let broken = json!({ "A": { "type": "object", "properties": { "b": { "$ref": "#/components/schemas/B" } } } });
    let error = openapi(broken.as_object().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "a property refers to \"#/components/schemas/B\", which is not among the schemas");
}

#[test]
fn documents_refer_to_named_types_and_write_the_rest_out() {
    let pod = &named()["io.k8s.api.core.v1.PodSpec"];
    let document = to_openapi(pod);
    let containers = &document["properties"]["containers"];
    assert_eq!(
        containers["items"],
        json!({ "allOf": [{ "$ref": "#/components/schemas/io.k8s.api.core.v1.Container" }], "default": {} })
    );
    assert_eq!(containers["x-kubernetes-patch-strategy"], "merge,retainKeys");
    assert_eq!(document["required"], json!(["containers"]));
}

const PATH: &str = "spec.validation.openAPIV3Schema";

fn causes(spec: Value) -> Vec<String> {
    let schema = json!({ "type": "object", "properties": { "spec": spec } });
    structural(&schema, PATH).1.iter().map(ToString::to_string).collect()
}

#[test]
fn a_custom_schema_survives_the_way_to_a_document_and_back() {
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object", "required": ["size"],
                "properties": {
                    "size": { "type": "integer", "minimum": 1, "maximum": 1.5, "default": 1, "format": "int32" },
                    "mode": { "type": "string", "enum": ["a", "b"], "pattern": "^[ab]$", "nullable": true },
                    "any": { "x-kubernetes-preserve-unknown-fields": true },
                    "port": { "x-kubernetes-int-or-string": true },
                    "tags": { "type": "array", "items": { "type": "string" }, "x-kubernetes-list-type": "set" },
                    "map": { "type": "object", "additionalProperties": { "type": "boolean" } },
                },
                "x-kubernetes-validations": [{ "rule": "self.size > 0" }],
                "oneOf": [{ "required": ["mode"] }, { "required": ["any"] }],
            },
        },
    });
    let (link, causes) = structural(&schema, PATH);
    assert_eq!(causes, []);
    let mut document = to_openapi(&link);
    for implied in ["apiVersion", "kind", "metadata"] {
        document["properties"].as_object_mut().unwrap().remove(implied).unwrap();
    }
    assert_eq!(document, schema);
}

#[test]
fn every_object_has_its_identity_whether_its_schema_says_so_or_not() {
    let (link, _) = structural(&json!({ "type": "object" }), PATH);
    assert_eq!(link.properties["apiVersion"].r#type, Type::String);
    assert_eq!(link.properties["metadata"].properties["ownerReferences"].list_type, ListType::Map);
    let embedded = json!({ "type": "object", "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true });
    let (link, causes) = structural(&json!({ "type": "object", "properties": { "template": embedded } }), PATH);
    assert_eq!(causes, []);
    assert!(link.properties["template"].properties.contains_key("metadata"));
}

#[test]
fn what_is_not_structural_is_refused_in_the_words_of_the_api() {
    let at = "spec.validation.openAPIV3Schema.properties[spec]";
    for (spec, expected) in [
        (json!({}), ".type: Required value: must not be empty for specified object fields"),
        (json!({ "type": "array" }), ".items: Required value: must be specified"),
        (
            json!({ "type": "thing" }),
            ".type: Unsupported value: \"thing\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"",
        ),
        (
            json!({ "type": "object", "properties": { "a": { "type": "string" } }, "additionalProperties": true }),
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            json!({ "type": "object", "additionalProperties": false }),
            ".additionalProperties: Forbidden: additionalProperties cannot be set to false",
        ),
        (
            json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true }),
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (
            json!({ "type": "array", "items": { "type": "object", "properties": { "k": { "type": "string" } } },
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] }),
            ".items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ),
        (
            json!({ "type": "integer", "default": "x" }),
            ".default: Invalid value: \"string\": spec.validation.openAPIV3Schema.properties[spec].default in body must be of type integer: \"string\"",
        ),
        (
            json!({ "type": "object", "x-kubernetes-validations": [{ "rule": "true" }, { "message": "no" }] }),
            ".x-kubernetes-validations[1].rule: Required value: rule is not specified",
        ),
        (json!({ "$ref": "#/x", "type": "object" }), ".$ref: Forbidden: $ref is not supported"),
        (
            json!({ "type": "object", "allOf": [{ "properties": { "a": { "minimum": 1 } } }] }),
            ".properties[a]: Required value: because it is defined in spec.validation.openAPIV3Schema.properties[spec].allOf[0].properties[a]",
        ),
        (
            json!({ "type": "object", "not": { "type": "object" } }),
            ".not.type: Forbidden: must be empty to be structural",
        ),
        (
            json!({ "type": "object", "x-kubernetes-embedded-resource": true }),
            ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ),
    ] {
        assert_eq!(causes(spec.clone()), [format!("{at}{expected}")], "{spec}");
    }
}

#[test]
fn the_root_and_its_metadata_are_held_to_more() {
    let of = |schema: Value| structural(&schema, PATH).1.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(of(json!({})), ["spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root"]);
    let metadata = json!({ "type": "object", "properties": { "labels": { "type": "object" } } });
    assert_eq!(
        of(json!({ "type": "object", "properties": { "metadata": metadata } })),
        [
            "spec.validation.openAPIV3Schema.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"
        ]
    );
}

#[test]
fn generators_may_spell_out_int_or_string() {
    let spelled = json!({ "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] });
    assert_eq!(causes(spelled), [] as [&str; 0]);
}

#[test]
fn a_broken_pattern_is_named() {
    let [cause] = &causes(json!({ "type": "string", "pattern": "a(" }))[..] else { panic!("one cause") };
    assert!(
        cause.contains(".pattern: Invalid value: \"a(\": must be a valid regular expression, but isn't: "),
        "{cause}"
    );
}

#[test]
fn patterns_are_counted_once_each_and_have_a_limit() {
    let fields = |patterns: &mut dyn Iterator<Item = String>| {
        let fields =
            patterns.enumerate().map(|(at, it)| (format!("f{at}"), json!({ "type": "string", "pattern": it })));
        json!({ "type": "object", "properties": fields.collect::<serde_json::Map<_, _>>() })
    };
    assert_eq!(causes(fields(&mut (0..2_000).map(|_| "^a$".to_owned()))), [] as [&str; 0]);
    let [cause] = &causes(fields(&mut (0..600).map(|it| format!("^a{it}$"))))[..] else { panic!("one cause") };
    assert!(cause.ends_with("Forbidden: a schema may hold at most 500 different patterns"), "{cause}");
}
