//! Acting as somebody else: the `Impersonate-*` headers, each value a right to be asked for.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};

use crate::authorization::{Attributes, Authorize, check};
use crate::{ApiError, Identity};

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA: &str = "impersonate-extra-";
const AUTHENTICATION: &str = "authentication.k8s.io";

#[cfg(test)]
mod tests;

/// The identity the request is to be judged by: the caller's own, or the one it asks for and may take.
///
/// Each of user, groups, uid and extra values needs the verb `impersonate` of its own, so the right to be any user
/// is not the right to be in `system:masters`.
pub fn impersonate(
    authorize: &dyn Authorize,
    caller: &Identity,
    headers: &HeaderMap,
) -> Result<Option<Identity>, ApiError> {
    let Some(wanted) = wanted(headers)? else { return Ok(None) };
    for attributes in questions(&wanted) {
        check(authorize, caller, &attributes)?;
    }
    // Whoever came through another already is still themselves.
    let impersonator = caller.impersonator.clone().unwrap_or_else(|| caller.user.clone());
    Ok(Some(Identity { impersonator: Some(impersonator), ..completed(wanted) }))
}

/// What the headers ask for, before it is allowed.
fn wanted(headers: &HeaderMap) -> Result<Option<Identity>, ApiError> {
    let user = single(headers, USER)?;
    let groups = headers.get_all(GROUP).iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let uid = single(headers, UID)?;
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        if let Some(key) = name.as_str().strip_prefix(EXTRA) {
            extra.entry(unescaped(key)).or_default().push(text(value)?);
        }
    }
    let Some(user) = user else {
        if groups.is_empty() && uid.is_none() && extra.is_empty() {
            return Ok(None);
        }
        return Err(ApiError::bad_request(
            "the request asks for a group, uid or extra value without a user; set the header Impersonate-User too",
        ));
    };
    Ok(Some(Identity { user, uid, groups, extra, impersonator: None }))
}

fn questions(wanted: &Identity) -> Vec<Attributes<'_>> {
    let base = Attributes { verb: "impersonate", version: "v1", is_resource: true, ..Attributes::default() };
    let mut questions = vec![match service_account(&wanted.user) {
        Some((namespace, name)) => Attributes { resource: "serviceaccounts", namespace, name, ..base },
        None => Attributes { resource: "users", name: &wanted.user, ..base },
    }];
    questions.extend(wanted.groups.iter().map(|name| Attributes { resource: "groups", name, ..base }));
    questions.extend(wanted.extra.iter().flat_map(|(key, values)| {
        values.iter().map(move |name| Attributes {
            group: AUTHENTICATION,
            resource: "userextras",
            subresource: key,
            name,
            ..base
        })
    }));
    questions.extend(wanted.uid.iter().map(|name| Attributes {
        group: AUTHENTICATION,
        resource: "uids",
        name,
        ..base
    }));
    questions
}

/// Adds the groups everybody of that sort is in.
fn completed(mut identity: Identity) -> Identity {
    if identity.groups.is_empty()
        && let Some((namespace, name)) = service_account(&identity.user)
    {
        identity.groups = Identity::service_account(namespace, name).groups;
    }
    let anonymous = identity.user == "system:anonymous";
    let known = identity.groups.iter().any(|it| it == "system:authenticated" || it == "system:unauthenticated");
    if !known {
        let group = if anonymous { "system:unauthenticated" } else { "system:authenticated" };
        identity.groups.push(group.to_owned());
    }
    identity
}

/// Namespace and name behind `system:serviceaccount:<namespace>:<name>`.
pub(crate) fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let sound = |it: &str| {
        !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
    };
    (sound(namespace) && sound(name)).then_some((namespace, name))
}

fn single(headers: &HeaderMap, name: &str) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(text).transpose()?.filter(|it| !it.is_empty());
    if values.next().is_some() {
        return Err(ApiError::bad_request(format!("the header {name} is given more than once; send one value")));
    }
    Ok(first)
}

fn text(value: &HeaderValue) -> Result<String, ApiError> {
    std::str::from_utf8(value.as_bytes())
        .map(ToOwned::to_owned)
        .map_err(|_| ApiError::bad_request("an Impersonate header is not UTF-8; send names as UTF-8 text"))
}

/// Extra keys are percent-encoded where a header name cannot spell them; what is no encoding stays as it is.
fn unescaped(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let decoded = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| {
            let high = char::from(hex[0]).to_digit(16)?;
            let low = char::from(hex[1]).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        });
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| key.to_owned())
}
