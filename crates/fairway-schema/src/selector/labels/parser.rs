//! The text of a label selector.

use super::{Operator, Requirement};
use crate::selector::ParseSelector;

/// What a selector is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Comma,
    Open,
    Close,
    Not,
    Equal,
    NotEqual,
    Greater,
    Less,
    End,
}

impl Token {
    pub(super) fn text(&self) -> String {
        match self {
            Token::Word(word) => word.clone(),
            Token::Comma => ",".into(),
            Token::Open => "(".into(),
            Token::Close => ")".into(),
            Token::Not => "!".into(),
            Token::Equal => "=".into(),
            Token::NotEqual => "!=".into(),
            Token::Greater => ">".into(),
            Token::Less => "<".into(),
            Token::End => String::new(),
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    const SPECIAL: &str = "=!(),<>";
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(it) = chars.next() {
        tokens.push(match it {
            it if it.is_ascii_whitespace() => continue,
            ',' => Token::Comma,
            '(' => Token::Open,
            ')' => Token::Close,
            '>' => Token::Greater,
            '<' => Token::Less,
            '!' if chars.next_if_eq(&'=').is_some() => Token::NotEqual,
            '!' => Token::Not,
            '=' => {
                chars.next_if_eq(&'=');
                Token::Equal
            }
            first => {
                let mut word = String::from(first);
                while let Some(it) = chars.next_if(|it| !it.is_ascii_whitespace() && !SPECIAL.contains(*it)) {
                    word.push(it);
                }
                Token::Word(word)
            }
        });
    }
    tokens.push(Token::End);
    tokens
}

/// Reads requirements one after another.
pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    pub(super) fn new(text: &str) -> Self {
        Self { tokens: tokens(text), at: 0 }
    }

    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub(super) fn requirement(&mut self) -> Result<Requirement, ParseSelector> {
        let negated = *self.peek() == Token::Not;
        if negated {
            self.at += 1;
        }
        let key = match self.next() {
            Token::Word(word) => word,
            other => return Err(unexpected(&other.text(), "!, identifier, or 'end of string'")),
        };
        let (operator, values) = match self.peek().clone() {
            Token::Comma | Token::End if negated => (Operator::DoesNotExist, Vec::new()),
            Token::Comma | Token::End => (Operator::Exists, Vec::new()),
            other if negated => return Err(unexpected(&other.text(), "',' or 'end of string'")),
            Token::Equal => (Operator::In, self.single()),
            Token::NotEqual => (Operator::NotIn, self.single()),
            Token::Greater => (Operator::GreaterThan, self.single()),
            Token::Less => (Operator::LessThan, self.single()),
            Token::Word(word) if word == "in" => (Operator::In, self.set()?),
            Token::Word(word) if word == "notin" => (Operator::NotIn, self.set()?),
            other => return Err(unexpected(&other.text(), "in, notin, =, ==, !=, gt, lt")),
        };
        Requirement { key, operator, values }.check()
    }

    /// `=value`; nothing after it means the empty value.
    fn single(&mut self) -> Vec<String> {
        self.at += 1;
        match self.peek().clone() {
            Token::Word(word) => {
                self.at += 1;
                vec![word]
            }
            _ => vec![String::new()],
        }
    }

    /// `in (a, b)`.
    fn set(&mut self) -> Result<Vec<String>, ParseSelector> {
        self.at += 1;
        if self.next() != Token::Open {
            self.at -= 1;
            return Err(unexpected(&self.peek().text(), "'('"));
        }
        let mut values = Vec::new();
        loop {
            values.push(match self.peek().clone() {
                Token::Word(word) => {
                    self.at += 1;
                    word
                }
                Token::Comma | Token::Close => String::new(),
                other => return Err(unexpected(&other.text(), "',', ')' or identifier")),
            });
            match self.next() {
                Token::Comma => {}
                Token::Close => break,
                other => return Err(unexpected(&other.text(), "',' or ')'")),
            }
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }
}

pub(super) fn unexpected(found: &str, expected: &str) -> ParseSelector {
    ParseSelector::ReadRequirement(format!("found '{found}', expected: {expected}"))
}
