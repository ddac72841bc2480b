//! Branches and tags, and who put them where they are: Git's own record of each ref says it, in the same moment in
//! which the ref moves. The pusher, with their groups, stands where Git has a name, the id of the push's event where it
//! has an address.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Host, blocking, unexpected};
use crate::forge::{Commit, ForgeError, Ref};
use crate::names::RepositoryId;

/// No repository has more text about its refs.
const LISTING: usize = 16 << 20;
/// The end of a record; what is older is not looked at.
const TAIL: u64 = 64 << 10;
/// No record has a longer name.
const NAME: usize = 16 << 10;

/// A branch or tag as git lists it.
struct Listed {
    name: String,
    object: String,
    commit: Commit,
}

pub(super) async fn refs(host: &Host, id: &RepositoryId) -> Result<BTreeMap<String, Ref>, ForgeError> {
    let path = host.existing(id)?;
    let format = "--format=%(refname) %(objectname) %(*objectname)";
    let done = host.ask(&path, &["for-each-ref", format, "refs/heads", "refs/tags"], LISTING).await?;
    let answer = done.succeeded("for-each-ref").map_err(|it| super::failed(&path, it))?;
    let text = String::from_utf8_lossy(&answer);
    let listed: Option<Vec<Listed>> = text.lines().map(listed).collect();
    let Some(listed) = listed else { return Err(unexpected("which refs there are", &answer)) };
    blocking("read who moved the refs", move || {
        listed
            .into_iter()
            .map(|it| {
                let mover = mover(&path.join("logs").join(&it.name), &it.object)?;
                let Mover { user: pushed_by, groups, cause } = mover.unwrap_or_default();
                Ok((it.name, Ref { commit: it.commit, pushed_by, groups, cause }))
            })
            .collect()
    })
    .await
}

fn listed(line: &str) -> Option<Listed> {
    let mut parts = line.split(' ');
    let (name, object, peeled) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let commit = Commit::parse(if peeled.is_empty() { object } else { peeled }).ok()?;
    Some(Listed { name: name.to_owned(), object: object.to_owned(), commit })
}

/// Who, and because of what.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mover {
    user: Option<String>,
    groups: Vec<String>,
    cause: Option<String>,
}

/// Who moved a ref to where it is. The last record need not be the one: it is written before the ref moves.
fn mover(log: &Path, object: &str) -> io::Result<Option<Mover>> {
    let mut file = match File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let start = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let text = String::from_utf8_lossy(&tail);
    Ok(text.lines().rev().find_map(|line| record(line, object)))
}

/// Reads `old new user group … <address> seconds zone<TAB>message`, if it leads to `object`.
fn record(line: &str, object: &str) -> Option<Mover> {
    let (head, _) = line.split_once('\t').unwrap_or((line, ""));
    let mut parts = head.splitn(3, ' ');
    let (_, new, person) = (parts.next()?, parts.next()?, parts.next()?);
    if new != object {
        return None;
    }
    let (name, rest) = person.split_once('<')?;
    let (address, _) = rest.split_once('>')?;
    let mut words = name.split_whitespace().map(decode);
    let user = words.next();
    Some(Mover { user, groups: words.collect(), cause: (!address.is_empty()).then(|| address.to_owned()) })
}

/// Who moves a ref, in the place of a name. Of very many groups only the first are kept: with fewer groups somebody has
/// fewer rights.
pub(crate) fn encode(user: &str, groups: &[String]) -> String {
    let mut text = word(user);
    for group in groups.iter().filter(|it| !it.is_empty()).map(|it| word(it)) {
        if text.len() + group.len() >= NAME {
            break;
        }
        text.push(' ');
        text.push_str(&group);
    }
    text
}

/// A name such that Git keeps it as it is: Git takes some characters out of names, and some off their ends.
fn word(user: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in user.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'/' | b'@' => text.push(char::from(byte)),
            // In the middle, where Git leaves it alone, and where people read it.
            b':' if !text.is_empty() && text.len() + 1 < user.len() => text.push(':'),
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text
}

fn decode(name: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match hex.and_then(|it| u8::from_str_radix(it, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
