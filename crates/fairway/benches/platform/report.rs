//! Rows for the table: `ROW`, the name, from where to where, the value.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::home::Home;

/// How long a started platform is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);

/// One row.
pub(crate) fn row(name: &str, from: &str, to: &str, value: &str) {
    println!("ROW\t{name}\tfrom {from} to {to}\t{value}");
}

/// A row of durations: the median, and the range it lies in.
pub(crate) fn times(name: &str, from: &str, to: &str, mut times: Vec<Duration>) {
    times.sort();
    let (first, last, count) = (times[0], times[times.len() - 1], times.len());
    row(name, from, to, &format!("{} ({} to {}, {count} times)", shown(median(&times)), shown(first), shown(last)));
}

/// The middle of sorted durations.
pub(crate) fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

/// A duration with three digits that count.
pub(crate) fn shown(it: Duration) -> String {
    let micros = it.as_secs_f64() * 1e6;
    match micros {
        ..1e3 => format!("{micros:.0} µs"),
        ..1e4 => format!("{:.2} ms", micros / 1e3),
        ..1e5 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.0} ms", micros / 1e3),
    }
}

/// How big the binary is.
pub(crate) fn size(program: &Path) -> Result<()> {
    let bytes = std::fs::metadata(program).context("look at the binary")?.len();
    row("binary", "the first byte", "the last of `platform`, stripped", &tenths(bytes, 1_000_000, "MB"));
    Ok(())
}

/// What the kernel says that a platform with nothing in it holds.
pub(crate) async fn memory(home: &Home) -> Result<()> {
    tokio::time::sleep(REST).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", home.pid()?)).context("read its memory")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("find VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("read VmRSS")?;
    let to = "its resident memory (VmRSS) after five seconds, nothing deployed";
    row("idle memory", "a ready platform", to, &tenths(kib, 1024, "MiB"));
    Ok(())
}

fn tenths(amount: u64, unit: u64, name: &str) -> String {
    let tenths = amount * 10 / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}
