//! The template engine, with nothing in it but what templates may use, and with budgets.

use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use super::folder::MAX_FILE;

/// The filters there are.
pub(super) const FILTERS: [&str; 5] = ["lower", "upper", "snake", "pascal", "quote"];
/// Steps that rendering a whole template may take.
pub(super) const FUEL: u64 = 1_000_000;

/// Tags take no line of their own, and the last line keeps its end.
pub(super) fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    builder.build().unwrap_or_default()
}

/// Renders texts, as long as there is fuel.
pub(crate) struct Engine {
    environment: Environment<'static>,
    context: Value,
    fuel: u64,
}

impl Engine {
    /// An engine whose texts see `context`.
    pub(crate) fn new(context: &serde_json::Value) -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_recursion_limit(50);
        environment.set_syntax(syntax());
        environment.set_formatter(|out, _, value| match text(value) {
            Some(text) => out.write_str(&text).map_err(|_| Error::from(ErrorKind::WriteFailure)),
            None => {
                let message = format!("a {} cannot be inserted; insert a part of it", value.kind());
                Err(Error::new(ErrorKind::InvalidOperation, message))
            }
        });
        environment.add_filter("lower", |it: &str| it.to_lowercase());
        environment.add_filter("upper", |it: &str| it.to_uppercase());
        environment.add_filter("snake", |it: &str| it.replace(['-', ' ', '.'], "_").to_lowercase());
        environment.add_filter("pascal", pascal);
        environment.add_filter("quote", quote);
        Self { environment, context: Value::from(Serde(context)), fuel: FUEL }
    }

    /// Renders a text that [`super::language::read`] found no mistake in. The error has the line, where one is known.
    pub(crate) fn render(&mut self, source: &str) -> Result<Vec<u8>, (Option<usize>, String)> {
        self.environment.set_fuel(Some(self.fuel));
        let mut out = Bounded { bytes: Vec::new(), full: false };
        let rendered = self
            .environment
            .template_from_str(source)
            .and_then(|it| it.render_captured_to(self.context.clone(), &mut out).map(|it| it.state().fuel_levels()));
        match rendered {
            Ok(levels) => {
                self.fuel = levels.map_or(0, |it| it.1).max(1);
                Ok(out.bytes)
            }
            Err(_) if out.full => {
                Err((None, format!("becomes more than {MAX_FILE} bytes; a file has at most that many")))
            }
            Err(error) if error.kind() == ErrorKind::OutOfFuel => {
                Err((error.line(), format!("takes more than {FUEL} steps to render; loop less")))
            }
            Err(error) => Err((error.line(), said(&error))),
        }
    }
}

/// What an error of the engine says, in one line.
pub(super) fn said(error: &Error) -> String {
    let text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// A value as it is inserted; none of what is no single value.
fn text(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::Bool => Some(value.is_true().to_string()),
        ValueKind::String | ValueKind::Number => Some(value.to_string()),
        _ => None,
    }
}

/// `my-api` to `MyApi`.
fn pascal(text: &str) -> String {
    let mut words = String::new();
    for word in text.split(['-', '_', ' ', '.']) {
        let mut letters = word.chars();
        words.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        words.push_str(letters.as_str());
    }
    words
}

/// A value as YAML, JSON and TOML understand it, whatever is in it.
fn quote(value: &Value) -> Result<String, Error> {
    let quoted = serde_json::to_string(&text(value).unwrap_or_default());
    quoted.map_err(|it| Error::new(ErrorKind::BadSerialization, it.to_string()))
}

/// Takes as much as a file may have.
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_FILE {
            self.full = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
