//! A variable that the program asks for and that nobody set.

use super::Found;
use crate::why::lines::{between, says, words};
use crate::why::near::nearest;
use crate::why::observations::{Observations, WorkloadContainer};
use crate::why::{CauseKind, Evidence};

/// Words for a variable of the environment.
const OF_ENVIRONMENT: [&str; 6] =
    ["environment variable", "env var", "environ", "unbound variable", "parameter not set", "process.env"];
/// Words for what is not there; only of a name that can hardly be anything else.
const ABSENT: [&str; 7] =
    ["not set", "must be set", "is required", "missing", "not defined", "is not present", "not found"];
/// Upper-case words of logs that are no variables.
const LEVELS: [&str; 14] = [
    "ERROR", "FATAL", "WARN", "WARNING", "INFO", "DEBUG", "TRACE", "CRITICAL", "PANIC", "HTTP", "GET", "POST", "JSON",
    "SQL",
];

pub(super) fn find(seen: &Observations) -> Option<Found> {
    // Nobody is blamed for a program that goes on, nor where it is not known what is set.
    let (_, container) = seen.failing().into_iter().find(|(_, it)| it.end().is_none_or(|it| it.code != 0))?;
    let lines: Vec<_> = seen.said().filter(|it| it.container.name == container.name).collect();
    let asked = seen.asked(&container.name);
    let is_set = |name: &str| asked.is_none_or(|it| it.has(name));
    let traced = lines.iter().any(|it| says(it.text, &["environ", "<frozen os>", "/os.py"]));
    let (name, line) = lines.iter().find_map(|line| {
        let name = candidate(line.text, traced).filter(|it| !is_set(it))?;
        Some((name, line))
    })?;
    let known = asked.map(|it| it.names().map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default();
    let near = nearest(name, known.iter().map(String::as_str));
    let near = near.map(|it| format!("; {it} is set")).unwrap_or_default();
    let sentence = format!("variable {name}, which container {} asks for, is not set{near}", container.name);
    let there = Evidence::object(
        format!("Deployment {}", seen.service),
        if known.is_empty() { "sets no variables".to_owned() } else { format!("sets {}", known.join(", ")) },
    );
    Some(
        Found::new(CauseKind::MissingVariable, sentence)
            .by([line.evidence(), there])
            .mend(format!("add {name} to config/{}.yaml or config/default.yaml", seen.environment))
            .next(seen.deliver()),
    )
}

/// The variable that a line misses.
fn candidate(line: &str, traced: bool) -> Option<&str> {
    if let Some(key) = between(line, "KeyError: '", "'") {
        return Some(key).filter(|it| traced && is_variable(it));
    }
    let sure = says(line, &OF_ENVIRONMENT);
    if !sure && !says(line, &ABSENT) {
        return None;
    }
    let mut all = words(line).filter(|it| is_variable(it));
    all.find(|it| sure || it.contains('_'))
}

/// Upper-case letters, digits and `_`.
fn is_variable(word: &str) -> bool {
    let all = word.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_');
    all && word.len() > 2 && word.starts_with(|it: char| it.is_ascii_uppercase()) && !LEVELS.contains(&word)
}

impl WorkloadContainer {
    /// Whether a variable is set, or may be.
    fn has(&self, name: &str) -> bool {
        self.inherited.is_none() || self.names().any(|it| it == name)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.variables.iter().map(|it| it.name.as_str());
        let inherited = self.inherited.iter().flatten().map(String::as_str);
        own.chain(inherited.filter(|it| !self.variables.iter().any(|own| own.name == *it)))
    }
}

#[cfg(test)]
mod tests;
