//! The templates that come with the platform: `templates/` of its repository, in the program.

use super::Folder;

/// A file: its path, whether it may be executed, and its content.
type Entry = (&'static str, bool, &'static [u8]);

/// Every template with its files; written by `build.rs`.
const TEMPLATES: &[(&str, &[Entry])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The names of the templates that come with the platform.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|it| it.0)
}

/// One that comes with the platform.
pub fn builtin(name: &str) -> Option<Folder> {
    let (_, entries) = TEMPLATES.iter().find(|it| it.0 == name)?;
    let mut folder = Folder::default();
    for (path, executable, bytes) in *entries {
        folder.add(path, bytes.to_vec(), *executable);
    }
    Some(folder)
}
