//! Creates as a real server answered them: from each answer, the list of managers must come out as it stands in it.

use fairway_schema::managed::{FieldSet, Manager, Path, Write, update};
use serde_json::{Value, json};

use crate::openapi::Document;

/// What allocators and admission add after ownership is settled. Where the client sent it, it stays.
const ADDED: &[(&str, &[&str])] = &[
    ("Pod", &["/spec/serviceAccountName", "/spec/serviceAccount", "/spec/tolerations", "/spec/priority"]),
    ("Pod", &["/spec/preemptionPolicy"]),
    ("Service", &["/spec/clusterIP", "/spec/clusterIPs", "/spec/ipFamilies", "/spec/ipFamilyPolicy"]),
    ("Job", &["/metadata/labels", "/spec/selector", "/spec/template/metadata/labels"]),
    ("Namespace", &["/spec/finalizers"]),
    ("PersistentVolumeClaim", &["/metadata/finalizers"]),
    ("PersistentVolume", &["/metadata/finalizers"]),
];

#[test]
fn creates_are_owned_as_a_real_server_says() {
    let document = Document::captured();
    let cases: Value = serde_json::from_str(include_str!("../data/create-defaults.json")).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 43);
    let mut wrong = Vec::new();
    for case in cases {
        let (request, response) = (&case["request"], &case["response"]);
        let (api_version, kind) = (response["apiVersion"].as_str().unwrap(), response["kind"].as_str().unwrap());
        let mut object = before_admission(request, response);
        let write = Write {
            schema: document.kind(api_version, kind),
            built_in: true,
            live: None,
            manager: Manager { name: "capture", api_version, subresource: "" },
            now: "2026-11-21T12:00:00Z".parse().unwrap(),
            reset: &FieldSet::of([Path::of_fields(&["status"])]),
        };
        update(&write, &mut object);
        let mut got = object["metadata"].get("managedFields").cloned().unwrap_or_default();
        if let Some(entry) = got.get_mut(0) {
            entry["time"] = json!("<masked>");
        }
        let expected = response["metadata"].get("managedFields").cloned().unwrap_or_default();
        if got != expected {
            wrong.push(format!("{kind} {}\n got {got}\nwant {expected}", response["metadata"]["name"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// The answer as it was when ownership was settled.
fn before_admission(request: &Value, response: &Value) -> Value {
    let mut object = response.clone();
    object["metadata"].as_object_mut().unwrap().remove("managedFields");
    let kind = response["kind"].as_str().unwrap();
    for pointer in ADDED.iter().filter(|(of, _)| *of == kind).flat_map(|(_, pointers)| *pointers) {
        if request.pointer(pointer).is_none() {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            object.pointer_mut(parent).and_then(Value::as_object_mut).map(|it| it.remove(name));
        }
    }
    without_token_volume(&mut object);
    without_allocated_ports(request, &mut object);
    object
}

fn without_token_volume(object: &mut Value) {
    let is_token = |item: &Value| item["name"].as_str().is_some_and(|it| it.starts_with("kube-api-access-"));
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let containers = spec.iter_mut().filter(|(name, _)| name.ends_with("ontainers"));
    for container in containers.flat_map(|(_, list)| list.as_array_mut().unwrap()) {
        keep(container.as_object_mut().unwrap(), "volumeMounts", |item| !is_token(item));
    }
    keep(spec, "volumes", |item| !is_token(item));
}

fn keep(fields: &mut serde_json::Map<String, Value>, name: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(Value::Array(items)) = fields.get_mut(name) {
        items.retain(keep);
        if items.is_empty() {
            fields.remove(name);
        }
    }
}

fn without_allocated_ports(request: &Value, object: &mut Value) {
    for (index, port) in
        object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
    {
        if request["spec"]["ports"][index].get("nodePort").is_none() {
            port.as_object_mut().unwrap().remove("nodePort");
        }
    }
}
