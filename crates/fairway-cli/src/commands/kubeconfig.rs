//! `kubeconfig`: what kubectl needs to reach the platform.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::home::Home;
use crate::output::to_yaml;
use crate::session::local;

/// The name of our entries.
const NAME: &str = "fairway";

/// Print what kubectl needs, or add it to its configuration
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct KubeconfigArgs {
    /// Add it to $KUBECONFIG or ~/.kube/config and make it current
    #[arg(long)]
    pub write: bool,
}

/// A kubeconfig for the local platform.
pub fn kubeconfig(home: &Home) -> Result<Value, Failure> {
    let running = local(home)?;
    let read = |part: &str| {
        let path = home.path(part);
        fs::read(&path).map_err(Failure::io(format!("read {}", path.display())))
    };
    let token = String::from_utf8_lossy(&read("admin.token")?).trim().to_owned();
    Ok(document(running.api_port, &read("pki/ca.crt")?, &token))
}

fn document(port: u16, certificate: &[u8], token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": NAME, "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority-data": STANDARD.encode(certificate),
        } }],
        "users": [{ "name": NAME, "user": { "token": token } }],
        "contexts": [{ "name": NAME, "context": { "cluster": NAME, "user": NAME } }],
        "current-context": NAME,
    })
}

/// Adds it to the user's own, whose other entries stay. Gives the file.
pub fn write(home: &Home) -> Result<PathBuf, Failure> {
    let own = kubeconfig(home)?;
    let path = file()?;
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::io(format!("read {}", path.display()))(error)),
    };
    let unreadable = |why: String| {
        Failure::failed(format!("cannot read {}: {why}", path.display()))
            .hint("platform kubeconfig > FILE, then export KUBECONFIG=FILE")
    };
    let before: Value = if text.trim().is_empty() {
        json!({})
    } else {
        serde_saphyr::from_str(&text).map_err(|it| unreadable(it.to_string()))?
    };
    if !before.is_object() {
        return Err(unreadable("it is not a map".to_owned()));
    }
    replace(&path, to_yaml(&merged(before, own))?.as_bytes())
        .map_err(Failure::io(format!("write {}", path.display())))?;
    Ok(path)
}

/// The first file of `$KUBECONFIG`, else `~/.kube/config`.
fn file() -> Result<PathBuf, Failure> {
    let first =
        std::env::var_os("KUBECONFIG").and_then(|it| std::env::split_paths(&it).find(|it| !it.as_os_str().is_empty()));
    let home = || std::env::var_os("HOME").map(|it| Path::new(&it).join(".kube/config"));
    first
        .or_else(home)
        .ok_or_else(|| Failure::failed("neither KUBECONFIG nor HOME is set").hint("export KUBECONFIG=FILE"))
}

fn merged(mut before: Value, own: Value) -> Value {
    for (field, value) in own.as_object().cloned().unwrap_or_default() {
        let Value::Array(ours) = value else {
            before[&field] = value;
            continue;
        };
        let mut list: Vec<Value> = before[&field].as_array().cloned().unwrap_or_default();
        list.retain(|it| it["name"] != NAME);
        list.extend(ours);
        before[&field] = Value::Array(list);
    }
    before
}

/// Wholly or not at all, and for its owner only: it holds a token.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("fairway-new");
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests;
