//! Who runs the node, and which users of the machine it can give to others: files of pods belong to these, so a folder that
//! was made with some of them can be read, written and cleared away with no others.

use std::fmt;
use std::fs;

use rustix::process::geteuid;

/// As many users as the pods of a node may have.
const POD_USERS: u32 = 0x1_0000;

/// Who runs the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Root, with users for every pod.
    Root,
    /// A user with a range of others (its own user namespace has them).
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
        let is_a_range = |it: &&(u32, u32, u32)| it.2 > 1 && it.2 != u32::MAX;
        match ranges.iter().filter(is_a_range).max_by_key(|it| it.2) {
            Some((_, first, count)) if user == 0 => Self::Range { user: outside, first: *first, count: *count },
            _ => Self::Single { user: outside },
        }
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
            Self::Range { user, first, count } => {
                write!(f, "user {user} with the range of {count} users from {first}")
            }
            Self::Single { user } => write!(f, "user {user}"),
        }
    }
}

#[cfg(test)]
mod tests;
