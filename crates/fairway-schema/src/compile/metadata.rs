//! ObjectMeta, which every object has and no CustomResourceDefinition describes.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::model::Link;

/// The schema of `metadata`, with what server-side apply needs to know about its lists.
pub fn object_meta() -> &'static Link {
    static SCHEMA: OnceLock<Link> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let Value::Object(components) = components() else { return Link::new(crate::Schema::default()) };
        let named = super::openapi(&components).expect("the schema below refers to nothing outside itself");
        named["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"].clone()
    })
}

fn components() -> Value {
    let time = json!({ "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Time" });
    let strings = json!({ "additionalProperties": { "default": "", "type": "string" }, "type": "object" });
    json!({
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time": { "type": "string", "format": "date-time" },
        "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": { "type": "object" },
        "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry": {
            "type": "object",
            "properties": {
                "apiVersion": { "type": "string" }, "fieldsType": { "type": "string" },
                "fieldsV1": { "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1" },
                "manager": { "type": "string" }, "operation": { "type": "string" },
                "subresource": { "type": "string" }, "time": time,
            },
        },
        "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference": {
            "type": "object", "required": ["apiVersion", "kind", "name", "uid"], "x-kubernetes-map-type": "atomic",
            "properties": {
                "apiVersion": { "type": "string", "default": "" }, "blockOwnerDeletion": { "type": "boolean" },
                "controller": { "type": "boolean" }, "kind": { "type": "string", "default": "" },
                "name": { "type": "string", "default": "" }, "uid": { "type": "string", "default": "" },
            },
        },
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {
            "type": "object",
            "properties": {
                "annotations": strings, "creationTimestamp": time, "deletionTimestamp": time,
                "deletionGracePeriodSeconds": { "type": "integer", "format": "int64" },
                "finalizers": {
                    "type": "array", "items": { "type": "string", "default": "" },
                    "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge",
                },
                "generateName": { "type": "string" }, "generation": { "type": "integer", "format": "int64" },
                "labels": strings,
                "managedFields": {
                    "type": "array", "x-kubernetes-list-type": "atomic",
                    "items": {
                        "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry",
                    },
                },
                "name": { "type": "string" }, "namespace": { "type": "string" },
                "ownerReferences": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
                    "x-kubernetes-patch-merge-key": "uid", "x-kubernetes-patch-strategy": "merge",
                    "items": { "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference" },
                },
                "resourceVersion": { "type": "string" }, "selfLink": { "type": "string" },
                "uid": { "type": "string" },
            },
        },
    })
}
