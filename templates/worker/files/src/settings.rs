//! Settings, all from the environment. The platform sets them from `config/` and `score.yaml`.

use std::env;
use std::fmt;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

/// What can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `INTERVAL`: seconds between two rounds.
    pub(crate) interval: Duration,
    /// `LOG_LEVEL`: error, warn, info, debug or trace.
    pub(crate) log_level: LevelFilter,
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
        let (interval, log_level) = (text("INTERVAL", "10"), text("LOG_LEVEL", "info"));
        let invalid = |name, value: &str, wanted| InvalidSetting { name, value: value.to_owned(), wanted };
        let seconds = interval.parse().ok().filter(|it| (1..=3600).contains(it));
        Ok(Self {
            interval: seconds
                .map(Duration::from_secs)
                .ok_or_else(|| invalid("INTERVAL", &interval, "seconds, 1 to 3600"))?,
            log_level: log_level
                .parse()
                .map_err(|_| invalid("LOG_LEVEL", &log_level, "error, warn, info, debug or trace"))?,
        })
    }
}

#[cfg(test)]
mod tests;
