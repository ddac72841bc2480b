//! `metadata.name=a,status.phase!=Running`.

use super::ParseSelector;

const MAX_TERMS: usize = 100;

/// Terms that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    /// In the order they were written.
    pub terms: Vec<FieldTerm>,
}

/// One `path=value` or `path!=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTerm {
    /// `metadata.name`.
    pub path: String,
    /// What the field is compared with.
    pub value: String,
    /// Whether it must be that, or must not.
    pub equal: bool,
}

impl FieldSelector {
    /// Reads the text of a `fieldSelector` parameter. Which paths there are is the resource's affair.
    pub fn parse(text: &str) -> Result<Self, ParseSelector> {
        let mut terms = Vec::new();
        for term in split(text).into_iter().filter(|it| !it.is_empty()) {
            if terms.len() == MAX_TERMS {
                return Err(ParseSelector::KeepBudget { what: "terms", limit: MAX_TERMS });
            }
            terms.push(read(text, term)?);
        }
        Ok(Self { terms })
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether all terms hold; `field` gives the value of a path, empty where there is none.
    pub fn matches<'v>(&self, field: impl Fn(&str) -> std::borrow::Cow<'v, str>) -> bool {
        self.terms.iter().all(|it| (field(&it.path) == it.value) == it.equal)
    }

    /// The value a path must have, where a term says so: `metadata.name=x` turns a list into a look-up.
    pub fn exact(&self, path: &str) -> Option<&str> {
        self.terms.iter().find(|it| it.equal && it.path == path).map(|it| it.value.as_str())
    }
}

/// Cuts at commas that are not escaped.
fn split(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, it) in text.char_indices() {
        match it {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn read(text: &str, term: &str) -> Result<FieldTerm, ParseSelector> {
    let operator = term.find("!=").map(|at| (at, 2, false));
    let equals = || term.find("==").map(|at| (at, 2, true)).filter(|it| term.find('=') == Some(it.0));
    let equal = || term.find('=').map(|at| (at, 1, true));
    let first = operator.filter(|it| term.find('=') == Some(it.0 + 1)).or_else(equals).or_else(equal);
    let understood = first.and_then(|(at, length, equal)| {
        let value = unescape(&term[at + length..])?;
        Some(FieldTerm { path: term[..at].to_owned(), value, equal })
    });
    understood.ok_or_else(|| ParseSelector::ReadTerm { selector: text.to_owned(), term: term.to_owned() })
}

/// Only `\\`, `\,` and `\=` are escapes; a bare `,` or `=` may not stand in a value.
fn unescape(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(it) = chars.next() {
        match it {
            '\\' => value.push(chars.next().filter(|it| ['\\', ',', '='].contains(it))?),
            '=' => return None,
            other => value.push(other),
        }
    }
    Some(value)
}
