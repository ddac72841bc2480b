//! The real binary, used as a user uses it, and what must not break it. The tour is a test program of its own.
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

mod support;

mod terminal;

mod kubectl;

mod faults;

mod killed;

mod rollouts;

mod hostile;

mod why;

mod repositories;

mod repo_commands;

mod resources;

mod migrations;

mod insiders;

mod mirrors;

mod pipelines;

mod languages;

mod hostile_steps;
