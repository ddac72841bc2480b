//! Writes the tables of what comes with the platform: every file below `templates/`, `toolchains/` and `classes/` of the
//! repository.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let repository = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../..");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    for name in ["toolchains", "classes"] {
        fs::write(out.join(format!("{name}.rs")), texts(&repository.join(name))?)?;
    }
    let templates = repository.join("templates");
    println!("cargo:rerun-if-changed={}", templates.display());
    let mut table = String::from("&[\n");
    for template in sorted(&templates)? {
        let name = template.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut entries = String::new();
        files(&template, &template, &mut entries)?;
        let _ = writeln!(table, "({name:?}, &[\n{entries}]),");
    }
    table.push_str("]\n");
    fs::write(out.join("templates.rs"), table)
}

/// The files of a folder by their names.
fn texts(folder: &Path) -> io::Result<String> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut table = String::from("&[\n");
    for file in sorted(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = writeln!(table, "({name:?}, include_str!({:?})),", file.display().to_string());
    }
    table.push_str("]\n");
    Ok(table)
}

fn files(top: &Path, folder: &Path, entries: &mut String) -> io::Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() {
            files(top, &path, entries)?;
        } else {
            let name = path.strip_prefix(top).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
            let _ = writeln!(
                entries,
                "({name:?}, {}, include_bytes!({:?})),",
                executable(&path)?,
                path.display().to_string()
            );
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|it| it.map(|it| it.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(unix)]
fn executable(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn executable(_: &Path) -> io::Result<bool> {
    Ok(false)
}
