//! Headers on their way through: what belongs to one connection stays there, who asked is said by us alone.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{HeaderValue as Value, Uri, Version, request};

use crate::answer::Refusal;

/// Fields of one connection, besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// Offers to go on in HTTP/2: passing it on would hand the client a tunnel past the routing table.
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The host that a request is for: lower case, without port and trailing dot.
pub(super) fn host(parts: &request::Parts) -> Result<String, Refusal> {
    let mut fields = parts.headers.get_all(header::HOST).iter();
    let (field, more) = (fields.next(), fields.next());
    // An absolute target wins over the Host field (RFC 9112, 3.2.2).
    let authority = match (parts.uri.authority(), field, more) {
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(only), None) => {
            only.to_str().map_err(|_| Refusal::BadRequest("the Host header is not a host name"))?
        }
        _ => return Err(Refusal::BadRequest("a request needs exactly one Host header")),
    };
    let (name, port) = match authority.rfind(':').filter(|at| !authority[*at..].contains(']')) {
        Some(at) => (&authority[..at], &authority[at + 1..]),
        None => (authority, ""),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let plain = |it: char| it.is_ascii_alphanumeric() || "-._".contains(it);
    let is_name = !name.is_empty() && name.len() <= 253 && name.chars().all(plain);
    let is_v6 =
        name.strip_prefix('[').and_then(|it| it.strip_suffix(']')).is_some_and(|it| it.parse::<IpAddr>().is_ok());
    if (is_name || is_v6) && port.len() <= 5 && port.chars().all(|it| it.is_ascii_digit()) {
        Ok(name)
    } else {
        Err(Refusal::BadRequest("the Host header is not a host name"))
    }
}

/// The target in the form that endpoints are asked with.
pub(super) fn origin_form(uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned().unwrap_or_else(|| http::uri::PathAndQuery::from_static("/"));
    Uri::from(path)
}

/// The headers for the endpoint.
pub(super) fn forwarded(parts: &request::Parts, peer: IpAddr) -> HeaderMap {
    let mut headers = parts.headers.clone();
    let wants_trailers = headers.get_all(header::TE).iter().any(|it| it.as_bytes().eq_ignore_ascii_case(b"trailers"));
    remove_hop_by_hop(&mut headers);
    if wants_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    // We answer it ourselves, by asking the client for the body once the endpoint takes it.
    headers.remove(header::EXPECT);
    if let Some(authority) = parts.uri.authority().and_then(|it| Value::from_str(it.as_str()).ok()) {
        headers.insert(header::HOST, authority);
    }
    for name in [FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST, FORWARDED_PORT, REAL_IP, header::FORWARDED] {
        headers.remove(name);
    }
    // Clients are not trusted proxies: what they claim about others is dropped, not prolonged.
    let host = headers.get(header::HOST).cloned().unwrap_or_else(|| HeaderValue::from_static(""));
    let node = if peer.is_ipv6() { format!("\"[{peer}]\"") } else { peer.to_string() };
    let element = format!("for={node};host=\"{}\";proto=http", host.to_str().unwrap_or_default());
    headers.extend([
        (FORWARDED_FOR, value(&peer.to_string())),
        (FORWARDED_PROTO, HeaderValue::from_static("http")),
        (FORWARDED_HOST, host),
        (header::FORWARDED, value(&element)),
    ]);
    headers
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Takes the fields of the endpoint's connection off an answer; `upgrade` keeps those that a switch of protocols needs.
pub(super) fn clean_answer(headers: &mut HeaderMap, upgrade: bool) {
    let protocol = headers.get(header::UPGRADE).filter(|_| upgrade).cloned();
    remove_hop_by_hop(headers);
    if let Some(protocol) = protocol {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed = headers.get_all(header::CONNECTION).iter().filter_map(|it| it.to_str().ok());
    let listed: Vec<HeaderName> = listed.flat_map(|it| it.split(',')).filter_map(|it| it.trim().parse().ok()).collect();
    // A client could otherwise have fields removed that frame or route the message.
    let keeps = |it: &HeaderName| *it == header::HOST || *it == header::CONTENT_LENGTH;
    for name in listed.iter().filter(|it| !keeps(it)).chain(&HOP_BY_HOP).chain([&PROXY_CONNECTION, &HTTP2_SETTINGS]) {
        headers.remove(name);
    }
}

/// Whether the client's version allows a switch of protocols.
pub(super) fn can_upgrade(version: Version) -> bool {
    version == Version::HTTP_11
}

#[cfg(test)]
mod tests;
