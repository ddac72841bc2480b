//! `cargo xtask bench`: one table of what was measured, each row saying from where to where. A new benchmark is one
//! line in [`BENCHES`] and a target that prints its rows.
//!
//! A target is a plain program (`harness = false`) or a command of the binary. What it prints is shown as it comes,
//! but for lines `ROW<TAB>name<TAB>from … to …<TAB>value`: those make the table at the end, each beside the [budget]
//! of its job, if it has one.

mod budget;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::workspace;

/// One program that measures.
struct Bench {
    /// What it is called on the command line.
    name: &'static str,
    /// What cargo is told.
    cargo: &'static [&'static str],
}

const BENCHES: &[Bench] = &[
    Bench { name: "platform", cargo: &["bench", "--bench", "platform"] },
    Bench { name: "inside", cargo: &["bench", "--bench", "inside"] },
    Bench { name: "container", cargo: &["test", "--release", "--test", "runner", "--", "--nocapture", "is_measured"] },
    Bench { name: "step", cargo: &["test", "--release", "--test", "host_images", "--", "--nocapture", "is_measured"] },
    Bench { name: "store", cargo: &["bench", "--bench", "store"] },
    Bench { name: "ledger", cargo: &["bench", "--bench", "ledger"] },
    Bench { name: "gateway", cargo: &["bench", "--bench", "gateway"] },
];

/// Always chosen together, whichever is measured: the features of the dependencies follow from what is chosen, and so
/// everything is built once.
const PACKAGES: &[&str] = &["fairway", "fairway-store", "fairway-ledger", "fairway-gateway", "fairway-node"];

impl Bench {
    fn command(&self) -> Command {
        let mut command = workspace::cargo();
        let (verb, rest) = self.cargo.split_first().unwrap_or((&"bench", &[]));
        command.args([verb, "--quiet"]);
        command.args(PACKAGES.iter().flat_map(|it| ["--package", it]));
        command.args(rest);
        command
    }
}

struct Row {
    name: String,
    way: String,
    value: String,
}

impl Row {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.strip_prefix("ROW\t")?.splitn(3, '\t').map(str::to_owned);
        Some(Self { name: parts.next()?, way: parts.next()?, value: parts.next()? })
    }
}

pub(crate) fn run(filter: Option<&str>) -> Result<ExitCode> {
    let chosen = BENCHES.iter().filter(|it| filter.is_none_or(|filter| it.name.contains(filter)));
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for bench in chosen {
        println!("=== {}", bench.name);
        if !measure(bench.command(), &mut rows)? {
            failed.push(bench.name);
        }
    }
    print!("{}", table(&rows));
    for name in &failed {
        println!("FAILED   {name}");
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one program and takes its rows; false if it failed.
fn measure(mut command: Command, rows: &mut Vec<Row>) -> Result<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("start {command:?}"))?;
    let output = child.stdout.take().context("read what it prints")?;
    for line in BufReader::new(output).lines() {
        let line = line.context("read what it prints")?;
        match Row::parse(&line) {
            Some(row) => rows.push(row),
            None => println!("{line}"),
        }
    }
    Ok(child.wait().context("wait for its end")?.success())
}

/// The rows with their budgets, as a table that a page can hold.
fn table(rows: &[Row]) -> String {
    let mut lines = vec![["what", "value", "bar", "aim", "anchor", "from where to where"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let (bar, aim, anchor) = budget::of(&row.name).map_or(("", "", ""), |it| (it.bar, it.aim, it.anchor));
        [&*row.name, &row.value, bar, aim, anchor, &row.way].map(str::to_owned)
    }));
    let widths: Vec<usize> =
        (0..6).map(|at| lines.iter().map(|it| it[at].chars().count()).max().unwrap_or(0)).collect();
    lines.insert(1, std::array::from_fn(|at| "-".repeat(widths[at])));
    let shown = |line: &[String; 6]| {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    lines.iter().map(shown).collect()
}

#[cfg(test)]
mod tests;
