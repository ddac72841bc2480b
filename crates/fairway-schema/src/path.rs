//! The path of a value inside an object, made while walking and only written out when something is wrong there.

use std::borrow::Cow;
use std::fmt;

/// How much of one name a path shows: names are the writer's, and every message repeats them.
const MAX_NAME: usize = 256;

/// A place inside an object; a child borrows its parent.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    /// The object itself; its text is empty, or where the walk began.
    Root(&'a str),
    /// A field: `parent.name`.
    Field(&'a Path<'a>, &'a str),
    /// An item of a list: `parent[3]`.
    Index(&'a Path<'a>, usize),
    /// An entry of a map: `parent[key]`.
    Key(&'a Path<'a>, &'a str),
}

impl Path<'_> {
    /// Whether its text is empty.
    pub fn is_root(&self) -> bool {
        matches!(self, Path::Root(""))
    }
}

impl fmt::Display for Path<'_> {
    /// Walks the chain from its root, without recursion: a path may be as deep as the object.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = vec![*self];
        while let Some(Path::Field(parent, _) | Path::Index(parent, _) | Path::Key(parent, _)) = steps.last() {
            steps.push(**parent);
        }
        let mut empty = true;
        for step in steps.iter().rev() {
            match step {
                Path::Root(text) => f.write_str(text)?,
                Path::Field(_, name) if empty => f.write_str(&cut(name))?,
                Path::Field(_, name) => write!(f, ".{}", cut(name))?,
                Path::Index(_, index) => write!(f, "[{index}]")?,
                Path::Key(_, key) => write!(f, "[{}]", cut(key))?,
            }
            empty &= matches!(step, Path::Root(""));
        }
        Ok(())
    }
}

fn cut(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_NAME {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().take(MAX_NAME).chain("...".chars()).collect())
}
