//! The real binary, used as a user uses it: the tour, and what must not break it.
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

mod support;

mod tour;

mod terminal;

mod kubectl;

mod faults;

mod killed;

mod rollouts;

mod hostile;

mod repositories;

mod pipelines;
