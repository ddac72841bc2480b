//! `app=web,tier in (a, b),!canary`, and the LabelSelector object that says the same.

use serde_json::Value;

use super::ParseSelector;
use crate::names;

const MAX_REQUIREMENTS: usize = 1_000;

/// Requirements that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Empty: everything matches, unless `nothing`.
    pub requirements: Vec<Requirement>,
    /// Matches no object: a LabelSelector that is not there.
    pub nothing: bool,
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what; sorted.
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

impl LabelSelector {
    /// Reads the text of a `labelSelector` parameter.
    pub fn parse(text: &str) -> Result<Self, ParseSelector> {
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        let mut requirements = Vec::new();
        while parser.peek() != &Token::End {
            if requirements.len() == MAX_REQUIREMENTS {
                return Err(ParseSelector::KeepBudget { what: "requirements", limit: MAX_REQUIREMENTS });
            }
            requirements.push(parser.requirement()?);
            match parser.next() {
                Token::Comma if *parser.peek() == Token::End => {
                    return Err(unexpected("", "identifier after ','"));
                }
                Token::Comma | Token::End => {}
                other => return Err(unexpected(&other.text(), "',' or 'end of string'")),
            }
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements, nothing: false })
    }

    /// Reads a `metav1.LabelSelector`. Null matches nothing, an empty object everything.
    pub fn from_object(object: &Value) -> Result<Self, ParseSelector> {
        if object.is_null() {
            return Ok(Self { nothing: true, ..Self::default() });
        }
        let mut requirements = Vec::new();
        for (key, value) in object["matchLabels"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            requirements.push(Requirement { key: key.clone(), operator: Operator::In, values: vec![value] }.check()?);
        }
        for expression in object["matchExpressions"].as_array().into_iter().flatten() {
            let operator = match expression["operator"].as_str().unwrap_or_default() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => {
                    return Err(ParseSelector::ReadObject(format!("{other:?} is not a valid label selector operator")));
                }
            };
            let values = expression["values"].as_array().into_iter().flatten();
            let mut values: Vec<String> = values.filter_map(Value::as_str).map(ToOwned::to_owned).collect();
            values.sort_unstable();
            let key = expression["key"].as_str().unwrap_or_default().to_owned();
            requirements.push(Requirement { key, operator, values }.check()?);
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements, nothing: false })
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty() && !self.nothing
    }

    /// Whether labels, sorted by key, meet every requirement.
    pub fn matches<K: AsRef<str>, V: AsRef<str>>(&self, labels: &[(K, V)]) -> bool {
        !self.nothing
            && self.requirements.iter().all(|it| {
                let found = labels.binary_search_by(|label| label.0.as_ref().cmp(&it.key));
                it.holds(found.ok().map(|at| labels[at].1.as_ref()))
            })
    }

    /// Whether the labels of an object (a JSON map of strings, or null) meet every requirement.
    pub fn matches_object(&self, labels: &Value) -> bool {
        let labels = labels.as_object();
        !self.nothing && self.requirements.iter().all(|it| it.holds(labels.and_then(|all| all.get(&it.key)?.as_str())))
    }
}

impl std::fmt::Display for LabelSelector {
    /// The text form: what `status.selector` of a Scale holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, it) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            let (key, values) = (&it.key, it.values.join(","));
            match it.operator {
                Operator::In if it.values.len() == 1 => write!(f, "{key}={values}")?,
                Operator::In => write!(f, "{key} in ({values})")?,
                Operator::NotIn if it.values.len() == 1 => write!(f, "{key}!={values}")?,
                Operator::NotIn => write!(f, "{key} notin ({values})")?,
                Operator::Exists => f.write_str(key)?,
                Operator::DoesNotExist => write!(f, "!{key}")?,
                Operator::GreaterThan => write!(f, "{key}>{values}")?,
                Operator::LessThan => write!(f, "{key}<{values}")?,
            }
        }
        Ok(())
    }
}

impl Requirement {
    fn holds(&self, label: Option<&str>) -> bool {
        match (self.operator, label) {
            (Operator::In, Some(value)) => self.has(value),
            (Operator::NotIn, Some(value)) => !self.has(value),
            (Operator::Exists, label) => label.is_some(),
            (Operator::DoesNotExist, label) => label.is_none(),
            (Operator::NotIn, None) => true,
            (Operator::In, None) => false,
            (Operator::GreaterThan, Some(value)) => self.compare(value).is_some_and(std::cmp::Ordering::is_gt),
            (Operator::LessThan, Some(value)) => self.compare(value).is_some_and(std::cmp::Ordering::is_lt),
            (Operator::GreaterThan | Operator::LessThan, None) => false,
        }
    }

    fn has(&self, value: &str) -> bool {
        self.values.binary_search_by(|it| it.as_str().cmp(value)).is_ok()
    }

    fn compare(&self, value: &str) -> Option<std::cmp::Ordering> {
        let bound: i64 = self.values.first()?.parse().ok()?;
        Some(value.parse::<i64>().ok()?.cmp(&bound))
    }

    fn check(self) -> Result<Self, ParseSelector> {
        let fail = |path: &str, value: &str, why: String| {
            Err(ParseSelector::ReadRequirement(format!("{path}: Invalid value: {value:?}: {why}")))
        };
        if let Some(why) = names::qualified_name(&self.key).into_iter().next() {
            return fail("key", &self.key, why);
        }
        for (index, value) in self.values.iter().enumerate() {
            if let Some(why) = names::label_value(value).into_iter().next() {
                return fail(&format!("values[{index}][{}]", self.key), value, why);
            }
        }
        let number = matches!(self.operator, Operator::GreaterThan | Operator::LessThan);
        if number && self.values.iter().any(|it| it.parse::<i64>().is_err()) {
            let why = "for 'Gt', 'Lt' operators, the value must be an integer".to_owned();
            return fail("values[0]", &self.values.join(","), why);
        }
        let wants = matches!(self.operator, Operator::In | Operator::NotIn);
        if wants && self.values.is_empty() {
            let why = "for 'in', 'notin' operators, values set can't be empty";
            return Err(ParseSelector::ReadObject(format!("values: Invalid value: []: {why}")));
        }
        if matches!(self.operator, Operator::Exists | Operator::DoesNotExist) && !self.values.is_empty() {
            let why = "values set must be empty for exists and does not exist";
            return Err(ParseSelector::ReadObject(format!("values: Invalid value: {:?}: {why}", self.values)));
        }
        Ok(self)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
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
    fn text(&self) -> String {
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

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, ParseSelector> {
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

fn unexpected(found: &str, expected: &str) -> ParseSelector {
    ParseSelector::ReadRequirement(format!("found '{found}', expected: {expected}"))
}
