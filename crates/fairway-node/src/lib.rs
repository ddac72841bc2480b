//! Runs pods on one machine.
