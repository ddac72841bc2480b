//! `platform`: the one binary. Wiring only.

mod platform;

mod tour;

mod doctor;

mod host;

use std::process::ExitCode;

fn main() -> ExitCode {
    // First: this process may be the init of a pod or the entry of a container.
    fairway_node::reexec();
    // Or the hook that git asks whether a push may be taken.
    fairway_git::reexec();
    // One provider for all of TLS and for all tokens, chosen before anything asks for one; a second choice changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    fairway_cli::run(host::host())
}
