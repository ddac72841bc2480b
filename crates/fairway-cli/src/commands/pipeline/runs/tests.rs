use fairway_api::v1alpha1::PipelineRunSpec;

use super::*;

fn run(number: i64, commit: &str) -> PipelineRun {
    let spec = PipelineRunSpec {
        component_name: "orders".to_owned(),
        r#ref: "refs/heads/main".to_owned(),
        commit: commit.to_owned(),
        number,
        ..PipelineRunSpec::default()
    };
    PipelineRun::new(&format!("orders-{number}"), spec)
}

#[test]
fn a_run_is_meant_by_number_or_commit() {
    let runs = [run(1, "aaaaaaaa11"), run(2, "bbbbbbbb22"), run(3, "aaaaaaaa11")];
    let of = |word: &str| meant(word, &runs).map(|it| it.spec.number);
    assert_eq!(of("2"), Some(2));
    assert_eq!(of("aaaaaaa"), Some(3), "the newest of the commit");
    assert_eq!(of("aaaa"), None, "too short for a commit");
    assert_eq!(of("9"), None);
}

#[test]
fn a_run_reads_as_one_line() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let list = RunList { items: vec![row(&run(7, "9fceb02d0ae598e9"), now)] };
    let table = list.table();
    assert!(table.contains("orders-7  7       main    9fceb02d0a  Waiting"), "{table}");
    assert_eq!(RunList { items: Vec::new() }.table(), "no run yet\n");
    assert_eq!(list.names(), ["pipelinerun.fairway.dev/orders-7"]);
}
