//! What is shown while something runs. Always on standard error: standard output belongs to results.

use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::text::one_line;

/// Where progress goes.
pub trait Progress: Send + Sync {
    /// What is going on now; takes the place of what was said before.
    fn step(&self, text: &str);
    /// More about the step; worth a look while it lasts, and no line in a log.
    fn detail(&self, text: &str);
    /// Something to be kept.
    fn note(&self, text: &str);
    /// Nothing is going on any more.
    fn end(&self);
}

/// Says nothing.
pub struct Quiet;

impl Progress for Quiet {
    fn step(&self, _: &str) {}
    fn detail(&self, _: &str) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
}

/// One line that changes on a terminal; off one, a line for each step.
pub struct Shown {
    line: Mutex<Line>,
}

enum Line {
    Idle,
    Live(ProgressBar),
    Plain { last: String },
}

impl Shown {
    /// As standard error can.
    pub fn on_stderr() -> Arc<dyn Progress> {
        let live = std::io::stderr().is_terminal();
        let line = if live { Line::Idle } else { Line::Plain { last: String::new() } };
        Arc::new(Self { line: Mutex::new(line) })
    }

    fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Shown {
    fn step(&self, text: &str) {
        let text = one_line(text);
        let mut line = self.line();
        match &mut *line {
            Line::Plain { last } if *last == text => {}
            Line::Plain { last } => {
                say(&text);
                *last = text;
            }
            Line::Live(bar) => bar.set_message(text),
            Line::Idle => {
                let bar = ProgressBar::new_spinner();
                if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                    bar.set_style(style);
                }
                bar.enable_steady_tick(Duration::from_millis(100));
                bar.set_message(text);
                *line = Line::Live(bar);
            }
        }
    }

    fn detail(&self, text: &str) {
        if let Line::Live(bar) = &*self.line() {
            bar.set_message(one_line(text));
        }
    }

    fn note(&self, text: &str) {
        match &*self.line() {
            Line::Live(bar) => bar.suspend(|| say(text)),
            _ => say(text),
        }
    }

    fn end(&self) {
        let mut line = self.line();
        if let Line::Live(bar) = &*line {
            bar.finish_and_clear();
            *line = Line::Idle;
        }
    }
}

fn say(text: &str) {
    // Nobody reads any more: nothing to say.
    let _ = writeln!(anstream::stderr(), "{text}");
}
