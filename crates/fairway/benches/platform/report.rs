//! Rows for the table: `ROW`, the name, from where to where, the value.

use std::time::Duration;

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
