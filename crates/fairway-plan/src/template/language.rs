//! The part of Jinja that templates are written in: `{{ … }}`, `{% if %}`, `{% for %}`, comments and raw text.
//!
//! The engine counts instructions, but one instruction may make a text as long as memory, and nested expressions may
//! use up the stack. So what could grow (arithmetic, joining, calls, capturing) is not part of the language. A file is
//! judged by the engine's own tokens before the engine compiles it: there are no two readings of one text.

use std::collections::BTreeSet;

use minijinja::machinery::{Span, Token, tokenize};

use super::engine;

/// A file that is rendered has at most so many bytes.
const MAX_BYTES: usize = 256 * 1024;
/// A tag has at most so many words and signs.
const MAX_TOKENS: usize = 200;
/// Blocks, and brackets in a tag, nest at most so deep.
const MAX_DEPTH: usize = 20;
/// A file has at most so many `elif`, which nest inside the engine.
const MAX_ELIF: usize = 50;
/// What is reported of one file.
const MAX_FINDINGS: usize = 20;

/// What can be named, beside `parameters`.
pub(super) const FACTS: [(&str, &[&str]); 5] = [
    ("component", &["name", "description"]),
    ("project", &["name"]),
    ("team", &["name"]),
    ("repository", &["url"]),
    ("template", &["name", "version"]),
];
const PARAMETERS: &str = "parameters";
const KEYWORDS: [&str; 12] = ["and", "or", "not", "in", "if", "else", "true", "false", "none", "True", "False", "None"];
const BLOCKS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// What can be named: things, and the parts of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words<'a>(Vec<(&'a str, Vec<&'a str>)>);

impl<'a> Words<'a> {
    /// The same, with another thing.
    #[must_use]
    pub(crate) fn with(mut self, thing: &'a str, parts: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.push((thing, parts.into_iter().collect()));
        self
    }

    /// What a Template's files can name.
    pub(super) fn of_template(parameters: &BTreeSet<&'a str>) -> Self {
        let words = Self::default().with(PARAMETERS, parameters.iter().copied());
        FACTS.iter().fold(words, |words, (thing, parts)| words.with(thing, parts.iter().copied()))
    }
}

/// What a text says: its mistakes with their lines, and the parameters that it uses.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) mistakes: Vec<(usize, String)>,
    pub(super) used: BTreeSet<String>,
    bound: BTreeSet<String>,
    depth: usize,
    elifs: usize,
}

/// Reads a text; `words` are what it can name.
pub(crate) fn read(source: &str, words: &Words<'_>) -> Reading {
    let mut reading = Reading::default();
    if source.len() > MAX_BYTES {
        reading.find(1, format!("has {} bytes; a file that is rendered has at most {MAX_BYTES}", source.len()));
        return reading;
    }
    let mut tag: Vec<(Token<'_>, usize)> = Vec::new();
    for token in tokenize(source, false, engine::syntax()) {
        let (token, span): (Token<'_>, Span) = match token {
            Ok(token) => token,
            Err(error) => {
                reading.find(error.line().unwrap_or(1), engine::said(&error));
                return reading;
            }
        };
        match token {
            Token::TemplateData(_) | Token::VariableStart | Token::BlockStart => tag.clear(),
            Token::VariableEnd => reading.expression(&tag, words),
            Token::BlockEnd => reading.block(&tag, words),
            token => {
                tag.push((token, usize::from(span.start_line)));
                if tag.len() > MAX_TOKENS {
                    reading.find(
                        tag[0].1,
                        format!("this tag has more than {MAX_TOKENS} words and signs; make it shorter"),
                    );
                    return reading;
                }
            }
        }
    }
    reading
}

impl Reading {
    fn find(&mut self, line: usize, message: String) {
        if self.mistakes.len() < MAX_FINDINGS {
            self.mistakes.push((line, message));
        }
    }

    /// `{% … %}`.
    fn block(&mut self, tag: &[(Token<'_>, usize)], words: &Words<'_>) {
        let Some((Token::Ident(word), line)) = tag.first() else { return };
        if !BLOCKS.contains(word) {
            self.find(*line, format!("{word:?} is not part of templates; there are if, elif, else and for"));
            return;
        }
        match *word {
            "if" | "for" => self.depth += 1,
            "endif" | "endfor" => self.depth = self.depth.saturating_sub(1),
            "elif" => self.elifs += 1,
            _ => {}
        }
        if self.depth > MAX_DEPTH || self.elifs > MAX_ELIF {
            self.find(*line, format!("blocks nest more than {MAX_DEPTH} deep, or there are more than {MAX_ELIF} elif"));
        }
        let mut rest = &tag[1..];
        if *word == "for" {
            self.bound.insert("loop".to_owned());
            while let Some((Token::Ident(_) | Token::Comma, _)) = rest.first() {
                let (Token::Ident(name), _) = &rest[0] else {
                    rest = &rest[1..];
                    continue;
                };
                if *name == "in" {
                    break;
                }
                self.bound.insert((*name).to_owned());
                rest = &rest[1..];
            }
        }
        self.expression(rest, words);
    }

    /// What stands in a tag, token by token.
    fn expression(&mut self, tag: &[(Token<'_>, usize)], words: &Words<'_>) {
        let mut open: usize = 0;
        for (index, (token, line)) in tag.iter().enumerate() {
            let before = index.checked_sub(1).map(|it| &tag[it].0);
            match token {
                Token::ParenOpen | Token::BracketOpen => {
                    open += 1;
                    let called = matches!(before, Some(Token::Ident(it)) if !KEYWORDS.contains(it))
                        || matches!(before, Some(Token::ParenClose | Token::BracketClose));
                    if called && matches!(token, Token::ParenOpen) {
                        self.find(*line, "nothing can be called in a template".to_owned());
                    }
                    if open > MAX_DEPTH {
                        self.find(*line, format!("brackets nest more than {MAX_DEPTH} deep"));
                        return;
                    }
                }
                Token::ParenClose | Token::BracketClose => open = open.saturating_sub(1),
                Token::Ident(word) => self.word(word, *line, before, tag.get(index + 1..), words),
                Token::Plus | Token::Mul | Token::Div | Token::FloorDiv | Token::Pow | Token::Mod | Token::Tilde => {
                    let advice = "write texts beside each other, and numbers as parameters";
                    self.find(*line, format!("{token} is not part of templates; {advice}"));
                }
                Token::Assign | Token::BraceOpen | Token::Colon => {
                    self.find(*line, format!("{token} is not part of templates"));
                }
                _ => {}
            }
        }
    }

    /// A name: of a filter, of something's part, or of a thing.
    fn word(
        &mut self,
        word: &str,
        line: usize,
        before: Option<&Token<'_>>,
        after: Option<&[(Token<'_>, usize)]>,
        words: &Words<'_>,
    ) {
        match before {
            Some(Token::Pipe) if !engine::FILTERS.contains(&word) => {
                let known = engine::FILTERS.join(", ");
                self.find(line, format!("there is no filter {word:?}; there are {known}"));
                return;
            }
            Some(Token::Pipe | Token::Dot) => return,
            _ if KEYWORDS.contains(&word) || self.bound.contains(word) => return,
            _ => {}
        }
        let part = match after {
            Some([(Token::Dot, _), (Token::Ident(part), _), ..]) => Some(*part),
            _ => None,
        };
        let Some((_, known)) = words.0.iter().find(|it| it.0 == word) else {
            let roots: Vec<&str> = words.0.iter().map(|it| it.0).collect();
            self.find(line, format!("{word:?} is not known; there are {}", roots.join(", ")));
            return;
        };
        match part {
            Some(part) if known.contains(&part) => {
                if word == PARAMETERS {
                    self.used.insert(part.to_owned());
                }
            }
            part => {
                let named = part.map_or_else(|| word.to_owned(), |it| format!("{word}.{it}"));
                let there = known.iter().map(|it| format!("{word}.{it}")).collect::<Vec<_>>().join(", ");
                let there = if there.is_empty() {
                    "the template declares none".to_owned()
                } else {
                    format!("there are {there}")
                };
                self.find(line, format!("{named} is not known; {there}"));
            }
        }
    }
}
