//! `version`: of this program, and of the platform that runs.

use serde::Serialize;

use crate::home::Home;
use crate::output::Report;

/// Versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// This program's.
    pub version: String,
    /// That of the platform that runs here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
}

impl Report for Version {
    fn table(&self) -> String {
        let running = match &self.running {
            Some(running) if *running != self.version => {
                format!("the running platform is {running}; platform down and up changes that\n")
            }
            _ => String::new(),
        };
        format!("platform {}\n{running}", self.version)
    }

    fn names(&self) -> Vec<String> {
        vec![self.version.clone()]
    }
}

/// Reads the versions.
pub fn version(home: Option<&Home>) -> Version {
    let running = home.and_then(Home::running).map(|it| it.version);
    Version { version: env!("CARGO_PKG_VERSION").to_owned(), running }
}
