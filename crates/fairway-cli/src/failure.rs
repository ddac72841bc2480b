//! What a command says when it could not do what was asked: what, the next command, and the exit code.

use std::error::Error;
use std::fmt;

use kube::Error as ApiError;
use serde_json::{Map, Value, json};

/// Exit codes, documented in `docs/reference/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// It could not be done.
    Failed = 1,
    /// The command was not understood, or asks for what is not there yet.
    Usage = 2,
    /// Something named does not exist.
    NotFound = 3,
    /// A policy, a right or a confirmation is missing.
    Refused = 4,
    /// What was asked for is not healthy, or not in time.
    NotReady = 5,
    /// The platform does not run, or cannot be reached.
    NotRunning = 6,
}

impl Exit {
    /// Every code with its meaning.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Done, "it was done"),
        (Self::Failed, "it could not be done; the message says why"),
        (Self::Usage, "the command was not understood, or asks for something that is not there yet"),
        (Self::NotFound, "something that was named does not exist"),
        (Self::Refused, "a policy, a right or a confirmation is missing"),
        (Self::NotReady, "what was asked for is not healthy, or did not become so in time"),
        (Self::NotRunning, "the platform does not run, or cannot be reached"),
    ];

    /// The code as the operating system has it.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// A command that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What, in one sentence.
    pub what: String,
    /// More lines of it: findings, a compiler's errors, the end of a log.
    pub details: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// What is known nevertheless, for programs.
    pub data: Map<String, Value>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failure {}

impl Failure {
    fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), details: Vec::new(), hint: None, data: Map::new() }
    }

    /// It could not be done.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// The command was not understood.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Something does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, what)
    }

    /// It is not allowed.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Exit::Refused, what)
    }

    /// It is not healthy, or not in time.
    pub fn not_ready(what: impl Into<String>) -> Self {
        Self::new(Exit::NotReady, what)
    }

    /// The platform does not run.
    pub fn not_running(what: impl Into<String>) -> Self {
        Self::new(Exit::NotRunning, what)
    }

    /// With the next command.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With more lines.
    pub fn details(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(lines);
        self
    }

    /// With what is known nevertheless.
    pub fn data(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// All of it, for programs.
    pub fn to_json(&self) -> Value {
        let mut data = self.data.clone();
        data.insert("error".to_owned(), json!(self.what));
        data.insert("details".to_owned(), json!(self.details));
        data.insert("hint".to_owned(), json!(self.hint));
        data.insert("exitCode".to_owned(), json!(self.exit.code()));
        Value::Object(data)
    }

    /// From an error of the API, met while doing something (`read component hello`).
    pub fn api(doing: impl Into<String>) -> impl FnOnce(ApiError) -> Self {
        let doing = doing.into();
        move |error| match error {
            ApiError::Api(status) => of_status(&doing, &status),
            ApiError::Service(_) | ApiError::HyperError(_) | ApiError::ReadEvents(_) => {
                Self::not_running(format!("cannot {doing}: the platform does not answer ({})", root(&error)))
                    .hint("platform up")
            }
            other => Self::failed(format!("cannot {doing}: {}", root(&other))),
        }
    }

    /// From an error of reading or writing files.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |error| Self::failed(format!("cannot {doing}: {error}"))
    }
}

fn of_status(doing: &str, status: &kube::core::Status) -> Failure {
    let what = format!("cannot {doing}: {}", status.message);
    match status.code {
        404 => Failure::not_found(what),
        401 => Failure::refused(what).hint("the token is not accepted; platform whoami shows who you are"),
        403 => Failure::refused(what).hint("platform whoami shows who you are and which teams you belong to"),
        503 | 504 => Failure::not_running(what).hint("platform up"),
        _ => Failure::failed(what),
    }
}

/// The last error of a chain: the others say that something failed, this one says what.
fn root(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

#[cfg(test)]
mod tests;
