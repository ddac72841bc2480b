//! The controllers on a real API server.

mod jobs;
mod rollout;
mod stateful;
mod support;
