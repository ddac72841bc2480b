//! The project's automation, started as `cargo xtask <command>`. Each command is one module; `--help` lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod bench;
mod gate;
mod generate;
mod left_behind;
mod stories;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's automation")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole gate: formatting, lints, house rules, generated files, and every test
    Test,
    /// Write the generated files from what was captured (with --check: compare only)
    Gen {
        /// Change nothing; fail if a generated file differs
        #[arg(long)]
        check: bool,
    },
    /// Check the house rules that no compiler checks: sizes, modules, layers, dependencies
    Tidy,
    /// Measure, in a release build, and print one table of rows from where to where
    Bench {
        /// Only the rows whose name contains this
        filter: Option<String>,
    },
    /// Run the stories in tests/e2e/stories against the real binary
    E2e {
        /// Only the stories whose file name contains this
        filter: Option<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Test => Ok(gate::run()),
        Command::Gen { check } => generate::run(check),
        Command::Tidy => tidy::run(),
        Command::Bench { filter } => bench::run(filter.as_deref()),
        Command::E2e { filter } => stories::run(filter.as_deref()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
