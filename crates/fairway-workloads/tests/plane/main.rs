//! The controllers on a real API server.

mod rollout;
mod stateful;
mod support;
