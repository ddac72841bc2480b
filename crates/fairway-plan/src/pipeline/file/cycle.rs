//! Circles among things that wait for each other.

use std::collections::BTreeMap;

/// The first circle there is, with its first member again at its end; of several the same one every time.
pub(super) fn find<'a>(needs: &BTreeMap<&'a str, &'a [String]>) -> Option<Vec<&'a str>> {
    let mut done: BTreeMap<&str, bool> = BTreeMap::new();
    for start in needs.keys() {
        let mut path = Vec::new();
        if let Some(circle) = walk(start, needs, &mut done, &mut path) {
            return Some(circle);
        }
    }
    None
}

/// Depth first; at most as deep as there are steps. `done` holds what was entered, and whether it was left.
fn walk<'a>(
    at: &'a str,
    needs: &BTreeMap<&'a str, &'a [String]>,
    done: &mut BTreeMap<&'a str, bool>,
    path: &mut Vec<&'a str>,
) -> Option<Vec<&'a str>> {
    match done.get(at) {
        Some(true) => return None,
        Some(false) => {
            let begin = path.iter().position(|it| *it == at).unwrap_or(0);
            return Some(path[begin..].iter().copied().chain([at]).collect());
        }
        None => {}
    }
    done.insert(at, false);
    path.push(at);
    for need in needs.get(at).copied().unwrap_or_default() {
        let Some((name, _)) = needs.get_key_value(need.as_str()) else { continue };
        if let Some(circle) = walk(name, needs, done, path) {
            return Some(circle);
        }
    }
    path.pop();
    done.insert(at, true);
    None
}
