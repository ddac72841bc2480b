//! Prints `docs/reference/pipeline.schema.json`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    let schema = fairway_plan::pipeline::file::schema();
    println!("{}", serde_json::to_string_pretty(&schema).unwrap_or_default());
}
