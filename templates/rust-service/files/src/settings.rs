//! Settings, all from the environment. The platform sets them from `config/` and `score.yaml`.

use std::env;
use std::fmt;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

/// What can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `PORT`: what it listens on; 0 picks one.
    pub(crate) port: u16,
    /// `GREETING`: what the first page says.
    pub(crate) greeting: String,
    /// `LOG_LEVEL`: error, warn, info, debug or trace.
    pub(crate) log_level: LevelFilter,
    /// `DRAIN_MS`: how long it goes on answering after it was told to stop.
    pub(crate) drain: Duration,
    /// `HOSTNAME`: which of several instances this is.
    pub(crate) instance: String,
}

/// A variable that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidSetting {
    name: &'static str,
    value: String,
    wanted: &'static str,
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {:?}, and must be {}", self.name, self.value, self.wanted)
    }
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn from_environment() -> Result<Self, InvalidSetting> {
        Self::read(|name| env::var(name).ok())
    }

    /// Reads from wherever variables are.
    fn read(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let text = |name, otherwise: &str| variable(name).unwrap_or_else(|| otherwise.to_owned());
        let (port, log_level, drain) = (text("PORT", "8080"), text("LOG_LEVEL", "info"), text("DRAIN_MS", "500"));
        let invalid = |name, value: &str, wanted| InvalidSetting { name, value: value.to_owned(), wanted };
        let milliseconds = drain.parse().ok().filter(|it| *it <= 20_000);
        Ok(Self {
            port: port.parse().map_err(|_| invalid("PORT", &port, "a port, 0 to 65535"))?,
            log_level: log_level
                .parse()
                .map_err(|_| invalid("LOG_LEVEL", &log_level, "error, warn, info, debug or trace"))?,
            drain: milliseconds
                .map(Duration::from_millis)
                .ok_or_else(|| invalid("DRAIN_MS", &drain, "milliseconds, 0 to 20000"))?,
            greeting: text("GREETING", "hello"),
            instance: text("HOSTNAME", "unnamed"),
        })
    }
}

#[cfg(test)]
mod tests;
