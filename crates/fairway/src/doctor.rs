//! What this machine offers, as checks: who containers can be, which limits hold, which addresses are reached.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use fairway_node::machine::{self, Machine, UserMode};
use serde_json::{Value, json};

/// Where builds get their dependencies from.
const OUTSIDE: &str = "static.crates.io:443";
/// How long an address outside may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks, and tries what can be tried.
pub(crate) fn checks() -> Value {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("platform"));
    let machine = machine::inspect().tried(&program);
    json!({ "checks": [users(&machine), limits(&machine), kernel(&machine), outside()] })
}

fn check(name: &str, state: &str, says: String, advice: Option<String>) -> Value {
    json!({ "name": name, "state": state, "says": says, "advice": advice })
}

fn users(machine: &Machine) -> Value {
    let why = Some(machine.user_reason.clone()).filter(|it| !it.is_empty());
    let (state, says) = match machine.user_mode {
        UserMode::Root => ("ok", "root: every pod gets an unprivileged user of its own"),
        UserMode::RootlessRange => ("ok", "rootless-range: not root, and a range of users may be mapped"),
        UserMode::RootlessSingle => {
            ("ok", "rootless-single: not root, one user; services are kept from mistakes, not from attackers")
        }
        UserMode::None => ("missing", "none: containers cannot run"),
    };
    check("containers", state, says.to_owned(), why)
}

fn limits(machine: &Machine) -> Value {
    match &machine.cgroups_reason {
        None if !machine.controllers.is_empty() => {
            check("limits", "ok", format!("cgroups {}: {}", machine.cgroups, machine.controllers.join(", ")), None)
        }
        reason => {
            let says = "memory and processor limits are not enforced".to_owned();
            check("limits", "warning", says, reason.clone())
        }
    }
}

fn kernel(machine: &Machine) -> Value {
    let missing: Vec<&str> = [(machine.seccomp, "seccomp filters"), (machine.overlay, "overlay mounts")]
        .into_iter()
        .filter_map(|(there, name)| (!there).then_some(name))
        .collect();
    let says = format!("{}, {} processors, {} MiB", machine.kernel, machine.cpus, machine.memory_bytes >> 20);
    if missing.is_empty() {
        return check("kernel", "ok", says, None);
    }
    let advice = format!("use a kernel with {}", missing.join(" and "));
    check("kernel", "missing", format!("{says}; without {}", missing.join(" and ")), Some(advice))
}

/// Builds fetch dependencies; everything else stays on this machine.
fn outside() -> Value {
    let proxy = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"].iter().find_map(|it| std::env::var(it).ok());
    let (address, way) = match proxy.as_deref().and_then(host_and_port) {
        Some(proxy) => (proxy.clone(), format!("through the proxy {proxy}")),
        None => (OUTSIDE.to_owned(), "directly".to_owned()),
    };
    let reached = address
        .to_socket_addrs()
        .ok()
        .into_iter()
        .flatten()
        .any(|it| TcpStream::connect_timeout(&it, PATIENCE).is_ok());
    if reached {
        return check("addresses outside", "ok", format!("{address} is reached {way}"), None);
    }
    let advice =
        "builds that need new dependencies will fail: set HTTPS_PROXY, or build where the network is".to_owned();
    check("addresses outside", "warning", format!("{address} is not reached {way}"), Some(advice))
}

/// The part of a proxy's URL that is connected to; never its password.
fn host_and_port(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |it| it.1);
    let authority = rest.split('/').next()?;
    let host = authority.rsplit_once('@').map_or(authority, |it| it.1);
    if host.is_empty() {
        return None;
    }
    Some(if host.contains(':') { host.to_owned() } else { format!("{host}:80") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_not_shown() {
        assert_eq!(host_and_port("http://user:secret@proxy.corp:3128/").as_deref(), Some("proxy.corp:3128"));
        assert_eq!(host_and_port("proxy.corp").as_deref(), Some("proxy.corp:80"));
        assert_eq!(host_and_port("http:///"), None);
    }
}
