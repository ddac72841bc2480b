//! Who owns which field: what server-side apply and every other write leave in `metadata.managedFields`.

use fairway_schema::managed::{self, ApplyError, FieldSet, Manager, Path, Write};
use serde_json::{Value, json};

use super::read::{Given, check_identity, check_kind, read_tree};
use crate::object::{api_version, meta_mut, text_at};
use crate::registry::Served;
use crate::request::WriteOptions;
use crate::server::Call;
use crate::{ApiError, kinds};

/// Records a write that is not an apply; `old` is absent for a new object.
pub(crate) fn record(call: &Call, options: &WriteOptions, old: Option<&Value>, new: &mut Value) {
    let (version, mut reset) = (api_version(&call.served), reset(&call.served, &call.info.subresource));
    if old.is_none() && &*call.served.storage == "core/services" {
        // Given with the address, which is nobody's choice.
        for field in ["ipFamilies", "ipFamilyPolicy", "clusterIPs"] {
            reset.insert(&Path::of_fields(&["spec", field]).0);
        }
    }
    managed::update(&write(call, options, &version, old, &reset), new);
}

/// The object that comes of applying the body to the live object, with its owners.
pub(crate) fn apply(call: &Call, live: Option<&Value>, options: &WriteOptions) -> Result<Given, ApiError> {
    let served = &call.served;
    let mut config = read_tree(&call.body, true)?;
    if text_at(&config, "/kind").is_empty() || text_at(&config, "/apiVersion").is_empty() {
        return Err(ApiError::bad_request("an applied object must say its apiVersion and kind"));
    }
    if text_at(&config, "/apiVersion") == api_version(served) {
        check_kind(served, &mut config)?;
    }
    let based_on = text_at(&config, "/metadata/resourceVersion").to_owned();
    check_identity(call, &mut config)?;
    let (version, reset) = (api_version(served), reset(served, &call.info.subresource));
    let write = write(call, options, &version, live, &reset);
    let mut object = managed::apply(&write, &config, options.force).map_err(|error| refused(&error))?;
    kinds::normalize(served, &mut object).map_err(|why| super::read::cannot_handle(served, &why))?;
    // Only what the client sent binds the write to a revision.
    let metadata = meta_mut(&mut object);
    if based_on.is_empty() {
        metadata.remove("resourceVersion");
    } else {
        metadata.insert("resourceVersion".to_owned(), json!(based_on));
    }
    Ok(Given { object, warnings: Vec::new() })
}

fn write<'a>(
    call: &'a Call,
    options: &'a WriteOptions,
    version: &'a str,
    live: Option<&'a Value>,
    reset: &'a FieldSet,
) -> Write<'a> {
    Write {
        schema: &call.served.schema,
        built_in: !call.served.is_custom(),
        live,
        manager: Manager { name: &options.field_manager, api_version: version, subresource: &call.info.subresource },
        now: call.shared.world.clock.now(),
        reset,
    }
}

/// What an endpoint puts back whatever the client says.
fn reset(served: &Served, subresource: &str) -> FieldSet {
    let status = || FieldSet::of([Path::of_fields(&["status"])]);
    match subresource {
        "" | "scale" if served.subresource("status").is_some() => status(),
        "status" if served.is_custom() => FieldSet::of([Path::of_fields(&["spec"]), Path::of_fields(&["metadata"])]),
        "status" => FieldSet::of([Path::of_fields(&["spec"])]),
        _ => FieldSet::default(),
    }
}

fn refused(error: &ApplyError) -> ApiError {
    let message = error.to_message();
    match error {
        ApplyError::Conflicts(_) => {
            let cause = |it: managed::ConflictCause| json!({ "reason": "FieldManagerConflict", "message": it.message, "field": it.field });
            let causes: Vec<Value> = error.causes().into_iter().map(cause).collect();
            ApiError::new(409, "Conflict", message).with_details(json!({ "causes": causes }))
        }
        ApplyError::WrongVersion { .. } | ApplyError::ManagersGiven => ApiError::bad_request(message),
        ApplyError::Typed { .. } | ApplyError::DecodeManagers(_) => ApiError::new(500, "", message),
    }
}
