//! `cargo xtask bench`: one table of what was measured, each row saying from where to where. A new benchmark is one
//! line in [`BENCHES`] and a target that prints its rows.
//!
//! A target is a plain program (`harness = false`) or a command of the binary. What it prints is shown as it comes,
//! but for lines `ROW<TAB>name<TAB>from … to …<TAB>value`: those make the table at the end.

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
    Bench { name: "store", cargo: &["bench", "--package", "fairway-store", "--bench", "store", "--quiet"] },
    Bench { name: "ledger", cargo: &["bench", "--package", "fairway-ledger", "--bench", "ledger", "--quiet"] },
    Bench { name: "gateway", cargo: &["bench", "--package", "fairway-gateway", "--bench", "gateway", "--quiet"] },
];

struct Row {
    name: String,
    way: String,
    value: String,
}

pub(crate) fn run(filter: Option<&str>) -> Result<ExitCode> {
    let chosen = BENCHES.iter().filter(|it| filter.is_none_or(|filter| it.name.contains(filter)));
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for bench in chosen {
        println!("=== {}", bench.name);
        let mut command = workspace::cargo();
        command.args(bench.cargo);
        if !measure(command, &mut rows)? {
            failed.push(bench.name);
        }
    }
    print(&rows);
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
        match line.strip_prefix("ROW\t").map(|it| it.splitn(3, '\t').map(str::to_owned).collect::<Vec<_>>()) {
            Some(parts) if parts.len() == 3 => {
                let mut parts = parts.into_iter();
                let mut next = || parts.next().unwrap_or_default();
                rows.push(Row { name: next(), way: next(), value: next() });
            }
            _ => println!("{line}"),
        }
    }
    Ok(child.wait().context("wait for its end")?.success())
}

fn print(rows: &[Row]) {
    let width = |cell: fn(&Row) -> &str| rows.iter().map(|it| cell(it).chars().count()).max().unwrap_or(0);
    let (name, way) = (width(|it| &it.name), width(|it| &it.way));
    for row in rows {
        println!("{:name$}  {:way$}  {}", row.name, row.way, row.value);
    }
}
