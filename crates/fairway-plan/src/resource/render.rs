//! From a class and the facts of a Resource to its objects, and to what a workload is told.

use std::collections::BTreeMap;

use fairway_api::names::{LABEL_ENVIRONMENT, LABEL_PROJECT, LABEL_RESOURCE};
use fairway_api::v1alpha1::ResourceClassSpec;
use fairway_schema::decode_yaml;
use serde_json::{Map, Value, json};

use super::Facts;
use crate::template::engine::Engine;
use crate::{Finding, digest_of};

/// No class makes more objects of one Resource.
const MAX_OBJECTS: usize = 50;
/// The annotation of a Job's pods that changes with what is generated: they run again to make it so.
const SERIAL: &str = "fairway.dev/credentials-serial";

/// What a class may make.
pub(super) const KINDS: [(&str, &str); 9] = [
    ("v1", "ConfigMap"),
    ("batch/v1", "CronJob"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "StatefulSet"),
];

/// The objects of a Resource.
pub fn render(class: &ResourceClassSpec, facts: &Facts<'_>) -> Result<Vec<Value>, Vec<Finding>> {
    objects("spec.manifests", &class.manifests, &facts.of_manifests(), facts)
}

/// The objects that make a dump of what it holds, under this name; none where its class knows no way.
pub fn dump(class: &ResourceClassSpec, facts: &Facts<'_>, backup: &str) -> Result<Vec<Value>, Vec<Finding>> {
    let source = class.dump.as_deref();
    source.map_or(Ok(Vec::new()), |it| objects("spec.dump", it, &facts.of_dump(backup, None), facts))
}

/// The objects that put the dump `from` in the place of what it holds, and keep that as the dump `backup`; none where its
/// class knows no way.
pub fn restore(
    class: &ResourceClassSpec,
    facts: &Facts<'_>,
    from: &str,
    backup: &str,
) -> Result<Vec<Value>, Vec<Finding>> {
    let source = class.restore.as_deref();
    source.map_or(Ok(Vec::new()), |it| objects("spec.restore", it, &facts.of_dump(backup, Some(from)), facts))
}

/// What a workload is told. `login` is the one whose turn it is.
pub fn outputs(
    class: &ResourceClassSpec,
    facts: &Facts<'_>,
    login: Option<&str>,
    secrets: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<Finding>> {
    let mut engine = Engine::new(&facts.of_outputs(login, secrets));
    let mut told = BTreeMap::new();
    let mut findings = Vec::new();
    for output in &class.outputs {
        match engine.render(&output.value) {
            Ok(bytes) => drop(told.insert(output.name.clone(), String::from_utf8_lossy(&bytes).into_owned())),
            // What the engine says may hold a value: only where it is, is told.
            Err(_) => findings.push(Finding::new(at(&output.name), "cannot be rendered; correct its text")),
        }
    }
    if findings.is_empty() { Ok(told) } else { Err(findings) }
}

pub(super) fn at(output: &str) -> String {
    format!("spec.outputs.{output}")
}

fn objects(place: &str, source: &str, known: &Value, facts: &Facts<'_>) -> Result<Vec<Value>, Vec<Finding>> {
    let rendered = Engine::new(known).render(source);
    let bytes = rendered.map_err(|(line, message)| vec![on_line(Finding::new(place, message), line)])?;
    let text = String::from_utf8_lossy(&bytes);
    let (mut objects, mut findings) = (Vec::new(), Vec::new());
    for (line, document) in documents(&text) {
        let object = match decode_yaml(document.as_bytes(), None) {
            Ok(decoded) => decoded.value,
            Err(error) => {
                let said: String = error.to_string().lines().next().unwrap_or_default().chars().take(300).collect();
                findings.push(on_line(Finding::new(place, format!("the document cannot be read: {said}")), Some(line)));
                continue;
            }
        };
        if object.is_null() {
            continue;
        }
        match refused(&object, facts.name) {
            Some(why) => findings.push(on_line(Finding::new(place, why), Some(line))),
            None => objects.push(finished(object, facts)),
        }
    }
    if objects.len() > MAX_OBJECTS {
        findings.push(Finding::new(place, format!("makes {} objects; at most {MAX_OBJECTS}", objects.len())));
    }
    let mut names: Vec<(&Value, &Value)> = objects.iter().map(|it| (&it["kind"], &it["metadata"]["name"])).collect();
    names.sort_by_key(|it| (it.0.as_str(), it.1.as_str()));
    if let Some(twice) = names.windows(2).find(|it| it[0] == it[1]) {
        findings.push(Finding::new(place, format!("{} {} stands twice", twice[0].0, twice[0].1)));
    }
    if findings.is_empty() { Ok(objects) } else { Err(findings) }
}

fn on_line(finding: Finding, line: Option<usize>) -> Finding {
    finding.on_line(line.and_then(|it| u32::try_from(it).ok()).unwrap_or(0))
}

/// The documents of a text, and the line each begins on.
fn documents(text: &str) -> Vec<(usize, String)> {
    let mut documents = vec![(1, String::new())];
    for (index, line) in text.lines().enumerate() {
        if line.trim_end() == "---" {
            documents.push((index + 2, String::new()));
        } else if let Some((_, document)) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents.retain(|(_, it)| it.lines().any(|it| !it.trim().is_empty() && !it.trim_start().starts_with('#')));
    documents
}

/// Why an object is none that a class may make.
fn refused(object: &Value, resource: &str) -> Option<String> {
    let (version, kind) =
        (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default());
    if !KINDS.contains(&(version, kind)) {
        let known: Vec<&str> = KINDS.iter().map(|it| it.1).collect();
        return Some(format!("a class cannot make {version:?} {kind:?}; it makes {}", known.join(", ")));
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let named = name.strip_prefix(resource).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    if !named {
        return Some(format!(
            "{kind} {name:?} must be named {{{{ resource.name }}}}, or begin so and go on with \"-\""
        ));
    }
    if object["metadata"].get("namespace").is_some() {
        return Some(format!("{kind} {name:?} names a namespace; leave it out, it is the Resource's"));
    }
    None
}

/// The object with what every object of a Resource has.
fn finished(mut object: Value, facts: &Facts<'_>) -> Value {
    let labels = |it: &mut Value| {
        let metadata = part(it, "metadata");
        let labels = part(metadata, "labels");
        for (name, value) in [
            ("app.kubernetes.io/managed-by", "fairway"),
            (LABEL_PROJECT, facts.project),
            (LABEL_ENVIRONMENT, facts.environment),
            (LABEL_RESOURCE, facts.name),
        ] {
            labels[name] = json!(value);
        }
    };
    labels(&mut object);
    object["metadata"]["namespace"] = json!(facts.namespace);
    match object["kind"].as_str() {
        Some("StatefulSet" | "Deployment") => labels(part(part(&mut object, "spec"), "template")),
        Some("CronJob") => {
            let job = part(part(&mut object, "spec"), "jobTemplate");
            labels(job);
            labels(part(part(job, "spec"), "template"));
        }
        Some("Job") => {
            let template = part(part(&mut object, "spec"), "template");
            labels(template);
            part(part(template, "metadata"), "annotations")[SERIAL] = json!(facts.serial.to_string());
            // A Job does not change: another one has another name.
            let name =
                format!("{}-{}", object["metadata"]["name"].as_str().unwrap_or_default(), digest_of(&object).short());
            object["metadata"]["name"] = json!(name);
        }
        _ => {}
    }
    object
}

/// The map below a name, made where it is none.
fn part<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let below = &mut value[name];
    if !below.is_object() {
        *below = Value::Object(Map::new());
    }
    below
}
