//! Who gets in: every route of a real server, with and without credentials, over the wire and in-process.

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

#[path = "access/plane.rs"]
mod plane;
#[path = "access/rights.rs"]
mod rights;
#[path = "access/routes.rs"]
mod routes;
#[path = "access/wire.rs"]
mod wire;
