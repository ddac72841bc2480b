//! PUT: an object as it shall be.

use serde_json::Value;

use crate::ApiError;
use crate::object::text_at;
use crate::pipeline::{self, Given, Part, Replaced, Replacement};
use crate::request::WriteOptions;
use crate::server::{Call, Reply};

/// How often a write that names no revision is tried again.
const ATTEMPTS: usize = 16;

pub(super) async fn update(call: &Call) -> Result<Reply, ApiError> {
    update_part(call, Part::Main).await
}

/// Updates what one endpoint may change.
pub(super) async fn update_part(call: &Call, part: Part) -> Result<Reply, ApiError> {
    let options = call.write_options("UpdateOptions")?;
    let mut given = pipeline::decode(call, &options)?;
    pipeline::check_identity(call, &mut given.object)?;
    update_object(call, given, part, &options).await
}

/// Updates to an object that was already read.
pub(super) async fn update_object(
    call: &Call,
    given: Given,
    part: Part,
    options: &WriteOptions,
) -> Result<Reply, ApiError> {
    let names_revision = !text_at(&given.object, "/metadata/resourceVersion").is_empty();
    let may_make = part == Part::Main && !names_revision && pipeline::is_made_by_update(&call.served);
    for _ in 0..ATTEMPTS {
        let live = match super::get::read(call) {
            Ok(live) => live,
            Err(_) if may_make => return super::create_object(call, given, options, false).await,
            Err(error) => return Err(error),
        };
        let based_on = revision_of(call, &given.object)?;
        if based_on.is_some_and(|it| it != live.revision) {
            return Err(pipeline::modified(&call.served, &call.info.name));
        }
        let object = given.object.clone();
        let replacement = Replacement { live: &live, object, part, options, owned: false };
        match pipeline::replace(call, replacement).await? {
            Replaced::Done(reply) => return Ok(reply.with_warnings(given.warnings)),
            Replaced::Conflict if based_on.is_some() => break,
            Replaced::Conflict => {}
        }
    }
    Err(pipeline::modified(&call.served, &call.info.name))
}

/// The revision an update is based on; kinds that are only written by programs must name one.
fn revision_of(call: &Call, object: &Value) -> Result<Option<u64>, ApiError> {
    let text = text_at(object, "/metadata/resourceVersion");
    let served = &call.served;
    if text.is_empty() || text == "0" {
        if pipeline::needs_revision(served) {
            let value = serde_json::json!(0);
            let cause =
                fairway_schema::Cause::invalid("metadata.resourceVersion", &value, "must be specified for an update");
            return Err(ApiError::invalid(&served.group, &served.kind, &call.info.name, &[cause]));
        }
        return Ok(None);
    }
    // What was never a revision of ours is not the current one.
    text.parse().map(Some).map_err(|_| pipeline::modified(served, &call.info.name))
}
