//! Regular expressions as schemas write them (Go's syntax), run by an engine without backtracking.

use std::fmt;
use std::sync::{Arc, OnceLock};

use regex::{Regex, RegexBuilder};

/// How much memory one compiled expression may take.
const SIZE_LIMIT: usize = 512 << 10;
/// How much memory matching may take beside it.
const CACHE_LIMIT: usize = 256 << 10;

/// A regular expression that is compiled when it is first needed.
/// Clones share it.
#[derive(Clone)]
pub struct Pattern(Arc<Inner>);

struct Inner {
    text: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// An expression as the schema has it; [`Pattern::check`] says whether it is one.
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Inner { text: text.into(), compiled: OnceLock::new() }))
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether the text holds a match. An expression that does not compile matches nothing.
    pub fn is_match(&self, text: &str) -> bool {
        let compiled = self.0.compiled.get_or_init(|| compile(&self.0.text).ok());
        compiled.as_ref().is_some_and(|it| it.is_match(text))
    }

    /// Why the expression cannot be used, if so.
    pub fn check(&self) -> Result<(), String> {
        compile(&self.0.text).map(|_| ()).map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => format!("it needs more than {limit} bytes when compiled"),
            other => {
                other.to_string().lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
            }
        })
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.0.text)
    }
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&translate(text)).size_limit(SIZE_LIMIT).dfa_size_limit(CACHE_LIMIT).build()
}

/// Go's classes `\d \w \s \b` are ASCII, ours Unicode; inside `[…]`, `[`, `&` and `~` are plain characters in Go.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    let mut in_class = false;
    while let Some(it) = chars.next() {
        match (it, in_class) {
            ('\\', _) => {
                let escaped = chars.next();
                out.push_str(&escape(escaped, in_class));
            }
            ('[', false) => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                in_class = true;
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            ('[', true) if chars.peek() == Some(&':') => copy_named_class(&mut chars, &mut out),
            ('[' | '&' | '~', true) => {
                out.push('\\');
                out.push(it);
            }
            (']', true) => {
                out.push(']');
                in_class = false;
            }
            _ => out.push(it),
        }
    }
    out
}

fn escape(escaped: Option<char>, in_class: bool) -> String {
    match (escaped, in_class) {
        (Some('d'), false) => "[0-9]".into(),
        (Some('d'), true) => "0-9".into(),
        (Some('D'), _) => "[^0-9]".into(),
        (Some('w'), false) => "[0-9A-Za-z_]".into(),
        (Some('w'), true) => "0-9A-Za-z_".into(),
        (Some('W'), _) => "[^0-9A-Za-z_]".into(),
        (Some('s'), false) => r"[\t\n\f\r ]".into(),
        (Some('s'), true) => r"\t\n\f\r ".into(),
        (Some('S'), _) => r"[^\t\n\f\r ]".into(),
        (Some('b'), false) => r"(?-u:\b)".into(),
        (Some(other), _) => format!("\\{other}"),
        (None, _) => "\\".into(),
    }
}

/// `[:alpha:]` is the same in both.
fn copy_named_class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    out.push('[');
    for it in chars.by_ref() {
        out.push(it);
        if it == ']' {
            break;
        }
    }
}

#[cfg(test)]
mod tests;
