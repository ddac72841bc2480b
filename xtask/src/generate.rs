//! Generated files: data that the API server embeds, made from what a real kube-apiserver said, and pages of
//! `docs/reference`. They are committed and never edited by hand; `--check` fails when one is out of date.

mod kinds;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace;

/// One generated file: where it stands below the workspace root, and what it says.
struct Generated {
    path: &'static str,
    text: String,
}

/// Writes every generated file, or with `check` only compares.
pub(crate) fn run(check: bool) -> Result<ExitCode> {
    let root = workspace::root();
    let mut stale = 0;
    for file in kinds::generate(&root)? {
        let path = root.join(file.path);
        if fs::read_to_string(&path).is_ok_and(|it| it == file.text) {
            continue;
        }
        if check {
            eprintln!("{}: out of date; run `cargo xtask gen`", file.path);
            stale += 1;
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("make the folder of {}", file.path))?;
        }
        fs::write(&path, &file.text).with_context(|| format!("write {}", file.path))?;
        println!("wrote {}", file.path);
    }
    Ok(if stale == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
