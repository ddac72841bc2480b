//! Who runs the node, and which users of the machine it can give to others: files of pods belong to these, so a folder that
//! was made with some of them can be read, written and cleared away with no others.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use fairway_oci::Owners;
use rustix::process::geteuid;

use super::{OpenRunner, folder, ranges, subids};

/// Where a state folder remembers who made it.
const MARK: &str = "node.user";
/// What a folder's mark says more where pods have ranges of users.
const WITH_RANGES: &str = " with a range of users for every pod";
/// And where all pods have one range.
const WITH_ONE: &str = " for all pods";

/// As many users as the pods of a node may have.
const POD_USERS: u32 = 0x1_0000;

/// Who runs the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Root, with users for every pod.
    Root,
    /// Not root, but in a user namespace that was made for this: all pods have the users that the machine lends, from `first`.
    Person { user: u32, first: u32 },
    /// Root of somebody else's user namespace (a container), whose other users are somebody already.
    Range { user: u32, first: u32, count: u32 },
    /// A user with none but itself.
    Single { user: u32 },
}

impl Owner {
    /// Who we are.
    pub(crate) fn here() -> Self {
        // Where there are no user namespaces everybody is who they are.
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        Self::of(geteuid().as_raw(), &map)
    }

    /// Who `user` is by the map of its user namespace (`/proc/self/uid_map`: first inside, first outside, count).
    fn of(user: u32, map: &str) -> Self {
        let read = |line: &str| {
            let mut numbers = line.split_whitespace().map(|it| it.parse::<u32>().ok());
            Some((numbers.next()??, numbers.next()??, numbers.next()??))
        };
        let ranges: Vec<(u32, u32, u32)> = map.lines().filter_map(read).collect();
        let holds =
            |id: u32| ranges.iter().find(|(first, _, count)| id.checked_sub(*first).is_some_and(|it| it < *count));
        let outside = holds(user).map_or(user, |(first, outside, _)| outside.saturating_add(user - first));
        let pods_have_users =
            holds(super::FIRST_POD_USER).is_some() && holds(super::FIRST_POD_USER + POD_USERS - 1).is_some();
        if user == 0 && (ranges.is_empty() || pods_have_users) {
            return Self::Root;
        }
        // As nobody else makes one: no user of the machine that is in it has a small number.
        if let [(0, person, 1), (ranges::SHARED, first, count)] = ranges[..]
            && user == 0
            && count >= ranges::USERS
        {
            return Self::Person { user: person, first };
        }
        let is_a_range = |it: &&(u32, u32, u32)| it.2 > 1 && it.2 != u32::MAX;
        match ranges.iter().filter(is_a_range).max_by_key(|it| it.2) {
            Some((_, first, count)) if user == 0 => Self::Range { user: outside, first: *first, count: *count },
            _ => Self::Single { user: outside },
        }
    }

    /// How a folder remembers it. As root pods have ranges of users where the machine can show their files as theirs.
    fn mark(self, has_ranges: bool) -> String {
        match self {
            Self::Person { .. } if has_ranges => format!("{self}{WITH_ONE}"),
            // Then it is as if nobody had been lent.
            Self::Person { user, .. } => Self::Single { user }.to_string(),
            _ if has_ranges => format!("{self}{WITH_RANGES}"),
            _ => self.to_string(),
        }
    }

    /// Whether pods can have ranges of users.
    fn has_users(self) -> bool {
        matches!(self, Self::Root | Self::Person { .. })
    }

    /// Takes a state folder, if it may be had, and says whether its pods have ranges of users. `trial` says why they cannot.
    pub(super) fn claim(self, state: &Path, trial: impl Fn() -> Option<String>) -> Result<bool, OpenRunner> {
        let prepare = |path: &Path, source| OpenRunner::Prepare { path: path.to_owned(), source };
        let (mark, images) = (state.join(MARK), state.join(folder::IMAGES));
        let before = match fs::read_to_string(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(prepare(&mark, error)),
            read => read.unwrap_or_default().trim().to_owned(),
        };
        // Ranges may come, and what one user had goes to one of them; they do not go.
        let is_ours =
            before.is_empty() || before == self.mark(false) || (self.has_users() && before == self.mark(true));
        if !is_ours {
            let made_by = before.chars().filter(|it| !it.is_control()).take(100).collect();
            let lost_some = matches!(self, Self::Single { .. }) && before.ends_with(WITH_ONE);
            let why = if lost_some { subids::why_not() } else { None };
            let now = why.map_or_else(|| self.to_string(), |why| format!("{self} without lent users ({why})"));
            return Err(OpenRunner::OtherUser { path: state.to_owned(), made_by, now });
        }
        fs::create_dir_all(&images).map_err(|it| prepare(&images, it))?;
        let without = self.why_no_ranges(state, trial, &before);
        let now = self.mark(without.is_none());
        if before != now {
            fs::write(&mark, &now).map_err(|it| prepare(&mark, it))?;
        }
        if let Some(why) = without.as_ref().filter(|_| self.has_users()) {
            tracing::warn!("pods have one user each, and no range of users: {why}");
        }
        Ok(without.is_none())
    }

    fn why_no_ranges(self, state: &Path, trial: impl Fn() -> Option<String>, before: &str) -> Option<String> {
        if !self.has_users() {
            return Some("this is not root".into());
        }
        // Files of many users are there: who cannot map them says so pod by pod.
        if before == self.mark(true) {
            return None;
        }
        // Pods that were started with one user each go on so; after the last of them the folder changes.
        if before == self.mark(false) && fs::read_dir(state.join(folder::PODS)).is_ok_and(|mut it| it.next().is_some())
        {
            return Some("there are pods that were started without".into());
        }
        trial()
    }

    /// Whether every pod can have a user of its own.
    pub(crate) fn is_root(self) -> bool {
        self == Self::Root
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => write!(f, "root"),
            Self::Person { user, first } => write!(f, "user {user} with {} lent users from {first}", ranges::USERS),
            Self::Range { user, first, count } => {
                write!(f, "user {user} with the range of {count} users from {first}")
            }
            Self::Single { user } => write!(f, "user {user}"),
        }
    }
}

/// Whose the files of images are in a state folder, as it remembers.
pub(crate) fn image_owners(state: &Path) -> Owners {
    let mark = fs::read_to_string(state.join(MARK)).unwrap_or_default();
    match mark.trim() {
        it if it.ends_with(WITH_RANGES) => Owners::AsStored,
        it if it.ends_with(WITH_ONE) => Owners::From(ranges::SHARED),
        _ => Owners::Unpacker,
    }
}

/// The user of the machine that somebody is, whoever they are in their user namespace. Without one made for this it is who they
/// are.
pub fn person() -> u32 {
    match Owner::here() {
        Owner::Person { user, .. } => user,
        _ => rustix::process::getuid().as_raw(),
    }
}

#[cfg(test)]
mod tests;
