//! Pipelines: what `.fairway/pipeline.yaml` says, and what is to be done next about a run of it.
//!
//! The controller and `platform pipeline run` call the same functions: [`file`] reads and checks, [`refs`] says what a
//! branch leads to, [`key`] tells whether a step has to run at all, [`plan`] decides, [`queue`] shares out places.

pub mod file;

pub mod refs;

pub mod glob;

pub mod key;

pub mod plan;

pub mod queue;

pub mod failed_test;

pub mod failed_packages;

pub mod run_name;

pub mod toolchain;
