//! The tour is the proof that all parts work together: it is run as a test too.

use crate::support::{Home, can_run_containers, text};

#[test]
fn the_tour_passes_and_prints_its_table_as_data() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    let output = home.run(&["tour", "-o", "json"]);
    assert!(output.status.success(), "{}{}", text(&output.stderr), text(&output.stdout));
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a table");
    assert_eq!(table["passed"], true);
    let steps: Vec<&str> =
        table["steps"].as_array().expect("steps").iter().filter_map(|it| it["step"].as_str()).collect();
    for step in ["up", "deploy version 2", "refuse version 3", "kill -9, up again", "down"] {
        assert!(steps.contains(&step), "{step} is not among {steps:?}");
    }
}
