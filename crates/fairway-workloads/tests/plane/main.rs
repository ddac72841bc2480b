//! The controllers on a real API server.

mod cron;
mod jobs;
mod kubectl;
mod rollout;
mod stateful;
mod support;
