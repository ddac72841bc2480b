//! Paths, and where links may lead.

use super::Violation;
use crate::forge::Mode;

/// Bytes of a path.
const PATH: usize = 1024;
/// Bytes of one name in it: what file systems take.
const NAME: usize = 255;
/// Folders in folders.
const DEPTH: usize = 64;

const RENAME: &str = "rename it in every commit that is pushed";

/// Whether a path may stand in a repository.
pub fn path(path: &str) -> Result<(), Violation> {
    let refuse = |why: String| Err(Violation::new(path, why, RENAME));
    if path.len() > PATH {
        return refuse(format!("has {} bytes: a path may have {PATH}", path.len()));
    }
    if let Some(odd) = path.chars().find(|it| it.is_control() || is_bidi(*it)) {
        return refuse(format!("holds the control character U+{:04X}", u32::from(odd)));
    }
    // What stands for bytes that are not UTF-8.
    if path.contains('\u{fffd}') {
        return refuse("is not UTF-8".to_owned());
    }
    if path.contains('\\') {
        return refuse("holds \"\\\", which separates folders on some systems".to_owned());
    }
    for (depth, name) in path.split('/').enumerate() {
        if depth >= DEPTH {
            return refuse(format!("lies more than {DEPTH} folders deep"));
        }
        if name.is_empty() || name == "." || name == ".." {
            return refuse("has a part that is empty, \".\" or \"..\"".to_owned());
        }
        if name.len() > NAME {
            return refuse(format!("has a name of {} bytes: {NAME} are allowed", name.len()));
        }
        if is_git_folder(name) {
            return refuse(format!("has a part {name:?} that some system takes for \".git\""));
        }
    }
    Ok(())
}

/// What may stand at a path, by the mode Git gives it; a path that is not UTF-8 is named as well as it can be.
pub fn entry(mode: &str, bytes: &[u8]) -> Result<Mode, Violation> {
    let Ok(name) = std::str::from_utf8(bytes) else {
        return Err(Violation::new(&String::from_utf8_lossy(bytes), "is not UTF-8", RENAME));
    };
    path(name)?;
    match mode {
        "160000" => Err(Violation::new(
            name,
            "is a submodule, which is not taken",
            "bring its files in (git subtree add), or depend on it as a package; then git rm --cached it",
        )),
        mode => Mode::parse(mode).ok_or_else(|| {
            Violation::new(name, format!("has the mode {mode:.10}, which is not taken"), "commit a plain file")
        }),
    }
}

/// Whether a link may lead where it leads. Only steps at its beginning may go up, and no further than the root: then no
/// chain of links leads out, whatever the links on the way are.
pub fn link(path: &str, target: &[u8]) -> Result<(), Violation> {
    let shown = String::from_utf8_lossy(target);
    let shown = &shown[..shown.floor_char_boundary(100)];
    let refuse = |why: &str| {
        let why = format!("is a link to {shown:?}, which {why}");
        Err(Violation::new(path, why, "link to a file of the repository by its relative path, or commit a copy of it"))
    };
    let Ok(text) = std::str::from_utf8(target) else { return refuse("is not UTF-8") };
    if text.is_empty() || text.len() > PATH || text.contains(char::is_control) || text.contains('\\') {
        return refuse("is no path");
    }
    if text.starts_with('/') {
        return refuse("leads out of the repository");
    }
    let depth = path.split('/').count() - 1;
    let mut up = 0;
    let mut down = false;
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." if down => return refuse("goes up after it went down"),
            ".." => up += 1,
            name if is_git_folder(name) => return refuse("leads into \".git\""),
            _ => down = true,
        }
    }
    if up > depth { refuse("leads out of the repository") } else { Ok(()) }
}

/// Whether a file system takes this name for `.git`: some ignore case, some ignore characters that are not seen, some
/// have short names, some end a name at a colon or drop dots and spaces at its end.
fn is_git_folder(name: &str) -> bool {
    let seen: String = name.chars().filter(|it| !is_ignorable(*it)).flat_map(char::to_lowercase).collect();
    let seen = seen.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    seen == ".git" || seen == "git~1"
}

fn is_ignorable(it: char) -> bool {
    matches!(it, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Characters that make a name read otherwise than it is.
fn is_bidi(it: char) -> bool {
    matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
