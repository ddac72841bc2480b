//! Text from elsewhere, made safe for a terminal; columns; times.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

/// Without control characters (but line ends and tabs): a log or a name must not move the cursor.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().filter(|it| !it.is_control() || *it == '\n' || *it == '\t').collect()
}

/// On one line.
pub(crate) fn one_line(text: &str) -> String {
    harmless(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Columns two spaces apart, as kubectl prints them; an empty cell shows `-`.
pub(crate) fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut lines = vec![head.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()];
    for row in rows {
        lines.push(row.iter().map(|it| if it.is_empty() { "-".to_owned() } else { one_line(it) }).collect());
    }
    let width = |column: usize| lines.iter().filter_map(|it| it.get(column)).map(|it| it.chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|it| width(it).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        let mut out = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(out, "{cell:<width$}  ");
        }
        text.push_str(out.trim_end());
        text.push('\n');
    }
    text
}

/// How long ago, in one or two units: `3m12s`, `5d`.
pub(crate) fn ago(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A span as people say it: `83 ms`, `4.2 s`.
pub(crate) fn span(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// A size as people say it: `812 B`, `12.3 kB`, `4.0 MB`.
pub(crate) fn bytes(count: i64) -> String {
    let tenths = |unit: i64| format!("{}.{}", count / unit, count % unit / (unit / 10));
    match count {
        ..1000 => format!("{count} B"),
        1000..1_000_000 => format!("{} kB", tenths(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

/// Parses `30s`, `5m`, `1h30m`.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| {
        format!("{:?} is not a time span; write it like 30s, 5m or 1h30m", text.chars().take(40).collect::<String>())
    })?;
    Duration::try_from(parsed).map_err(|_| "a time span cannot be negative".to_owned())
}

#[cfg(test)]
mod tests;
