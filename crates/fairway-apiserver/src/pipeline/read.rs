//! From the bytes of a body to an object that belongs where the path says.

use fairway_schema::Cause;
use serde_json::{Value, json};

use crate::object::{api_version, meta_mut, text_at};
use crate::registry::Served;
use crate::request::{FieldValidation, WriteOptions};
use crate::server::Call;
use crate::{ApiError, standin};

/// An object as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) object: Value,
    /// About fields that are not known, or were said twice.
    pub(crate) warnings: Vec<String>,
}

/// The object in the body of a request, in JSON or YAML.
pub(crate) fn decode(call: &Call, options: &WriteOptions) -> Result<Given, ApiError> {
    let yaml = is_yaml(&call.content_type)?;
    let given = standin::decode(&call.served, &call.body, yaml)?;
    judge(&call.served, given, options)
}

/// The same for an object that was made from another, by a patch.
pub(crate) fn decode_tree(served: &Served, object: Value, options: &WriteOptions) -> Result<Given, ApiError> {
    let (object, unknown) = standin::known_fields(served, object);
    judge(served, Given { object, warnings: unknown }, options)
}

/// A body that is no object of the resource: options, a Scale, a Binding.
pub(crate) fn decode_options(call: &Call, kind: &str) -> Result<Value, ApiError> {
    let yaml = is_yaml(&call.content_type)?;
    let tree = standin::decode_any(&call.body, yaml)?;
    let given = text_at(&tree, "/kind");
    if !given.is_empty() && given != kind {
        return Err(ApiError::bad_request(format!("the body holds a {given}; {kind} is expected here")));
    }
    Ok(tree)
}

/// Whether the body is YAML; what is neither that nor JSON is refused.
fn is_yaml(content_type: &str) -> Result<bool, ApiError> {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" => Ok(false),
        "application/yaml" | "text/yaml" => Ok(true),
        other => {
            let message = format!(
                "the body of the request was in an unknown format - accepted media types include: application/json, \
                 application/yaml (it was {other}; protobuf bodies are not served yet)"
            );
            Err(ApiError::new(415, "UnsupportedMediaType", message))
        }
    }
}

fn judge(served: &Served, given: Given, options: &WriteOptions) -> Result<Given, ApiError> {
    match options.field_validation {
        FieldValidation::Ignore => Ok(Given { warnings: Vec::new(), ..given }),
        FieldValidation::Warn => Ok(given),
        FieldValidation::Strict if given.warnings.is_empty() => Ok(given),
        FieldValidation::Strict => {
            let why = format!("strict decoding error: {}", given.warnings.join(", "));
            Err(cannot_handle(served, &why))
        }
    }
}

/// 400 in the words every decoding error has.
pub(crate) fn cannot_handle(served: &Served, why: &str) -> ApiError {
    let (kind, version) = (&served.kind, api_version(served));
    ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}

/// Whether the object is what the path says, of that kind, in that namespace, with that name; what it leaves out
/// is filled in.
pub(crate) fn check_identity(call: &Call, object: &mut Value) -> Result<(), ApiError> {
    let served = &call.served;
    if !object.is_object() {
        return Err(cannot_handle(served, "the body is not an object"));
    }
    check_kind(served, object)?;
    let namespace = text_at(object, "/metadata/namespace").to_owned();
    let wanted = call.info.namespace.as_str();
    if !namespace.is_empty() && namespace != wanted {
        let message = if served.namespaced {
            "the namespace of the provided object does not match the namespace sent on the request"
        } else {
            "namespace may not be set on an object that has none"
        };
        return Err(ApiError::bad_request(message));
    }
    let name = text_at(object, "/metadata/name").to_owned();
    if !call.info.name.is_empty() && !name.is_empty() && name != call.info.name {
        let message =
            format!("the name of the object ({name}) does not match the name on the URL ({})", call.info.name);
        return Err(ApiError::bad_request(message));
    }
    let metadata = meta_mut(object);
    if served.namespaced {
        metadata.insert("namespace".to_owned(), json!(wanted));
    } else {
        metadata.remove("namespace");
    }
    if name.is_empty() && !call.info.name.is_empty() {
        metadata.insert("name".to_owned(), json!(call.info.name));
    }
    Ok(())
}

fn check_kind(served: &Served, object: &mut Value) -> Result<(), ApiError> {
    let (kind, version) = (text_at(object, "/kind").to_owned(), text_at(object, "/apiVersion").to_owned());
    let wanted = api_version(served);
    if served.is_custom() {
        if kind.is_empty() {
            return Err(cannot_handle(served, "Object 'Kind' is missing"));
        }
        if version != wanted {
            let message =
                format!("the API version in the data ({version}) does not match the expected API version ({wanted})");
            return Err(ApiError::bad_request(message));
        }
        if kind != *served.kind {
            let causes = [Cause::invalid("kind", &json!(kind), &format!("must be {}", served.kind))];
            return Err(ApiError::invalid(&served.group, &served.kind, text_at(object, "/metadata/name"), &causes));
        }
        return Ok(());
    }
    let given_kind = if kind.is_empty() { &*served.kind } else { kind.as_str() };
    let given_version = if version.is_empty() { wanted.as_str() } else { version.as_str() };
    if given_version != wanted {
        let why = format!(
            "no kind {given_kind:?} is registered for version {given_version:?} in scheme \"pkg/runtime/scheme.go:110\""
        );
        let text = format!("{given_kind} in version {given_version:?} cannot be handled as a {}: {why}", served.kind);
        return Err(ApiError::bad_request(text));
    }
    if given_kind != &*served.kind {
        let group = if served.group.is_empty() { "core" } else { &served.group };
        let short = group.split('.').next().unwrap_or(group);
        let why =
            format!("converting ({}.{given_kind}) to ({short}.{}): unknown conversion", served.version, served.kind);
        let text = format!("{given_kind} in version {given_version:?} cannot be handled as a {}: {why}", served.kind);
        return Err(ApiError::bad_request(text));
    }
    if let Value::Object(map) = object {
        map.insert("kind".to_owned(), json!(&*served.kind));
        map.insert("apiVersion".to_owned(), json!(wanted));
    }
    Ok(())
}
