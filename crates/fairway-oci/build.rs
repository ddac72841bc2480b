//! Writes the tables of what comes with the program from `bases/` of the repository: declarations, locks and keys.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let bases = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../../bases");
    println!("cargo:rerun-if-changed={}", bases.display());
    let mut text = String::from("const BASES: &[(&str, &str, Option<&str>)] = &[\n");
    for path in sorted(&bases, "toml")? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let lock = path.with_extension("lock");
        let lock = if lock.is_file() { format!("Some(include_str!({:?}))", shown(&lock)) } else { "None".to_owned() };
        let _ = writeln!(text, "({name:?}, include_str!({:?}), {lock}),", shown(&path));
    }
    text.push_str("];\n\nconst KEYS: &[&str] = &[\n");
    for path in sorted(&bases.join("keys"), "asc")? {
        let _ = writeln!(text, "include_str!({:?}),", shown(&path));
    }
    text.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("bases.rs"), text)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn sorted(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|it| it.map(|it| it.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|it| it.extension().is_some_and(|it| it == ending));
    paths.sort();
    Ok(paths)
}
