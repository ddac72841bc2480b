//! The text of a path to its steps.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Value, json};

use super::{Filter, Operand, Step, Test};

const MAX_LENGTH: usize = 1_000;
const MAX_FILTERS: usize = 4;

type Source<'a> = Peekable<Chars<'a>>;

pub(super) fn path(text: &str) -> Result<Vec<Step>, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("it is longer than {MAX_LENGTH} bytes"));
    }
    let text = text.trim();
    let text = text.strip_prefix('{').and_then(|it| it.strip_suffix('}')).unwrap_or(text);
    let text = text.strip_prefix('$').unwrap_or(text);
    let mut source = text.chars().peekable();
    let steps = steps(&mut source, 0)?;
    match source.next() {
        None if steps.is_empty() && text != "." && !text.is_empty() => Err("it names nothing".to_owned()),
        None => Ok(steps),
        Some(it) => Err(format!("unexpected {it:?}")),
    }
}

fn steps(source: &mut Source<'_>, depth: usize) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    loop {
        match source.peek() {
            Some('.') => {
                source.next();
                match source.peek() {
                    Some('.') => return Err("recursive descent (..) is not supported".to_owned()),
                    Some('[') | None => {}
                    _ => steps.push(field(source)?),
                }
            }
            Some('[') => {
                source.next();
                steps.push(bracket(source, depth)?);
            }
            Some(it) if steps.is_empty() && depth == 0 && starts_field(*it) => steps.push(field(source)?),
            _ => return Ok(steps),
        }
    }
}

fn starts_field(it: char) -> bool {
    it.is_alphanumeric() || "_-*\\/$".contains(it)
}

/// A field name; a backslash takes the next character as it is.
fn field(source: &mut Source<'_>) -> Result<Step, String> {
    let mut name = String::new();
    while let Some(it) = source.next_if(|it| starts_field(*it)) {
        match it {
            '\\' => name.push(source.next().ok_or("it ends with a backslash")?),
            other => name.push(other),
        }
    }
    match name.as_str() {
        "" => Err(source.peek().map_or_else(|| "it ends early".to_owned(), |it| format!("unexpected {it:?}"))),
        "*" => Ok(Step::All),
        _ => Ok(Step::Field(name)),
    }
}

/// What stands between `[` and `]`.
fn bracket(source: &mut Source<'_>, depth: usize) -> Result<Step, String> {
    let step = match source.peek() {
        Some('\'' | '"') => Step::Field(quoted(source)?),
        Some('*') => {
            source.next();
            Step::All
        }
        Some('?') => {
            source.next();
            Step::Filter(filter(source, depth)?)
        }
        _ => {
            let from = number(source)?;
            if source.next_if_eq(&':').is_some() {
                Step::Slice(from, number(source)?)
            } else {
                Step::Index(from.ok_or("an index is a number")?)
            }
        }
    };
    expect(source, ']')?;
    Ok(step)
}

fn filter(source: &mut Source<'_>, depth: usize) -> Result<Filter, String> {
    if depth >= MAX_FILTERS {
        return Err(format!("filters nest at most {MAX_FILTERS} deep"));
    }
    expect(source, '(')?;
    let left = operand(source, depth)?;
    skip_blanks(source);
    let test = match source.peek() {
        Some(')') => None,
        _ => Some((test(source)?, operand(source, depth)?)),
    };
    skip_blanks(source);
    expect(source, ')')?;
    Ok(Filter { left, test })
}

fn operand(source: &mut Source<'_>, depth: usize) -> Result<Operand, String> {
    skip_blanks(source);
    match source.peek() {
        Some('@') => {
            source.next();
            Ok(Operand::Path(steps(source, depth + 1)?))
        }
        Some('\'' | '"') => Ok(Operand::Literal(Value::String(quoted(source)?))),
        _ => {
            let mut word = String::new();
            while let Some(it) = source.next_if(|it| it.is_ascii_alphanumeric() || "+-.".contains(*it)) {
                word.push(it);
            }
            let value = match word.as_str() {
                "true" => Some(json!(true)),
                "false" => Some(json!(false)),
                number => number.parse::<f64>().ok().filter(|it| it.is_finite()).map(|it| json!(it)),
            };
            value.map(Operand::Literal).ok_or_else(|| format!("{word:?} is not a value"))
        }
    }
}

fn test(source: &mut Source<'_>) -> Result<Test, String> {
    let first = source.next();
    let equal = source.next_if_eq(&'=').is_some();
    match (first, equal) {
        (Some('='), true) => Ok(Test::Equal),
        (Some('!'), true) => Ok(Test::NotEqual),
        (Some('<'), false) => Ok(Test::Less),
        (Some('<'), true) => Ok(Test::LessOrEqual),
        (Some('>'), false) => Ok(Test::Greater),
        (Some('>'), true) => Ok(Test::GreaterOrEqual),
        _ => Err("a filter compares with ==, !=, <, <=, > or >=".to_owned()),
    }
}

fn quoted(source: &mut Source<'_>) -> Result<String, String> {
    let quote = source.next().ok_or("it ends early")?;
    let mut text = String::new();
    loop {
        match source.next().ok_or("a quote is not closed")? {
            '\\' => text.push(source.next().ok_or("a quote is not closed")?),
            it if it == quote => return Ok(text),
            it => text.push(it),
        }
    }
}

fn number(source: &mut Source<'_>) -> Result<Option<i64>, String> {
    let mut digits = String::new();
    while let Some(it) = source.next_if(|it| it.is_ascii_digit() || *it == '-') {
        digits.push(it);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    digits.parse().map(Some).map_err(|_| format!("{digits:?} is not an index"))
}

fn expect(source: &mut Source<'_>, wanted: char) -> Result<(), String> {
    match source.next() {
        Some(it) if it == wanted => Ok(()),
        Some(it) => Err(format!("expected {wanted:?}, found {it:?}")),
        None => Err(format!("expected {wanted:?}, found the end")),
    }
}

fn skip_blanks(source: &mut Source<'_>) {
    while source.next_if_eq(&' ').is_some() {}
}
