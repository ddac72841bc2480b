//! How the user's own git reaches the platform: entries in their configuration, for the platform's address alone. One
//! names our certificate authority, one the helper that tells git the token, one says that no proxy leads there. `up`
//! writes them, `down --purge` takes them back.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::failure::Failure;
use crate::home::Home;
use crate::session::Session;

/// Where the address is kept for which entries were written.
const WRITTEN: &str = "run/git-address";
/// Authorities that git trusts instead of those in its configuration.
pub(crate) const CERTIFICATES: &str = "GIT_SSL_CAINFO";

/// What git is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entries {
    url: String,
    certificate: String,
    helper: String,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// The entries are new.
    Written,
    /// They were there.
    Known,
    /// They could not be written; these commands would.
    Refused(Vec<String>),
}

impl Entries {
    /// For the platform of this home at this port.
    pub(crate) fn new(home: &Home, program: &Path, port: u16) -> Self {
        let helper =
            format!("!{} git-credential --home={}", quoted(program.as_os_str()), quoted(home.root().as_os_str()));
        Self { url: address(port), certificate: home.path("pki/ca.crt").display().to_string(), helper }
    }

    /// The keys and values. The empty helper comes first: no other helper of the user's is told the token.
    fn pairs(&self) -> [(String, &str); 4] {
        let [certificate, proxy, helper] = keys(&self.url);
        [
            (certificate, self.certificate.as_str()),
            // Git reads nothing but the environment's names of hosts without a proxy, where ours need not stand.
            (proxy, ""),
            (helper.clone(), ""),
            (helper, self.helper.as_str()),
        ]
    }

    /// The same for one run of git: arguments before its subcommand.
    fn arguments(&self) -> Vec<String> {
        self.pairs().into_iter().flat_map(|(key, value)| ["-c".to_owned(), format!("{key}={value}")]).collect()
    }

    /// As commands for a person.
    fn commands(&self) -> Vec<String> {
        let command =
            |(key, value): (String, &str)| format!("git config --global --add {key} {}", quoted(OsStr::new(value)));
        self.pairs().into_iter().map(command).collect()
    }

    /// Whether git has been told just this.
    fn is_known(&self) -> bool {
        // The last word of a key is written small.
        let small = |key: String| match key.rsplit_once('.') {
            Some((above, word)) => format!("{above}.{}", word.to_ascii_lowercase()),
            None => key,
        };
        let wanted: String =
            self.pairs().into_iter().map(|(key, value)| format!("{}\n{value}\0", small(key))).collect();
        let ours = format!(r"^(http|credential)\.{}[./]", self.url.replace('.', r"\."));
        let known = run(&["config", "--global", "--null", "--get-regexp", &ours]);
        known.is_ok_and(|it| it.stdout == wanted.as_bytes())
    }

    /// Writes the entries, unless they are there. Those for another port are taken back.
    pub(crate) fn tell(&self, home: &Home) -> Told {
        let there = fs::read_to_string(home.path(WRITTEN)).unwrap_or_default();
        if there == self.url && self.is_known() {
            return Told::Known;
        }
        forget(home);
        let unset = keys(&self.url).iter().try_for_each(|key| unset(key));
        let written = unset.and_then(|()| {
            self.pairs().iter().try_for_each(|(key, value)| succeeded(&["config", "--global", "--add", key, value]))
        });
        // Without a note of it they could not be taken back.
        match written.and_then(|()| fs::write(home.path(WRITTEN), &self.url)) {
            Ok(()) => Told::Written,
            Err(_) => Told::Refused(self.commands()),
        }
    }
}

/// Takes back what was written; what cannot be taken back does no harm.
pub(crate) fn forget(home: &Home) {
    let Ok(url) = fs::read_to_string(home.path(WRITTEN)) else { return };
    // Nothing but an address of ours.
    if url.strip_prefix("https://127.0.0.1:").is_none_or(|it| it.parse::<u16>().is_err()) {
        return;
    }
    for key in keys(&url) {
        let _ = unset(&key);
    }
    let _ = fs::remove_file(home.path(WRITTEN));
}

/// Git for one run, told what `up` tells it for good.
pub(crate) fn git(session: &Session) -> Result<Command, Failure> {
    let mut command = Command::new("git");
    if let Some(running) = &session.process {
        let program = std::env::current_exe().map_err(Failure::io("find this program"))?;
        command.args(Entries::new(&session.home, &program, running.api_port).arguments());
        // It would win over what git is told.
        command.env_remove(CERTIFICATES);
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// The address of the API, which is Git's too.
pub(crate) fn address(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

fn keys(url: &str) -> [String; 3] {
    [format!("http.{url}/.sslCAInfo"), format!("http.{url}/.proxy"), format!("credential.{url}.helper")]
}

fn unset(key: &str) -> io::Result<()> {
    // Five: there is no such key. Anything else will be met again in writing.
    let output = run(&["config", "--global", "--unset-all", key])?;
    match output.status.code() {
        Some(0 | 5) => Ok(()),
        _ => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

fn succeeded(arguments: &[&str]) -> io::Result<()> {
    let output = run(arguments)?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn run(arguments: &[&str]) -> io::Result<Output> {
    Command::new("git").args(arguments).stdin(Stdio::null()).output()
}

/// A word as a shell reads it: git has a shell run its helpers.
fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
