//! The JSONPath of printer columns and scale paths: `.spec.ports[0].port`,
//! `.status.conditions[?(@.type=="Ready")].status`, `.metadata.labels['app\.kubernetes\.io/name']`, `.items[*].a`.

mod parse;

use std::cmp::Ordering;

use serde_json::Value;

/// How many values a path may find.
const MAX_FOUND: usize = 10_000;

/// A parsed path.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

/// Text that is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a JSONPath: {why}")]
pub struct ParseJsonPath {
    /// The text.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    All,
    Filter(Filter),
}

#[derive(Debug, Clone, PartialEq)]
struct Filter {
    left: Operand,
    test: Option<(Test, Operand)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Path(Vec<Step>),
    Literal(Value),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Test {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Reads a path, with or without the braces of kubectl.
    pub fn parse(text: &str) -> Result<Self, ParseJsonPath> {
        let steps = parse::path(text).map_err(|why| ParseJsonPath { path: text.to_owned(), why })?;
        Ok(Self { steps })
    }

    /// Every value the path leads to; none if a field is missing.
    pub fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        follow(&self.steps, value)
    }

    /// The field names of a path that has nothing else: what scale paths must be.
    pub fn fields(&self) -> Option<Vec<&str>> {
        self.steps.iter().map(|it| if let Step::Field(name) = it { Some(name.as_str()) } else { None }).collect()
    }
}

fn follow<'v>(steps: &[Step], value: &'v Value) -> Vec<&'v Value> {
    let mut found = vec![value];
    for step in steps {
        let mut next = Vec::new();
        for value in found {
            apply(step, value, &mut next);
            if next.len() > MAX_FOUND {
                return Vec::new();
            }
        }
        found = next;
    }
    found
}

fn apply<'v>(step: &Step, value: &'v Value, out: &mut Vec<&'v Value>) {
    match (step, value) {
        (Step::Field(name), Value::Object(object)) => out.extend(object.get(name)),
        (Step::All, Value::Object(object)) => out.extend(object.values()),
        (Step::All, Value::Array(list)) => out.extend(list),
        (Step::Index(at), Value::Array(list)) => out.extend(position(*at, list.len()).and_then(|it| list.get(it))),
        (Step::Slice(from, to), Value::Array(list)) => {
            let bound = |at: i64| position(at, list.len()).unwrap_or(0).min(list.len());
            let (from, to) = (from.map_or(0, bound), to.map_or(list.len(), bound));
            out.extend(list.get(from..to).unwrap_or_default());
        }
        (Step::Filter(filter), Value::Array(list)) => out.extend(list.iter().filter(|it| filter.holds(it))),
        _ => {}
    }
}

/// Negative places count from the end.
fn position(at: i64, length: usize) -> Option<usize> {
    let back = usize::try_from(at.unsigned_abs()).ok()?;
    if at < 0 { length.checked_sub(back) } else { Some(back) }
}

impl Filter {
    fn holds(&self, item: &Value) -> bool {
        let left = self.left.value(item);
        let Some((test, right)) = &self.test else { return left.is_some() };
        let (Some(left), Some(right)) = (left, right.value(item)) else { return false };
        let ordering = compare(left, right);
        match test {
            Test::Equal => ordering == Some(Ordering::Equal),
            Test::NotEqual => ordering.is_some_and(Ordering::is_ne),
            Test::Less => ordering.is_some_and(Ordering::is_lt),
            Test::LessOrEqual => ordering.is_some_and(Ordering::is_le),
            Test::Greater => ordering.is_some_and(Ordering::is_gt),
            Test::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        }
    }
}

impl Operand {
    fn value<'a>(&'a self, item: &'a Value) -> Option<&'a Value> {
        match self {
            Operand::Path(steps) => follow(steps, item).into_iter().next(),
            Operand::Literal(value) => Some(value),
        }
    }
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
