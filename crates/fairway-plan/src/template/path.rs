//! Paths of a repository: which are allowed.

/// The longest path.
const MAX_PATH: usize = 250;
/// The longest name of a file or folder.
const MAX_NAME: usize = 100;

/// Why a path cannot be part of a repository, if so. Also what only other file systems would trip over is refused:
/// somebody will clone it there.
pub(super) fn refused(path: &str) -> Option<String> {
    let shown: String = path.chars().take(80).collect();
    let why = if path.is_empty() {
        "is empty"
    } else if path.len() > MAX_PATH {
        "is too long"
    } else if path.starts_with('/') {
        "begins with \"/\"; it is relative to the top of the repository"
    } else {
        path.split('/').find_map(name)?
    };
    Some(format!("the path {shown:?} {why}"))
}

/// Why a name cannot be part of a path.
fn name(name: &str) -> Option<&'static str> {
    let visible: String = name.chars().filter(|it| !super::parameters::is_hidden(*it)).collect();
    let lower = visible.to_lowercase();
    // What NTFS calls the folder `.git` in its short form, and whatever stands before a colon or at the end.
    let stem = lower.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    if name == "." || name == ".." {
        return Some("leads out of its folder");
    }
    if name.is_empty() {
        return Some("has an empty part");
    }
    if visible != name {
        return Some("has a character that nobody sees");
    }
    if stem == ".git" || stem == "git~1" {
        return Some("is git's own");
    }
    if name.contains(['\\', ':']) {
        return Some("has a \"\\\" or \":\"");
    }
    if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        return Some("has a part that begins or ends with a space, or ends with a point");
    }
    (name.len() > MAX_NAME).then_some("has a part that is too long")
}
