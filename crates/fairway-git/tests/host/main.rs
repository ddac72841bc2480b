//! The host with the real git.

mod support;

mod repositories;

mod checkout;
