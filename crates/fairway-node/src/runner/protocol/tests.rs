use super::*;

fn run(name: &str, attempt: u32) -> ContainerState {
    ContainerState {
        name: name.into(),
        attempt,
        pid: 7,
        started_at: Timestamp::UNIX_EPOCH,
        finished: None,
        wants: None,
    }
}

#[test]
fn only_the_last_two_runs_of_each_container_are_remembered() {
    let mut state = PodState::default();
    for attempt in 0..5 {
        state.record(run("app", attempt));
    }
    state.record(run("side", 0));
    assert_eq!(state.latest("app").unwrap().attempt, 4);
    assert_eq!(state.previous("app").unwrap().attempt, 3);
    assert_eq!(state.previous("side"), None);
    assert_eq!(state.containers.len(), 3);
}

#[test]
fn a_run_that_is_known_is_replaced_not_doubled() {
    let mut state = PodState::default();
    state.record(run("app", 0));
    let finished =
        Finished { at: Timestamp::UNIX_EPOCH, exit_code: 0, signal: None, reason: "Completed".into(), message: None };
    state.record(ContainerState { finished: Some(finished), ..run("app", 0) });
    assert_eq!(state.containers.len(), 1);
    assert!(state.latest("app").unwrap().finished.is_some());
}
