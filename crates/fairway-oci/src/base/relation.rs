//! What packages say of each other: `libc6 (>= 2.34), media-types | mime-support`.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;

use super::version::Version;

/// Any one of these is enough.
pub(super) type Group = Vec<Relation>;

/// One package that is meant, and which versions of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) name: String,
    pub(super) versions: Option<(Operator, Version)>,
}

/// How a version is held to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Earlier,
    EarlierOrEqual,
    Equal,
    LaterOrEqual,
    Later,
}

/// A text that says nothing that can be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a relation between packages")]
pub struct BadRelation(String);

impl Relation {
    /// Reads a list of groups.
    pub(super) fn groups(text: &str) -> Result<Vec<Group>, BadRelation> {
        let groups = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        groups.map(|group| group.split('|').map(|it| Self::parse(it.trim())).collect()).collect()
    }

    fn parse(text: &str) -> Result<Self, BadRelation> {
        let bad = || BadRelation(text.chars().take(100).collect());
        let (name, rest) = match text.find(['(', ' ', '[']) {
            Some(end) => (&text[..end], text[end..].trim_start()),
            None => (text, ""),
        };
        // `python3:any`: of whichever architecture. There is only one here.
        let name = name.split_once(':').map_or(name, |it| it.0);
        if !is_name(name) {
            return Err(bad());
        }
        let versions = match rest.strip_prefix('(') {
            Some(rest) => {
                let (inner, after) = rest.split_once(')').ok_or_else(bad)?;
                if !after.trim().is_empty() {
                    return Err(bad());
                }
                let end = inner.find(|it| !"<>=".contains(it)).ok_or_else(bad)?;
                let version = inner[end..].trim().parse().map_err(|_| bad())?;
                Some((Operator::parse(&inner[..end]).ok_or_else(bad)?, version))
            }
            None if rest.is_empty() => None,
            None => return Err(bad()),
        };
        Ok(Self { name: name.to_owned(), versions })
    }

    /// Whether a package of the name fits in this version.
    pub(super) fn fits(&self, version: &Version) -> bool {
        self.versions.as_ref().is_none_or(|(operator, bound)| operator.holds(version.cmp(bound)))
    }

    /// Whether a package that provides the name fits: one that says no version fits where none is asked for.
    pub(super) fn fits_provided(&self, version: Option<&Version>) -> bool {
        match (&self.versions, version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(version)) => self.fits(version),
        }
    }
}

impl Operator {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "<<" => Self::Earlier,
            "<=" | "<" => Self::EarlierOrEqual,
            "=" => Self::Equal,
            ">=" | ">" => Self::LaterOrEqual,
            ">>" => Self::Later,
            _ => return None,
        })
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Earlier => order.is_lt(),
            Self::EarlierOrEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::LaterOrEqual => order.is_ge(),
            Self::Later => order.is_gt(),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.versions {
            Some((operator, version)) => write!(f, " ({} {version})", operator.text()),
            None => Ok(()),
        }
    }
}

/// Whether a text is the name of a package.
pub(super) fn is_name(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let mut bytes = text.bytes();
    (2..=128).contains(&text.len())
        && bytes.next().is_some_and(is_plain)
        && bytes.all(|it| is_plain(it) || b"+-.".contains(&it))
}
