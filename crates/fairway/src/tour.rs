//! `platform tour`: a whole platform in a temporary folder, used as a user uses it.
//!
//! Every step runs the commands that a user runs, as processes of this same binary, and is verified from outside: by
//! HTTP requests, by the machine's processes and mounts, by files. A status is read only where the status itself is
//! what is to be shown.

mod outside;

mod scene;

mod steps;

mod work;

mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use scene::Scene;
use table::Row;

/// How the tour is taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Leave the platform running at the end.
    pub(crate) keep: bool,
    /// Print the table as data.
    pub(crate) json: bool,
}

/// Takes the tour. The exit code is 0 only if every step was verified.
pub(crate) async fn take(options: Options) -> Result<ExitCode> {
    let mut scene = Scene::open(options.json)?;
    let mut rows = Vec::new();
    let outcome = steps::all(&mut scene, &mut rows, options.keep).await;
    let passed = outcome.is_ok();
    if let Err(error) = &outcome {
        scene.say(&format!("FAILED  {error:#}"));
        scene.show_log_tail();
    }
    if !(options.keep && passed) {
        scene.close(passed).await;
    }
    table::print(&rows, options.json, passed)?;
    if options.keep && passed {
        scene.say(&format!("it goes on running: export FAIRWAY_HOME={}", scene.home().display()));
        scene.leave();
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a step found, and how much of its time was the build's.
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) build: Duration,
}

impl Found {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), build: Duration::ZERO }
    }
}

impl Row {
    fn of(step: &'static str, total: Duration, found: &Found) -> Self {
        Self { step, found: found.text.clone(), total, build: found.build.min(total) }
    }
}
