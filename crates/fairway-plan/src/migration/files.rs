//! The folder `migrations/`: which file is which migration, and what each declares.

use std::collections::BTreeMap;

use fairway_api::v1alpha1::{Migration, MigrationKind, ReleaseMigrations};
use serde_json::{Map, Value};

use super::{COMMAND, RESOURCE, WITHIN};
use crate::{Finding, digest_of_bytes};

/// The folder of the files.
pub const FOLDER: &str = "migrations";
/// A file larger than this is not a migration.
pub const MAX_BYTES: usize = 1 << 20;
/// More than these are not kept in a Release.
pub const MOST: usize = 500;
/// Migrations that take longer are none: a day.
const MOST_SECONDS: u32 = 24 * 3600;
/// What a first line begins with.
const DECLARES: &str = "-- fairway:";

/// What the folder holds: its migrations in their order, and what is wrong, each line with its file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    steps: Vec<Migration>,
    findings: Vec<String>,
}

/// Whether a file of the folder is read at all.
pub fn concerns(name: &str) -> bool {
    name.strip_suffix(".sql").is_some_and(|stem| !stem.contains('/'))
}

/// Reads the files of the folder, by name.
pub fn read(files: &BTreeMap<String, Vec<u8>>) -> Folder {
    let mut folder = Folder::default();
    let mut find = |file: &str, message: String| folder.findings.push(format!("{FOLDER}/{file}: {message}"));
    let names = files.keys().filter(|it| concerns(it) && it.strip_suffix(".down.sql").is_none());
    for file in names {
        let Some((id, name)) = parts(file) else {
            find(file, "is not called like NNNN_name.sql, with digits before the first \"_\"".to_owned());
            continue;
        };
        let bytes = &files[file];
        match declared(bytes) {
            Ok(kind) => {
                if kind == MigrationKind::Reversible && !files.contains_key(&format!("{id}_{name}.down.sql")) {
                    find(file, format!("is reversible, and {id}_{name}.down.sql is missing"));
                }
                let digest = digest_of_bytes(bytes).to_string();
                folder.steps.push(Migration { id: id.to_owned(), name: name.to_owned(), digest, kind });
            }
            Err(message) => find(file, message),
        }
    }
    for file in files.keys().filter(|it| concerns(it)) {
        if let Some(stem) = file.strip_suffix(".down.sql")
            && !files.contains_key(&format!("{stem}.sql"))
        {
            find(file, format!("takes {stem}.sql back, which is not there"));
        }
    }
    // As numbers, so that 10 comes after 9; the same number twice has no order.
    folder.steps.sort_by_key(|it| (number(&it.id), it.id.clone()));
    for pair in folder.steps.windows(2) {
        if number(&pair[0].id) == number(&pair[1].id) {
            let (one, other) = (pair[0].file(), pair[1].file());
            folder.findings.push(format!("{FOLDER}/{other}: has the number of {one}; give it the next one"));
        }
    }
    if folder.steps.len() > MOST {
        folder.findings.push(format!("{FOLDER}: holds {} migrations; at most {MOST} are kept", folder.steps.len()));
        folder.steps.truncate(MOST);
    }
    folder
}

/// What a Release keeps of the folder, and of what its workload says about it; and all that is wrong.
pub fn release(folder: Folder, workload: &Map<String, Value>) -> (Option<ReleaseMigrations>, Vec<String>) {
    let Folder { steps, mut findings } = folder;
    if steps.is_empty() {
        return (None, findings);
    }
    let mut find = |name: &str, message: &str| {
        findings.push(Finding::new(format!("metadata.annotations.{name}"), message).in_file("score.yaml"));
    };
    let said = |name: &str| workload.get("annotations")?.get(name)?.as_str().filter(|it| !it.trim().is_empty());
    let command: Vec<String> = said(COMMAND).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if command.is_empty() {
        find(COMMAND, "is missing; it is the command that runs the files of migrations/");
    }
    let names = |part: &str| workload.get(part).and_then(Value::as_object).into_iter().flatten();
    let resources: Vec<&str> = names("resources").map(|it| it.0.as_str()).collect();
    let resource = match (said(RESOURCE), resources.as_slice()) {
        (Some(named), all) if all.contains(&named) => named,
        (None, [only]) => only,
        (Some(_), _) => {
            find(RESOURCE, "names none of the resources");
            ""
        }
        (None, []) => {
            find(RESOURCE, "has nothing to name: migrations/ needs a database under \"resources\"");
            ""
        }
        (None, _) => {
            find(RESOURCE, "is missing; it says which of the resources migrations/ is for");
            ""
        }
    };
    let within = said(WITHIN).map(|it| {
        let seconds = crate::score::seconds(it).filter(|it| (1..=MOST_SECONDS).contains(it));
        seconds.ok_or_else(|| find(WITHIN, "must be seconds, minutes or hours between \"1s\" and \"24h\"")).ok()
    });
    let within = within.flatten();
    // The image that is made of the repository holds its files; where there is none of these, the first one.
    let own = names("containers").find(|it| it.1.get("image").and_then(Value::as_str) == Some("."));
    let container = own.or_else(|| names("containers").next()).map(|it| it.0.clone()).unwrap_or_default();
    (Some(ReleaseMigrations { resource: resource.to_owned(), container, command, steps, within }), findings)
}

/// The id and the name in a file's name.
fn parts(file: &str) -> Option<(&str, &str)> {
    let (id, name) = file.strip_suffix(".sql")?.split_once('_')?;
    let plain = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b'-';
    let good = (1..=14).contains(&id.len())
        && id.bytes().all(|it| it.is_ascii_digit())
        && (1..=80).contains(&name.len())
        && name.bytes().all(plain);
    good.then_some((id, name))
}

/// An id as the number it is.
pub(super) fn number(id: &str) -> u64 {
    id.parse().unwrap_or(u64::MAX)
}

fn declared(bytes: &[u8]) -> Result<MigrationKind, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("has more than {MAX_BYTES} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    let first = text.lines().next().unwrap_or_default().trim();
    match first.strip_prefix(DECLARES).map(str::trim) {
        Some("compatible") => Ok(MigrationKind::Compatible),
        Some("reversible") => Ok(MigrationKind::Reversible),
        Some("breaking") => Ok(MigrationKind::Breaking),
        _ => Err(format!("must begin with \"{DECLARES} compatible\", \"reversible\" or \"breaking\"")),
    }
}

#[cfg(test)]
mod tests;
