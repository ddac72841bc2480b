//! Query parameters.

use fairway_schema::Cause;
use serde_json::json;

use crate::ApiError;

/// The parameters of a request, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the question mark; undecodable pairs are refused.
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, ApiError> {
        let mut pairs = Vec::new();
        for pair in raw.unwrap_or_default().split('&').filter(|it| !it.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (percent_decode(key, true), percent_decode(value, true)) {
                (Some(key), Some(value)) => pairs.push((key, value)),
                _ => return Err(ApiError::bad_request(format!("the query parameter {key:?} cannot be decoded"))),
            }
        }
        Ok(Self(pairs))
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == key).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter, `None` also where it is empty.
    pub(crate) fn given(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|it| !it.is_empty())
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(it, _)| it == key).map(|(_, value)| value.as_str()).collect()
    }

    /// A switch: present without a value counts as on.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|it| !matches!(it, "false" | "0" | "False" | "FALSE" | "f" | "F"))
    }

    /// A whole number; what is not one is refused.
    pub(crate) fn number(&self, key: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.given(key) else { return Ok(None) };
        let parsed = text.parse().map_err(|_| {
            ApiError::bad_request(format!("{key}: Invalid value: {text:?}: must be a whole number of 64 bits"))
        })?;
        Ok(Some(parsed))
    }
}

/// The options that all writes share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    /// Given, or the first word of the user agent.
    pub(crate) field_manager: String,
    pub(crate) field_validation: FieldValidation,
    /// Only server-side apply knows it.
    pub(crate) force: bool,
}

/// What happens about unknown and doubled fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    /// Accept, drop, and say so in headers.
    #[default]
    Warn,
    /// Refuse.
    Strict,
}

impl WriteOptions {
    /// Reads the options of a verb, whose option kind (`CreateOptions` …) errors name.
    pub(crate) fn parse(query: &Query, kind: &str, user_agent: &str) -> Result<Self, ApiError> {
        let mut causes = Vec::new();
        let dry_run = query.all("dryRun");
        if dry_run.iter().any(|it| *it != "All") {
            causes.push(Cause::not_supported("dryRun", &json!(dry_run), &["All"]));
        }
        let field_validation = match query.get("fieldValidation").unwrap_or_default() {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let allowed = ["", "Ignore", "Strict", "Warn"];
                causes.push(Cause::not_supported("fieldValidation", &json!(other), &allowed));
                FieldValidation::Strict
            }
        };
        let given = query.get("fieldManager").unwrap_or_default();
        if given.chars().count() > 128 {
            causes.push(Cause::too_long("fieldManager", 128));
        } else if given.chars().any(char::is_control) {
            causes.push(Cause::invalid("fieldManager", &json!(given), "should only contain printable characters"));
        }
        if !causes.is_empty() {
            return Err(ApiError::invalid("meta.k8s.io", kind, "", &causes));
        }
        let field_manager = if given.is_empty() { agent_name(user_agent) } else { given.to_owned() };
        Ok(Self { dry_run: !dry_run.is_empty(), field_manager, field_validation, force: query.flag("force") })
    }
}

/// A user agent up to the first slash: the manager of fields whose writer gave no other name.
fn agent_name(user_agent: &str) -> String {
    let name: String =
        user_agent.split('/').next().unwrap_or_default().chars().filter(|it| !it.is_control()).take(128).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// Text with `%xx` replaced, `None` if that is not UTF-8. In queries a plus sign is a space.
pub(super) fn percent_decode(raw: &str, plus_is_space: bool) -> Option<String> {
    let bytes = raw.as_bytes();
    let encoded = bytes.contains(&b'%') || (plus_is_space && bytes.contains(&b'+'));
    if !encoded {
        return Some(raw.to_owned());
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'%' => {
                let digits = tail.get(..2).and_then(|it| std::str::from_utf8(it).ok())?;
                if !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
                    return None;
                }
                decoded.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &tail[2..];
            }
            b'+' if plus_is_space => decoded.push(b' '),
            other => decoded.push(*other),
        }
    }
    String::from_utf8(decoded).ok()
}
