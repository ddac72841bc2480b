//! An HTTP gateway for `HTTPRoute` objects: one listener, many hosts, no configuration file.
//!
//! A request walks through the modules in this order: [`mod@server`] reads it within limits, [`mod@proxy`] asks the
//! [`mod@table`] which rule it meets, the rule picks a backend by weight, [`mod@backends`] picks an endpoint, [`mod@endpoint`]
//! lends a connection that [`mod@dial`] opened. [`mod@watch`] keeps table and backends equal to the cluster's objects;
//! [`mod@status`] tells each route's owner what became of it.
//!
//! What it speaks: HTTP/1.0 and 1.1 towards clients, HTTP/1.1 towards endpoints, upgrades (WebSocket) passed through.
//! HTTP/2 is not spoken on either side, so gRPC does not pass.
//!
//! Filters: header modifiers and `RequestRedirect`. Everything else of the API that is not done is refused in the route's
//! status, never ignored.

mod answer;
mod backends;
mod dial;
mod endpoint;
mod gateway;
mod install;
mod metrics;
mod proxy;
mod route;
mod server;
mod status;
mod table;
mod watch;

pub use dial::{Dial, TcpDial};
pub use gateway::{Gateway, GatewaySettings, Limits, Named};
pub use install::{DEFINITIONS, open_gateway, rules};
pub use metrics::{BUCKETS_MS, RouteMetrics};
