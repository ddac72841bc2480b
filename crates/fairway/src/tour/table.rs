//! The table of timings that closes the tour: the platform's own time apart from the build's.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

/// One step.
pub(super) struct Row {
    pub(super) step: &'static str,
    pub(super) found: String,
    pub(super) total: Duration,
    pub(super) build: Duration,
}

impl Row {
    /// Without the build.
    fn own(&self) -> Duration {
        self.total.saturating_sub(self.build)
    }
}

/// A time as people read it.
pub(super) fn shown(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

/// Prints the table, as text or as data.
pub(super) fn print(rows: &[Row], as_data: bool, passed: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let own: Duration = rows.iter().map(Row::own).sum();
    let build: Duration = rows.iter().map(|it| it.build).sum();
    if as_data {
        let milliseconds = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        let steps: Vec<_> = rows
            .iter()
            .map(|it| {
                json!({
                    "step": it.step, "found": it.found,
                    "platformMs": milliseconds(it.own()), "buildMs": milliseconds(it.build),
                })
            })
            .collect();
        let table = json!({
            "passed": passed, "platformMs": milliseconds(own), "buildMs": milliseconds(build), "steps": steps,
        });
        writeln!(out, "{table:#}")?;
        return Ok(());
    }
    writeln!(out, "\n{:<22} {:>10} {:>10}", "step", "platform", "build")?;
    for it in rows {
        let build = if it.build.is_zero() { String::new() } else { shown(it.build) };
        writeln!(out, "{:<22} {:>10} {:>10}", it.step, shown(it.own()), build)?;
    }
    writeln!(out, "{:<22} {:>10} {:>10}", "together", shown(own), shown(build))?;
    writeln!(out, "{}", if passed { "every step was verified from outside" } else { "the tour FAILED" })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        assert_eq!(shown(Duration::from_millis(7)), "7 ms");
        assert_eq!(shown(Duration::from_millis(1340)), "1.3 s");
    }
}
