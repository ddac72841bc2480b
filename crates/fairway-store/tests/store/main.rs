//! The store from outside: its contract, its faults, and a model that it must agree with.

#[cfg(test)]
mod common;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod model;
