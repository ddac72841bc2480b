//! Results as people or programs want them.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::ValueEnum;
use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::text::harmless;

/// How a result is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// Names only, one a line.
    Name,
}

/// A result of a command.
pub trait Report: Serialize {
    /// For people. Ends with a line end unless it is empty.
    fn table(&self) -> String;
    /// `kind/name` of what it is about.
    fn names(&self) -> Vec<String>;
    /// The exit code that goes with it.
    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// The text of a result.
pub fn render(report: &impl Report, format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Table => harmless(&report.table()),
        Format::Json => {
            let text = serde_json::to_string_pretty(report);
            text.map_err(|it| Failure::failed(format!("cannot write the result as JSON: {it}")))? + "\n"
        }
        Format::Yaml => to_yaml(report)?,
        Format::Name => report.names().iter().map(|it| format!("{}\n", harmless(it))).collect(),
    })
}

pub(crate) fn to_yaml(value: &impl Serialize) -> Result<String, Failure> {
    let failed = |it: String| Failure::failed(format!("cannot write the result as YAML: {it}"));
    let tree = serde_json::to_value(value).map_err(|it| failed(it.to_string()))?;
    serde_saphyr::to_string(&tree).map_err(|it| failed(it.to_string()))
}

/// Writes to standard output. A reader that went away is no error.
pub(crate) fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes what a program printed, as it printed it.
pub(crate) fn print_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Writes to standard error.
pub(crate) fn print_error(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// `error:` and `hint:` on standard error; the words carry it, the colour only helps.
pub(crate) fn print_failure(failure: &Failure) {
    print_error(&failure_text(failure));
}

pub(crate) fn failure_text(failure: &Failure) -> String {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let mut text = format!("{red}error:{red:#} {}\n", harmless(&failure.what));
    for line in &failure.details {
        let _ = writeln!(text, "  {}", harmless(line));
    }
    if let Some(hint) = &failure.hint {
        text.push_str(&hint_text(hint));
    }
    text
}

pub(crate) fn hint_text(hint: &str) -> String {
    let cyan = anstyle::AnsiColor::Cyan.on_default();
    format!("{cyan}hint:{cyan:#} {}\n", harmless(hint))
}

#[cfg(test)]
mod tests;
