//! Pushing and fetching with the real git client, over HTTP.
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

#[path = "../host/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

mod server;

mod usual;

mod refused;

mod faults;
