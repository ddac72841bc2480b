use fairway_api::v1alpha1::{PipelineRunSpec, PipelineRunStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;

#[test]
fn the_newest_runs_are_kept_and_those_under_way_whatever_their_age() {
    let run = |number: i64, over: bool| {
        let mut run = PipelineRun::new(&format!("r{number}"), PipelineRunSpec { number, ..PipelineRunSpec::default() });
        let completion_time = over.then_some(Time(Timestamp::UNIX_EPOCH));
        run.status = Some(PipelineRunStatus { completion_time, ..PipelineRunStatus::default() });
        run
    };
    let siblings: Vec<PipelineRun> = (0..25).rev().map(|it| run(it, it != 1)).collect();
    let gone: Vec<String> = surplus(&siblings).iter().map(|it| it.name_any()).collect();
    assert_eq!(gone, ["r5", "r4", "r3", "r2", "r0"]);
    assert!(surplus(&siblings[..10]).is_empty());
}
