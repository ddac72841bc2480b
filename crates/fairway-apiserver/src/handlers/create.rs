//! A new object.

use fairway_schema::Cause;
use fairway_store::{CommitError, Expect, Key};
use http::StatusCode;
use serde_json::{Value, json};

use crate::object::{meta_mut, text_at};
use crate::pipeline::{self, Given, Kept, Origin};
use crate::request::WriteOptions;
use crate::server::{Call, Reply};
use crate::{ApiError, admission, custom, kinds};

/// How often a generated name may be taken.
const ATTEMPTS: usize = 8;
/// A generated name: so much of its base, and so much chance.
const BASE: usize = 58;
const CHANCE: usize = 5;

pub(super) async fn create(call: &Call) -> Result<Reply, ApiError> {
    let options = call.write_options("CreateOptions")?;
    let mut given = pipeline::decode(call, &options)?;
    pipeline::check_identity(call, &mut given.object)?;
    if !text_at(&given.object, "/metadata/resourceVersion").is_empty() {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    create_object(call, given, &options, false).await
}

/// Makes an object of its namespace, name and kind. `owned` says that its managedFields are already right.
pub(crate) async fn create_object(
    call: &Call,
    given: Given,
    options: &WriteOptions,
    owned: bool,
) -> Result<Reply, ApiError> {
    let Given { mut object, mut warnings } = given;
    let (shared, served) = (&call.shared, &call.served);
    let generated = generated_base(&object);
    name_or_refuse(call, &mut object, generated.as_deref())?;
    let namespace = call.info.namespace.as_str();
    admission::may_create(call, text_at(&object, "/metadata/name"))?;
    // Held until the commit: see `Shared::namespace_gate`.
    let _gate = if namespace.is_empty() { None } else { Some(shared.namespace_gate.read().await) };
    if !namespace.is_empty() {
        admission::namespace_is_open(call, text_at(&object, "/metadata/name"))?;
    }
    let mut causes = pipeline::complete(served, &mut object);
    if !owned {
        pipeline::record(call, options, None, &mut object);
    }
    let allocated = admission::create(call, &mut object).await?;
    pipeline::prepare_create(shared, served, &mut object);
    if !options.dry_run {
        custom::settle(call, &mut object);
    }
    pipeline::add_causes(&mut causes, kinds::validate_create(served, &object));
    pipeline::add_causes(&mut causes, pipeline::check(served, &mut object));
    if !causes.is_empty() {
        let name = text_at(&object, "/metadata/name");
        return Err(ApiError::invalid(&served.group, &served.kind, name, &causes));
    }
    admission::guard(call, text_at(&object, "/metadata/name"), None, &object)?;
    warnings.extend(kinds::unattended(served, &object));
    let taken = admission::quota::within(call, &object).await?;
    let made = commit(call, object, options, generated.as_deref()).await;
    drop((allocated, taken));
    made.map(|it| it.with_warnings(warnings))
}

async fn commit(
    call: &Call,
    mut object: Value,
    options: &WriteOptions,
    generated: Option<&str>,
) -> Result<Reply, ApiError> {
    let (shared, served) = (&call.shared, &call.served);
    for attempt in 1..=ATTEMPTS {
        let name = text_at(&object, "/metadata/name").to_owned();
        let key = key_of(call, &object);
        let taken = || ApiError::already_exists(&served.group, &served.plural, &name);
        if options.dry_run {
            if shared.store.get(&key).is_some() {
                return Err(taken());
            }
            return Ok(Reply::kept(StatusCode::CREATED, served.encode(&object), None));
        }
        let mut puts = vec![(key, Expect::Absent, Kept::of(served, &object))];
        if &*served.storage == "core/namespaces" {
            puts.extend(crate::namespaces::born_with(shared, &name));
        }
        let mut note = call.note(&options.field_manager);
        note.name = name.as_str().into();
        match pipeline::commit_puts(shared, puts, Origin { note }).await {
            Ok(stored) => return Ok(Reply::kept(StatusCode::CREATED, stored.value, Some(stored.revision))),
            Err(CommitError::Conflict { .. }) => match generated {
                Some(base) if attempt < ATTEMPTS => set_name(&mut object, &generate(call, base)),
                _ => return Err(taken()),
            },
            Err(error) => return Err(pipeline::refused(&error)),
        }
    }
    Err(ApiError::internal("no generated name was free"))
}

fn key_of(call: &Call, object: &Value) -> Key {
    Key::new(call.served.storage.clone(), call.info.namespace.as_str(), text_at(object, "/metadata/name"))
}

/// What a name is to be generated from, if one is to be.
fn generated_base(object: &Value) -> Option<String> {
    let base = text_at(object, "/metadata/generateName");
    (text_at(object, "/metadata/name").is_empty() && !base.is_empty()).then(|| base.to_owned())
}

fn name_or_refuse(call: &Call, object: &mut Value, generated: Option<&str>) -> Result<(), ApiError> {
    if let Some(base) = generated {
        set_name(object, &generate(call, base));
    }
    if text_at(object, "/metadata/name").is_empty() {
        let causes = [Cause::required("metadata.name", "name or generateName is required")];
        return Err(ApiError::invalid(&call.served.group, &call.served.kind, "", &causes));
    }
    Ok(())
}

fn generate(call: &Call, base: &str) -> String {
    let cut = base.char_indices().nth(BASE).map_or(base.len(), |it| it.0);
    format!("{}{}", &base[..cut], call.shared.world.entropy.suffix(CHANCE))
}

fn set_name(object: &mut Value, name: &str) {
    meta_mut(object).insert("name".to_owned(), json!(name));
}
