//! What a real kube-apiserver answered (`golden/*.json`, with their origin), replayed on our own code.

#[path = "golden/cases.rs"]
mod cases;
#[path = "golden/defaults.rs"]
mod defaults;
#[path = "golden/refusals.rs"]
mod refusals;
#[path = "golden/server.rs"]
mod server;
