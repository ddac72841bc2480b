//! How much a platform takes that has nothing to do.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::home::Home;
use super::report::row;

/// How long a started platform is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);

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

/// An amount with one digit after the point.
fn tenths(amount: u64, unit: u64, name: &str) -> String {
    let tenths = amount * 10 / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}
