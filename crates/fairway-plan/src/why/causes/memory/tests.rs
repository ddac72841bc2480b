use crate::why::fixtures::*;
use crate::why::{CauseKind, Container, End, State};

const SENTENCE: &str = "container web used more memory than its limit of 48Mi and was killed";

#[test]
fn a_program_that_was_killed_for_its_memory_is_told_its_limit() {
    let end = End { reason: "OOMKilled".to_owned(), code: 137, message: String::new() };
    let lines = vec!["loading all of it".to_owned()];
    let killed = Container { restarts: 3, last_end: Some(end), state: State::Running, lines, ..Container::default() };
    let cause = is(&with(killed), CauseKind::OutOfMemory, SENTENCE);
    assert!(cause.evidence.iter().any(|it| it.text == "loading all of it"));
    let failure = "container web used more memory than its limit and was killed (3 restarts)";
    is(&taken_back(failure, &[]), CauseKind::OutOfMemory, SENTENCE);
    blames_nobody(&exited(137, &["out of memory? no"]));
}
