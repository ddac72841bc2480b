//! `scale`: how many there are and shall be, in the same words for every kind that has numbers.

use fairway_store::Stored;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::patch;
use crate::object::text_at;
use crate::pipeline::{self, Part, Replaced, Replacement};
use crate::request::WriteOptions;
use crate::server::{Call, Reply};
use crate::{ApiError, Subresource};

/// How often a write that names no revision is tried again.
const ATTEMPTS: usize = 16;

pub(super) async fn scale(call: &Call, subresource: &Subresource) -> Result<Reply, ApiError> {
    match call.info.verb {
        "get" => {
            let live = super::super::get::read(call)?;
            Ok(Reply::tree(StatusCode::OK, view(call, subresource, &live)))
        }
        "update" => write(call, subresource, "UpdateOptions", |_| read_body(call)).await,
        _ => write(call, subresource, "PatchOptions", |scale| patched(call, scale)).await,
    }
}

async fn write(
    call: &Call,
    subresource: &Subresource,
    options: &str,
    wanted: impl Fn(&Value) -> Result<Value, ApiError>,
) -> Result<Reply, ApiError> {
    let options: WriteOptions = call.write_options(options)?;
    for _ in 0..ATTEMPTS {
        let live = super::super::get::read(call)?;
        let current = view(call, subresource, &live);
        let scale = wanted(&current)?;
        check(call, &current, &scale)?;
        let replicas = replicas(call, &scale)?;
        let mut new = call.served.decode(&live);
        let path = subresource.scale.as_ref().map_or(".spec.replicas", |it| &*it.spec_replicas);
        set(&mut new, path, json!(replicas));
        let replacement = Replacement { live: &live, object: new, part: Part::Main, options: &options, owned: false };
        if let Replaced::Done(_) = pipeline::replace(call, replacement).await? {
            let mut now = super::super::get::read(call).map(|it| view(call, subresource, &it))?;
            if options.dry_run {
                now["spec"]["replicas"] = json!(replicas);
            }
            return Ok(Reply::tree(StatusCode::OK, now));
        }
    }
    Err(pipeline::modified(&call.served, &call.info.name))
}

fn read_body(call: &Call) -> Result<Value, ApiError> {
    pipeline::decode_options(call, "Scale")
}

fn patched(call: &Call, scale: &Value) -> Result<Value, ApiError> {
    match call.content_type.split(';').next().unwrap_or_default().trim() {
        "application/json-patch+json" => patch::json_patch(scale, &call.body),
        "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            patch::merge_patch(scale, &call.body)
        }
        "application/apply-patch+yaml" => patch::merge_patch(scale, &call.body),
        _ => Err(ApiError::new(415, "UnsupportedMediaType", "415: Unsupported Media Type")),
    }
}

/// A revision or uid in the sent Scale says which object is meant.
fn check(call: &Call, current: &Value, scale: &Value) -> Result<(), ApiError> {
    for field in ["/metadata/resourceVersion", "/metadata/uid"] {
        let given = text_at(scale, field);
        if !given.is_empty() && given != text_at(current, field) {
            return Err(pipeline::modified(&call.served, &call.info.name));
        }
    }
    Ok(())
}

fn replicas(call: &Call, scale: &Value) -> Result<i64, ApiError> {
    let given = scale.pointer("/spec/replicas").cloned().unwrap_or(json!(0));
    let invalid = |detail: &str| {
        let cause = fairway_schema::Cause::invalid("spec.replicas", &given, detail);
        ApiError::invalid("autoscaling", "Scale", &call.info.name, &[cause])
    };
    match given.as_i64() {
        Some(it) if it < 0 => Err(invalid("must be greater than or equal to 0")),
        Some(it) if it <= i64::from(i32::MAX) => Ok(it),
        _ => Err(invalid("must be a whole number of 32 bits")),
    }
}

/// The Scale of an object.
fn view(call: &Call, subresource: &Subresource, live: &Stored) -> Value {
    let tree = call.served.decode(live);
    let paths = subresource.scale.as_ref();
    let number = |path: &str| at(&tree, path).and_then(Value::as_i64).unwrap_or(0);
    let (spec, status) =
        paths.map_or((".spec.replicas", ".status.replicas"), |it| (&*it.spec_replicas, &*it.status_replicas));
    let mut shown = json!({ "replicas": number(status) });
    let selector = match paths {
        Some(it) => it.label_selector.as_ref().and_then(|it| at(&tree, it)?.as_str().map(ToOwned::to_owned)),
        None => at(&tree, ".spec.selector").map(selector_text),
    };
    if let Some(selector) = selector.filter(|it| !it.is_empty()) {
        shown["selector"] = json!(selector);
    }
    let mut metadata = json!({ "resourceVersion": live.revision.to_string() });
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        if let Some(value) = tree["metadata"].get(field) {
            metadata[field] = value.clone();
        }
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": { "replicas": number(spec) }, "status": shown,
    })
}

/// A label selector as one line: `a=b,c in (d,e)`.
fn selector_text(selector: &Value) -> String {
    let labels = selector.get("matchLabels").unwrap_or(selector).as_object();
    let mut terms: Vec<String> =
        labels.into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    for it in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = text_at(it, "/key");
        let values: Vec<&str> = it["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        terms.push(match text_at(it, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.join(",")
}

fn at<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|it| !it.is_empty()).try_fold(tree, |it, key| it.get(key))
}

fn set(tree: &mut Value, path: &str, value: Value) {
    let mut place = tree;
    for key in path.split('.').filter(|it| !it.is_empty()) {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[key];
    }
    *place = value;
}
