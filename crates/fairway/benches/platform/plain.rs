//! What a step costs that runs as a plain process: `platform pipeline run`.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;

use super::home::{self, Home};
use super::report;

/// How many steps, one after the other.
const STEPS: usize = 21;

pub(crate) fn all(home: &Home) -> Result<()> {
    let folder = home.path("plain");
    std::fs::create_dir_all(folder.join(".fairway"))?;
    std::fs::write(folder.join(".fairway/pipeline.yaml"), pipeline()?)?;
    let mut command = Command::new(home::program());
    command.args(["pipeline", "run"]).current_dir(&folder).env("FAIRWAY_HOME", home.path("home"));
    let output = command.stdin(Stdio::null()).output().context("start the command")?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success(), "pipeline run: {said}");
    let stamps: Vec<Timestamp> = said.lines().filter_map(stamp).collect();
    ensure!(stamps.len() == 2 * STEPS, "the steps said {} times: {said}", stamps.len());
    // Each step says when it begins and when it ends; what lies between two steps is ours.
    let between = stamps[1..stamps.len() - 1].chunks_exact(2).map(|it| it[1].duration_since(it[0]).try_into());
    let between = between.collect::<Result<Vec<_>, _>>().context("the steps did not follow each other")?;
    report::times("pipeline step overhead, plain", "a step's command's end", "the next one's running", between);
    Ok(())
}

fn pipeline() -> Result<String> {
    let mut text = "apiVersion: fairway.dev/v1alpha1\nkind: Pipeline\nsteps:\n".to_owned();
    for step in 0..STEPS {
        writeln!(text, "  - name: step-{step}\n    toolchain: rust\n    run: date +%s.%N; date +%s.%N")?;
        if step > 0 {
            writeln!(text, "    needs: [step-{}]", step - 1)?;
        }
    }
    Ok(text)
}

/// A time that a program wrote as seconds since 1970, as `date +%s.%N` does.
pub(crate) fn stamp(text: &str) -> Option<Timestamp> {
    let (seconds, nanoseconds) = text.split_once('.').filter(|it| it.1.len() == 9)?;
    Timestamp::new(seconds.parse().ok()?, nanoseconds.parse().ok()?).ok()
}
