//! `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as other programs understand them.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::addresses::in_network;

/// The variables that name a proxy, the first that is set counts.
pub const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that name what needs none.
pub const NO_PROXY_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Which way leads to a host.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// What cannot be used is kept: going past it would go past whoever set it.
    proxy: Option<Result<Proxy, InvalidProxy>>,
    without: Vec<Without>,
}

/// A proxy that is asked by `CONNECT`. Its password appears in no text.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    credentials: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Without {
    Everything,
    /// This name and those below it.
    Name(String, Option<u16>),
    Network(IpAddr, u8, Option<u16>),
}

/// A proxy that cannot be used. The value is not shown: it may hold a password.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum InvalidProxy {
    /// Not `http://`.
    #[error("{variable}: a proxy of kind {scheme}:// is not supported; give http://host:port")]
    Scheme {
        /// The variable that names it.
        variable: &'static str,
        /// What it begins with.
        scheme: String,
    },
    /// Everything else.
    #[error("{variable} is not a proxy like http://host:port")]
    Url {
        /// The variable that names it.
        variable: &'static str,
    },
}

impl Proxies {
    /// No proxy at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the variables. A proxy that cannot be used is an error only for hosts that need it.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &&'static str| variable(name).filter(|it| !it.trim().is_empty()).map(|it| (*name, it));
        let proxy = PROXY_VARIABLES.iter().find_map(set).map(|(name, value)| Proxy::parse(name, value.trim()));
        let without = NO_PROXY_VARIABLES.iter().find_map(set).map(|it| it.1).unwrap_or_default();
        let without =
            without.split([',', ' ']).map(str::trim).filter(|it| !it.is_empty()).map(Without::parse).collect();
        Self { proxy, without }
    }

    /// The proxy through which a host is reached; none if it is reached directly. This machine always is.
    pub fn of(&self, host: &str, port: u16) -> Result<Option<&Proxy>, InvalidProxy> {
        let host = bare(host).to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let address: Option<IpAddr> = host.parse().ok();
        let own = host == "localhost" || host.ends_with(".localhost") || address.is_some_and(|it| it.is_loopback());
        let without = own || self.without.iter().any(|it| it.covers(host, address, port));
        if without { Ok(None) } else { self.proxy() }
    }

    /// The proxy, whatever needs none.
    pub fn proxy(&self) -> Result<Option<&Proxy>, InvalidProxy> {
        self.proxy.as_ref().map(|it| it.as_ref().map_err(Clone::clone)).transpose()
    }
}

impl Proxy {
    fn parse(variable: &'static str, url: &str) -> Result<Self, InvalidProxy> {
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) => {
                let scheme = scheme.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
                return Err(InvalidProxy::Scheme { variable, scheme });
            }
            None => url,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
        let (host, port) = host_and_port(place, 80).ok_or(InvalidProxy::Url { variable })?;
        let credentials =
            user.map(|it| STANDARD.encode(decoded(if it.contains(':') { it.to_owned() } else { format!("{it}:") })));
        Ok(Self { host: host.to_owned(), port, credentials })
    }

    /// Its host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The request that opens a way to a host.
    pub(crate) fn connect_request(&self, host: &str, port: u16) -> String {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let credentials = self.credentials.as_ref().map(|it| format!("Proxy-Authorization: Basic {it}\r\n"));
        let credentials = credentials.unwrap_or_default();
        format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{credentials}\r\n")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brackets = self.host.contains(':');
        if brackets { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl Without {
    fn parse(word: &str) -> Self {
        if word == "*" {
            return Self::Everything;
        }
        if let Some((network, bits)) = word.split_once('/')
            && let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u8>())
            && bits <= if network.is_ipv4() { 32 } else { 128 }
        {
            return Self::Network(network, bits, None);
        }
        if let Ok(address) = bare(word).parse::<IpAddr>() {
            return Self::Network(address, if address.is_ipv4() { 32 } else { 128 }, None);
        }
        let (name, port) = match word.rsplit_once(':').map(|(name, port)| (name, port.parse().ok())) {
            Some((name, Some(port))) => (name, Some(port)),
            _ => (word, None),
        };
        if let Ok(address) = bare(name).parse::<IpAddr>() {
            return Self::Network(address, if address.is_ipv4() { 32 } else { 128 }, port);
        }
        let name = name.strip_prefix('*').unwrap_or(name).trim_matches('.').to_ascii_lowercase();
        Self::Name(name, port)
    }

    fn covers(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let is_port = |it: &Option<u16>| it.is_none_or(|it| it == port);
        match self {
            Self::Everything => true,
            Self::Name(name, own) => {
                let below = || host.strip_suffix(name.as_str()).is_some_and(|it| it.ends_with('.'));
                is_port(own) && !name.is_empty() && (host == name || below())
            }
            Self::Network(network, bits, own) => {
                is_port(own) && address.is_some_and(|it| in_network(it, *network, *bits))
            }
        }
    }
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host)
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_and_port(place: &str, usual: u16) -> Option<(&str, u16)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None | Some("") => usual,
        Some(it) => it.parse().ok().filter(|it| *it != 0)?,
    };
    let clean = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_' | b':');
    (!host.is_empty() && host.bytes().all(clean)).then_some((host, port))
}

/// `%40` and its like, as bytes.
fn decoded(text: String) -> Vec<u8> {
    let bytes = text.into_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    let digit = |it: Option<&u8>| it.and_then(|it| char::from(*it).to_digit(16)).and_then(|it| u8::try_from(it).ok());
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
