//! Named places where a test makes a part fail, or the whole process die.
//!
//! A library names its points and reads no environment: whoever starts the parts parses a text such as
//! `before-commit=kill@3,run-made=kill` once and hands it to all of them. Without one, a point costs one branch.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process ends at once, as after `kill -9`.
    Kill,
    /// The disk is full.
    Full,
    /// The disk does not do what it was told.
    Io,
}

#[derive(Debug)]
struct Armed {
    point: String,
    fault: Fault,
    /// Passes before it strikes; then it strikes once.
    passes: AtomicU64,
}

/// Which points are armed; by default none. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Failpoints {
    armed: Arc<[Armed]>,
}

/// A text that names no point or no fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailpoints {
    /// Not of the form `point=fault` or `point=fault@nth`.
    #[error("failpoint {0:?} is not of the form point=fault or point=fault@nth")]
    Split(String),
    /// No such point.
    #[error("there is no failpoint {name:?}; there are {known}")]
    FindPoint {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No such fault.
    #[error("there is no fault {0:?}; there are kill, full and io")]
    FindFault(String),
}

impl Failpoints {
    /// No point armed.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads `point=fault` and `point=fault@nth`, with commas between them. Each point must be one of those known.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, ParseFailpoints> {
        let armed = text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(|it| one(it, known));
        Ok(Self { armed: armed.collect::<Result<Vec<_>, _>>()?.into() })
    }

    /// Whether one of these points is armed.
    pub fn arms(&self, points: &[&str]) -> bool {
        self.armed.iter().any(|it| points.contains(&it.point.as_str()))
    }

    /// What strikes at this point now, if anything. [`Fault::Kill`] does not return.
    pub fn strike(&self, point: &str) -> Option<Fault> {
        let armed = self.armed.iter().find(|it| it.point == point)?;
        let left = armed.passes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1)).ok()?;
        match (left, armed.fault) {
            (1, Fault::Kill) => std::process::abort(),
            (1, fault) => Some(fault),
            _ => None,
        }
    }

    /// Passes a point at which there is no disk that could fail: the process ends, or nothing happens.
    pub fn pass(&self, point: &str) {
        let _only_the_disk_has_other_faults = self.strike(point);
    }
}

impl FromStr for Fault {
    type Err = ParseFailpoints;

    fn from_str(text: &str) -> Result<Self, ParseFailpoints> {
        match text {
            "kill" => Ok(Self::Kill),
            "full" => Ok(Self::Full),
            "io" => Ok(Self::Io),
            other => Err(ParseFailpoints::FindFault(other.to_owned())),
        }
    }
}

fn one(text: &str, known: &[&str]) -> Result<Armed, ParseFailpoints> {
    let split = || ParseFailpoints::Split(text.to_owned());
    let (name, rest) = text.split_once('=').ok_or_else(split)?;
    let (fault, nth) = rest.split_once('@').unwrap_or((rest, "1"));
    if !known.contains(&name) {
        return Err(ParseFailpoints::FindPoint { name: name.to_owned(), known: known.join(", ") });
    }
    let fault = fault.parse()?;
    let passes = nth.parse().ok().filter(|it| *it > 0).ok_or_else(split)?;
    Ok(Armed { point: name.to_owned(), fault, passes: AtomicU64::new(passes) })
}

#[cfg(test)]
mod tests;
