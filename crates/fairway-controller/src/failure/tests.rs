use std::io;

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("{said}")]
struct Step {
    said: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
}

#[test]
fn every_source_is_told_and_one_that_was_told_already_not_again() {
    let inner = || Box::new(io::Error::other("the disk is full"));
    let plain = Step { said: "write the file", source: inner() };
    assert_eq!(chain(&plain), "write the file: the disk is full");
    let repeats = Step { said: "write the file: the disk is full", source: inner() };
    assert_eq!(
        chain(&Step { said: "keep it", source: Box::new(repeats) }),
        "keep it: write the file: the disk is full"
    );
}
