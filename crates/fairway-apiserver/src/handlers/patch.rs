//! PATCH: what shall be different. The four kinds of patch are told apart by the content type.

use fairway_schema::{Cause, decode_json};
use fairway_store::Stored;
use serde_json::Value;

use crate::ApiError;
use crate::object::{self, text_at};
use crate::pipeline::{self, Part, Replaced, Replacement};
use crate::request::WriteOptions;
use crate::server::{Call, Reply};

/// How often a patch that names no revision is tried again.
const ATTEMPTS: usize = 16;

/// The kind of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
}

pub(super) async fn patch(call: &Call) -> Result<Reply, ApiError> {
    patch_part(call, Part::Main).await
}

/// Patches what one endpoint may change.
pub(super) async fn patch_part(call: &Call, part: Part) -> Result<Reply, ApiError> {
    let kind = kind(call)?;
    let options = call.write_options("PatchOptions")?;
    check_options(call, kind, &options)?;
    for _ in 0..ATTEMPTS {
        let live = call.shared.store.get(&call.key());
        let live = match (live, kind) {
            (Some(live), _) => live,
            (None, Kind::Apply) if part == Part::Main => return create(call, &options).await,
            (None, _) => return Err(call.not_found()),
        };
        let given = match kind {
            Kind::Apply => pipeline::apply(call, Some(&call.served.decode(&live)), &options)?,
            _ => changed(call, kind, &live, &options)?,
        };
        let based_on = text_at(&given.object, "/metadata/resourceVersion").to_owned();
        if !based_on.is_empty() && based_on != live.revision.to_string() {
            return Err(pipeline::modified(&call.served, &call.info.name));
        }
        let owned = kind == Kind::Apply;
        let replacement = Replacement { live: &live, object: given.object, part, options: &options, owned };
        if let Replaced::Done(reply) = pipeline::replace(call, replacement).await? {
            return Ok(reply.with_warnings(given.warnings));
        }
    }
    Err(pipeline::modified(&call.served, &call.info.name))
}

/// An applied object that is not there is made, by whoever may make one.
async fn create(call: &Call, options: &WriteOptions) -> Result<Reply, ApiError> {
    let attributes = crate::Attributes { verb: "create", ..call.info.attributes() };
    crate::authorization::check(&*call.shared.authorize, &call.identity, &attributes)?;
    let given = pipeline::apply(call, None, options)?;
    super::create_object(call, given, options, true).await
}

fn kind(call: &Call) -> Result<Kind, ApiError> {
    let given = call.content_type.split(';').next().unwrap_or_default().trim();
    match given {
        "application/json-patch+json" => Ok(Kind::Json),
        "application/merge-patch+json" => Ok(Kind::Merge),
        "application/strategic-merge-patch+json" if !call.served.is_custom() => Ok(Kind::Strategic),
        "application/apply-patch+yaml" => Ok(Kind::Apply),
        _ => {
            let mut accepted = vec!["application/json-patch+json", "application/merge-patch+json"];
            if !call.served.is_custom() {
                accepted.push("application/strategic-merge-patch+json");
            }
            accepted.push("application/apply-patch+yaml");
            let message = format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                accepted.join(", ")
            );
            Err(ApiError::new(415, "UnsupportedMediaType", message))
        }
    }
}

fn check_options(call: &Call, kind: Kind, options: &WriteOptions) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    if kind == Kind::Apply && call.query.given("fieldManager").is_none() {
        causes.push(Cause::required("fieldManager", "is required for apply patch"));
    }
    if kind != Kind::Apply && options.force {
        causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
    }
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", &causes)) }
}

/// The live object with the patch put on it.
fn changed(call: &Call, kind: Kind, live: &Stored, options: &WriteOptions) -> Result<pipeline::Given, ApiError> {
    let tree = call.served.decode(live);
    let patched = match kind {
        Kind::Json => json_patch(&tree, &call.body)?,
        Kind::Merge => merge_patch(&tree, &call.body)?,
        _ => strategic_patch(call, &tree)?,
    };
    let mut given = pipeline::decode_tree(&call.served, patched, options)?;
    pipeline::check_identity(call, &mut given.object)?;
    if revision_untouched(&tree, &given.object) {
        // The revision came from the live object, not from the client: it binds nobody.
        object::meta_mut(&mut given.object).remove("resourceVersion");
    }
    Ok(given)
}

fn revision_untouched(tree: &Value, patched: &Value) -> bool {
    text_at(tree, "/metadata/resourceVersion") == text_at(patched, "/metadata/resourceVersion")
}

fn strategic_patch(call: &Call, tree: &Value) -> Result<Value, ApiError> {
    let patch = pipeline::read_tree(&call.body, false)?;
    let patched = fairway_schema::strategic::patch(&call.served.schema, tree, &patch);
    // The words and the code of the library that everybody uses.
    patched.map_err(|error| ApiError::new(500, "", error.to_string()))
}

/// A JSON patch on a tree.
pub(super) fn json_patch(tree: &Value, body: &[u8]) -> Result<Value, ApiError> {
    let patch = decode_json(body, None).map_err(|error| ApiError::bad_request(error.to_string()))?;
    fairway_schema::json_patch::json_patch(tree, &patch.value).map_err(|error| match error.code() {
        422 => ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request")
            .with_details(serde_json::json!({})),
        413 => ApiError::new(413, "RequestEntityTooLarge", error.to_string()),
        _ => ApiError::bad_request(error.to_string()),
    })
}

/// A merge patch on a tree.
pub(super) fn merge_patch(tree: &Value, body: &[u8]) -> Result<Value, ApiError> {
    let patch = pipeline::read_tree(body, false)?;
    fairway_schema::merge_patch::merge_patch(tree, &patch).map_err(|error| ApiError::bad_request(error.to_string()))
}
