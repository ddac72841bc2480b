//! The ledger from outside: what it records, how it is read, and what cannot be done to it unseen.

#[cfg(test)]
mod append;
#[cfg(test)]
mod common;
#[cfg(test)]
mod property;
#[cfg(test)]
mod query;
#[cfg(test)]
mod tamper;
