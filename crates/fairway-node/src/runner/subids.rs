//! Without root: users that the machine lends to a person (`/etc/subuid`), in a user namespace of the person's own.
//!
//! The person is root there, and has 65,536 more users for all pods together. Only `newuidmap` may say so, which is installed
//! with the rights for it; it looks into `/etc/subuid` itself. A namespace is entered by a process with one thread only.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, getgid, getuid};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::failed::{Failed, Step as _};
use super::{Owner, folder, idmap, launch, ranges, raw};

/// The name of a process that enters the namespace and goes on.
pub(super) const NAME: &str = "platform-with-users";
/// The name of a process that enters it and removes a folder.
pub(super) const REMOVER: &str = "fairway-remover";

/// Where the helpers are: never looked for in a `PATH` that somebody made.
const PLACES: [&str; 4] = ["/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"];
const HELPERS: [&str; 2] = ["newuidmap", "newgidmap"];
const FILES: [&str; 2] = ["/etc/subuid", "/etc/subgid"];
/// What gives more of them.
const OPTIONS: [&str; 2] = ["--add-subuids", "--add-subgids"];
/// Where `useradd` begins to lend users.
const FIRST_LENT: u32 = 100_000;

/// Why the namespace could not be entered, in a process that tried.
static REFUSED: OnceLock<String> = OnceLock::new();

/// What the machine lends to a person.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lent {
    /// The first user and the first group.
    first: [u32; 2],
    helpers: [PathBuf; 2],
}

/// Looks for what is lent to whoever runs us, or says what is missing and what to do.
pub(crate) fn find() -> Result<Lent, String> {
    let user = getuid().as_raw();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let files = FILES.map(|it| fs::read_to_string(it).unwrap_or_default());
    let helper = |name: &str| PLACES.iter().map(|it| Path::new(it).join(name)).find(|it| it.is_file());
    look(&Person { user, name: name_of(user, &passwd) }, &files, HELPERS.map(helper))
}

/// Why this process has no lent users, if that is known.
pub(super) fn why_not() -> Option<String> {
    REFUSED.get().cloned().or_else(|| find().err())
}

struct Person {
    user: u32,
    name: Option<String>,
}

fn name_of(user: u32, passwd: &str) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == user.to_string()).then(|| name.to_owned())
    })
}

fn look(person: &Person, files: &[String; 2], helpers: [Option<PathBuf>; 2]) -> Result<Lent, String> {
    let shown = person.name.clone().unwrap_or_else(|| person.user.to_string());
    let free = files.iter().flat_map(|it| entries(it)).map(|it| it.1.saturating_add(it.2)).fold(FIRST_LENT, u32::max);
    let free = format!("{free}-{}", free.saturating_add(ranges::USERS - 1));
    let (mut missing, mut options) = (Vec::new(), String::new());
    let mut first = [0; 2];
    for (at, (file, text)) in FILES.iter().zip(files).enumerate() {
        let few = match largest(person, text) {
            Some((start, count)) if count >= ranges::USERS => {
                first[at] = start;
                continue;
            }
            Some((_, count)) => format!("{file} gives {count} to {shown}, and {} are needed", ranges::USERS),
            None => format!("{file} gives none to {shown}"),
        };
        missing.push(few);
        options = format!("{options} {} {free}", OPTIONS[at]);
    }
    let mut advice = Vec::new();
    if !missing.is_empty() {
        advice.push(format!("run `usermod{options} {shown}` as root"));
    }
    if let [Some(user), Some(group)] = helpers {
        if missing.is_empty() {
            return Ok(Lent { first, helpers: [user, group] });
        }
    } else {
        missing.push("newuidmap or newgidmap is missing".to_owned());
        advice.push("install the package `uidmap`".to_owned());
    }
    Err(format!("{}; {}", missing.join(" and "), advice.join(" and ")))
}

/// Owner, first and count of every line that says so.
fn entries(text: &str) -> impl Iterator<Item = (&str, u32, u32)> {
    text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        Some((fields.next()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

/// The largest range of a person, by name or number.
fn largest(person: &Person, text: &str) -> Option<(u32, u32)> {
    let number = person.user.to_string();
    let own = entries(text).filter(|it| Some(it.0) == person.name.as_deref() || it.0 == number);
    own.map(|it| (it.1, it.2)).max_by_key(|it| it.1)
}

/// Enters a namespace with what is lent. This process has one thread.
pub(super) fn enter() -> Result<(), String> {
    let lent = find()?;
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    let map = |keeper: Pid| {
        for (helper, (own, first)) in lent.helpers.iter().zip([user, group].into_iter().zip(lent.first)) {
            ask(helper, keeper, &[[0, own, 1], [ranges::SHARED, first, ranges::USERS]])?;
        }
        Ok(())
    };
    let entered = idmap::make_namespace(None, map).and_then(|it| {
        move_into_link_name_space(it.as_fd(), Some(LinkNameSpaceType::User))
            .step(|| "enter a user namespace".to_owned())
    });
    entered.map_err(|it| it.line())?;
    match Owner::here() {
        Owner::Person { .. } => Ok(()),
        other => Err(format!("the user namespace has other users than were asked for: {other}")),
    }
}

/// Has a helper write a map, or says what it said.
fn ask(helper: &Path, keeper: Pid, map: &[[u32; 3]]) -> Result<(), Failed> {
    let mut command = Command::new(helper);
    command.env_clear().stdin(Stdio::null()).arg(keeper.as_raw_nonzero().to_string());
    command.args(map.iter().flatten().map(u32::to_string));
    let run = || format!("run {}", helper.display());
    let output = command.output().step(run)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let said = if said.is_empty() { output.status.to_string() } else { said };
    Err(io::Error::other(said)).step(run)
}

/// Begins this program again, with the users that the machine lends, and does not come back. Where it does, nothing changed;
/// it says why if it should have worked. `main` begins with [`reexec`](super::reexec).
pub fn take_users() -> Option<String> {
    let mut arguments = std::env::args_os();
    let was_tried = arguments.next().is_some_and(|it| it == NAME);
    if was_tried || !matches!(Owner::here(), Owner::Single { .. }) || find().is_err() {
        return REFUSED.get().cloned();
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Some(format!("find this program: {error}")),
    };
    let error = Command::new(&program).arg0(NAME).args(arguments).exec();
    Some(format!("run {}: {error}", program.display()))
}

/// The second half of [`take_users`].
pub(super) fn arrive() {
    if let Err(why) = enter() {
        // The first of them is the only one.
        let _ = REFUSED.set(why);
    }
}

/// Removes a folder and all in it, also what belongs to users that the machine lent. What needs them is done by `program`,
/// whose `main` begins with [`reexec`](super::reexec).
pub fn remove(path: &Path, program: &Path) -> io::Result<()> {
    let error = match folder::remove_tree(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => error,
        done => return done,
    };
    if !matches!(Owner::here(), Owner::Single { .. }) {
        return Err(error);
    }
    let output = Command::new(program).arg0(REMOVER).arg(path).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Err(io::Error::new(error.kind(), format!("{error}; as root of the users that pods had: {said}")))
}

/// The other half of [`remove`].
pub(super) fn remove_and_exit(path: Option<std::ffi::OsString>) -> ! {
    let path = path.map(PathBuf::from).ok_or_else(|| "no folder is named".to_owned());
    let removed = path.and_then(|path| {
        enter()?;
        folder::remove_tree(&path).map_err(|it| it.to_string())
    });
    match removed {
        Ok(()) => raw::exit(0),
        Err(why) => {
            launch::say(&why);
            raw::exit(1)
        }
    }
}

#[cfg(test)]
mod tests;
