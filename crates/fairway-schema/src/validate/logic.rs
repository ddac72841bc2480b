//! `allOf`, `anyOf`, `oneOf` and `not`.

use serde_json::{Value, json};

use super::walk;
use crate::cause::Cause;
use crate::model::{Link, Rules};
use crate::path::Path;

pub(super) fn check(rules: &Rules, value: &Value, path: &Path<'_>, causes: &mut Vec<Cause>) {
    if !rules.any_of.is_empty() {
        let (passed, best) = try_each(&rules.any_of, value, path);
        if passed == 0 {
            causes.push(composite(path, "must validate at least one schema (anyOf)"));
            causes.extend(best);
        }
    }
    if !rules.one_of.is_empty() {
        let (passed, best) = try_each(&rules.one_of, value, path);
        match passed {
            1 => {}
            0 => {
                causes.push(composite(path, "must validate one and only one schema (oneOf). Found none valid"));
                causes.extend(best);
            }
            many => {
                let rule = "must validate one and only one schema (oneOf). Found";
                causes.push(composite(path, &format!("{rule} {many} valid alternatives")));
            }
        }
    }
    check_all(&rules.all_of, value, path, causes);
    if let Some(not) = &rules.not {
        let mut found = Vec::new();
        walk(not, value, path, &mut found);
        if found.is_empty() {
            causes.push(composite(path, "must not validate the schema (not)"));
        }
    }
}

fn check_all(links: &[Link], value: &Value, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let (mut failed, mut found) = (0, Vec::new());
    for link in links {
        let before = found.len();
        walk(link, value, path, &mut found);
        failed += usize::from(found.len() > before);
    }
    if failed > 0 {
        let none = if failed == links.len() { ". None validated" } else { "" };
        causes.append(&mut found);
        causes.push(composite(path, &format!("must validate all the schemas (allOf){none}")));
    }
}

/// How many schemas the value passes, and what the one that was nearest found.
fn try_each(links: &[Link], value: &Value, path: &Path<'_>) -> (usize, Vec<Cause>) {
    let (mut passed, mut best): (usize, Option<Vec<Cause>>) = (0, None);
    for link in links {
        let mut found = Vec::new();
        walk(link, value, path, &mut found);
        if found.is_empty() {
            passed += 1;
        } else if best.as_ref().is_none_or(|it| found.len() < it.len()) {
            best = Some(found);
        }
    }
    (passed, best.unwrap_or_default())
}

/// These name the place in their text and have no field, as upstream.
fn composite(path: &Path<'_>, rule: &str) -> Cause {
    Cause::invalid("<nil>", &json!(""), &format!("{:?} {rule}", path.to_string()))
}
