//! `app=web,tier in (a, b),!canary`, and the LabelSelector object that says the same.

mod parser;

use serde_json::Value;

use super::ParseSelector;
use crate::names;
use parser::{Parser, Token, unexpected};

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
        let mut parser = Parser::new(text);
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
        let labels = object["matchLabels"].as_object().map_or(0, serde_json::Map::len);
        if labels + object["matchExpressions"].as_array().map_or(0, Vec::len) > MAX_REQUIREMENTS {
            return Err(ParseSelector::KeepBudget { what: "requirements", limit: MAX_REQUIREMENTS });
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
