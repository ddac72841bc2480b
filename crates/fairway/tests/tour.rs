//! The tour is the proof that all parts work together: it is run as a test too. Alone in its program, because it
//! promises that a URL answers within a second of a crash, and test programs run one after the other.
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

use std::process::{Command, Stdio};

use fairway_node::machine::{self, UserMode};

#[test]
fn the_tour_passes_and_prints_its_table_as_data() {
    let machine = machine::inspect();
    if machine.user_mode == UserMode::None {
        eprintln!("skipped: containers cannot run here: {}", machine.user_reason);
        return;
    }
    let mut tour = Command::new(env!("CARGO_BIN_EXE_platform"));
    let output = tour.args(["tour", "-o", "json"]).stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stderr), text(&output.stdout));
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a table");
    assert_eq!(table["passed"], true);
    let steps: Vec<&str> =
        table["steps"].as_array().expect("steps").iter().filter_map(|it| it["step"].as_str()).collect();
    let shown =
        ["up", "deploy version 2", "refuse version 3", "push a mistake", "back, data stays", "refuse a migration"];
    for step in shown.into_iter().chain(["a wrong password", "kill -9, up again", "down"]) {
        assert!(steps.contains(&step), "{step} is not among {steps:?}");
    }
}
