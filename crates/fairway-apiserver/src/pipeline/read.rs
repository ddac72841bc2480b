//! From the bytes of a body to an object that belongs where the path says.

use fairway_schema::{Cause, Decoded, Finding, Schema, decode_json, decode_yaml};
use serde_json::{Value, json};

use crate::object::{api_version, meta_mut, text_at};
use crate::registry::Served;
use crate::request::{FieldValidation, WriteOptions};
use crate::server::Call;
use crate::{ApiError, kinds, protobuf};

/// An object as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) object: Value,
    /// About fields that are not known, or were said twice.
    pub(crate) warnings: Vec<String>,
}

/// The object in the body of a request, in JSON or YAML, of the kind the path says.
pub(crate) fn decode(call: &Call, options: &WriteOptions) -> Result<Given, ApiError> {
    let served = &call.served;
    let schema: &Schema = &served.schema;
    let decoded = match notation(&call.content_type)? {
        Notation::Json => decode_json(&call.body, Some(schema)),
        Notation::Yaml => decode_yaml(&call.body, Some(schema)),
        Notation::Protobuf => Ok(Decoded { value: protobuf::decode(&call.body)?, findings: Vec::new() }),
    };
    let Decoded { value: mut object, findings } = decoded.map_err(|error| cannot_handle(served, &error.to_string()))?;
    if !object.is_object() {
        return Err(cannot_handle(served, "the body is not an object"));
    }
    check_kind(served, &mut object)?;
    let warnings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    if options.field_validation == FieldValidation::Strict && !warnings.is_empty() {
        return Err(cannot_handle(served, &format!("strict decoding error: {}", warnings.join(", "))));
    }
    kinds::normalize(served, &mut object).map_err(|why| cannot_handle(served, &why))?;
    let warnings = if options.field_validation == FieldValidation::Ignore { Vec::new() } else { warnings };
    Ok(Given { object, warnings })
}

/// The same for an object that a patch made of another.
pub(crate) fn decode_tree(served: &Served, mut object: Value, options: &WriteOptions) -> Result<Given, ApiError> {
    let name = text_at(&object, "/metadata/name").to_owned();
    if !object.is_object() {
        return Err(cannot_handle(served, "the patch does not leave an object"));
    }
    check_kind(served, &mut object)?;
    let mut warnings = Vec::new();
    if options.field_validation != FieldValidation::Ignore {
        let unknown = fairway_schema::unknown_fields(&served.schema, &object);
        warnings = unknown.into_iter().map(|it| Finding::Unknown(it).to_string()).collect();
    }
    if options.field_validation == FieldValidation::Strict && !warnings.is_empty() {
        let why = format!("strict decoding error: {}", warnings.join(", "));
        let cause = Cause::invalid("patch", &Value::Null, &why);
        return Err(ApiError::invalid(&served.group, &served.kind, &name, &[cause]));
    }
    kinds::normalize(served, &mut object).map_err(|why| cannot_handle(served, &why))?;
    Ok(Given { object, warnings })
}

/// A tree of any kind.
pub(crate) fn read_tree(body: &[u8], yaml: bool) -> Result<Value, ApiError> {
    // JSON is YAML too, and quicker to read as what it is.
    let looks_like_json = body.iter().find(|it| !it.is_ascii_whitespace()) == Some(&b'{');
    let read = if yaml && !looks_like_json { decode_yaml } else { decode_json };
    let decoded = read(body, None).map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok(decoded.value)
}

/// A body that is no object of the resource: options, a Scale, a Binding.
pub(crate) fn decode_options(call: &Call, kind: &str) -> Result<Value, ApiError> {
    let tree = match notation(&call.content_type)? {
        Notation::Protobuf => protobuf::decode(&call.body)?,
        notation => read_tree(&call.body, notation == Notation::Yaml)?,
    };
    let given = text_at(&tree, "/kind");
    if !given.is_empty() && given != kind {
        return Err(ApiError::bad_request(format!("the body holds a {given}; {kind} is expected here")));
    }
    Ok(tree)
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    Json,
    Yaml,
    Protobuf,
}

fn notation(content_type: &str) -> Result<Notation, ApiError> {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" => Ok(Notation::Json),
        "application/yaml" | "text/yaml" => Ok(Notation::Yaml),
        protobuf::CONTENT_TYPE => Ok(Notation::Protobuf),
        other => {
            let message = format!(
                "the body of the request was in an unknown format - accepted media types include: application/json, \
                 application/yaml, {} (it was {other})",
                protobuf::CONTENT_TYPE
            );
            Err(ApiError::new(415, "UnsupportedMediaType", message))
        }
    }
}

/// 400 in the words every decoding error has.
pub(crate) fn cannot_handle(served: &Served, why: &str) -> ApiError {
    // The version alone, as Kubernetes says it, also of kinds in a group.
    let (kind, version) = (&served.kind, &*served.version);
    ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}

/// Whether the object is what the path says, in that namespace, with that name; what it leaves out
/// is filled in.
pub(crate) fn check_identity(call: &Call, object: &mut Value) -> Result<(), ApiError> {
    let served = &call.served;
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

/// Whether the object is of the kind that the path says; what it leaves out is filled in.
pub(super) fn check_kind(served: &Served, object: &mut Value) -> Result<(), ApiError> {
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
