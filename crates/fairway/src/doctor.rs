//! What this machine offers, as checks: who containers can be, which limits hold, whether git is there, which addresses are
//! reached.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use fairway_node::machine::{self, Machine, UserMode};
use fairway_outside::Outside;
use fairway_outside::trust::{Bundle, EXTRA};
use serde_json::{Value, json};

/// Where builds get their dependencies from.
const OUTSIDE: (&str, u16) = ("static.crates.io", 443);
/// How long an address outside may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looks, and tries what can be tried.
pub(crate) fn checks() -> Value {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("platform"));
    let machine = machine::inspect().tried(&program);
    json!({ "checks": [users(&machine), limits(&machine), kernel(&machine), git(), outside(), authorities()] })
}

fn check(name: &str, state: &str, says: String, advice: Option<String>) -> Value {
    json!({ "name": name, "state": state, "says": says, "advice": advice })
}

fn users(machine: &Machine) -> Value {
    let why = Some(machine.user_reason.clone()).filter(|it| !it.is_empty());
    let (state, says) = match machine.user_mode {
        UserMode::Root => ("ok", "root: every pod gets unprivileged users of its own".to_owned()),
        UserMode::RootlessRange => {
            ("ok", "rootless-range: not root, and all pods share a range of users that is lent to you".to_owned())
        }
        // It works, and there is something to do about it all the same.
        UserMode::RootlessSingle => ("ok", format!("rootless-single: not root, one user; {}", machine.user_reason)),
        UserMode::None => ("missing", "none: containers cannot run".to_owned()),
    };
    check("containers", state, says, why)
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

/// Repositories are kept by the git program.
fn git() -> Value {
    let output = Command::new("git").arg("version").stdin(Stdio::null()).output();
    let version = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default();
    if fairway_git::is_new_enough(&version) {
        return check("git", "ok", version, None);
    }
    let says = if version.is_empty() { "git is not there".to_owned() } else { format!("{version} is too old") };
    check("git", "missing", says, Some("install git 2.39 or later (apt install git)".to_owned()))
}

/// Builds fetch dependencies; everything else stays on this machine. It is tried as every other part would reach it.
fn outside() -> Value {
    let (outside, wrong) = Outside::read(|name| std::env::var(name).ok());
    if let Some(why) = wrong.into_iter().next() {
        let says = format!("{:#}", anyhow::Error::from(why));
        return check("addresses outside", "warning", says, Some("correct the variable that it names".to_owned()));
    }
    let (host, port) = OUTSIDE;
    let way = match outside.proxies().of(host, port) {
        Ok(Some(proxy)) => format!("through the proxy {proxy}"),
        _ => "directly".to_owned(),
    };
    match reach(&outside, host, port) {
        Ok(()) => check("addresses outside", "ok", format!("{host}:{port} is reached {way}"), None),
        Err(why) => {
            let advice = "builds that need new dependencies will fail: set HTTPS_PROXY, or build where the network is";
            let says = format!("{host}:{port} is not reached {way}: {why}");
            check("addresses outside", "warning", says, Some(advice.to_owned()))
        }
    }
}

/// Tries a connection, on a thread of its own: whoever asks has a runtime already.
fn reach(outside: &Outside, host: &str, port: u16) -> Result<(), String> {
    let attempt = || -> Result<(), String> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|it| it.to_string())?;
        let connected = runtime.block_on(async { tokio::time::timeout(PATIENCE, outside.connect(host, port)).await });
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
        match connected {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(format!("{:#}", anyhow::Error::from(why))),
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    };
    let died = |_| Err("the attempt failed".to_owned());
    std::thread::scope(|scope| scope.spawn(attempt).join()).unwrap_or_else(died)
}

/// What TLS trusts, here and in pods on host images.
fn authorities() -> Value {
    let bundle = Bundle::find(|name| std::env::var(name).ok());
    let shown = |path: &Option<PathBuf>| path.as_ref().map(|it| it.display().to_string());
    if let Err(why) = bundle.check() {
        let advice = format!("point SSL_CERT_FILE or {EXTRA} at a file of certificates in PEM form");
        return check("authorities", "warning", format!("{:#}", anyhow::Error::from(why)), Some(advice));
    }
    match (shown(&bundle.machine), shown(&bundle.extra)) {
        (Some(own), None) => check("authorities", "ok", own, None),
        (Some(own), Some(extra)) => check("authorities", "ok", format!("{own} and {extra}"), None),
        (None, Some(extra)) => check("authorities", "ok", extra, None),
        (None, None) => {
            let advice = "steps that use TLS will fail: install ca-certificates, or set SSL_CERT_FILE".to_owned();
            check("authorities", "warning", "this machine has no bundle of authorities".to_owned(), Some(advice))
        }
    }
}

#[cfg(test)]
mod tests;
